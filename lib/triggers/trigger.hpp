#pragma once
// One way to ask that a dependent be built again. Adding a kind: one file, one line in table.cpp, one test,
// one page.

#include "config/config.hpp"
#include "core/clock.hpp"
#include "core/launcher.hpp"
#include "net/client.hpp"
#include "oci/reference.hpp"
#include "triggers/git_source.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::triggers {

/// What is asked; every field is ours, none from a payload.
struct Rebuild {
  std::string idempotency_key;  // the same for every repeat
  std::string run;              // id of the rebuild's run
  std::string dependent;
  oci::Reference image;  // what is to be built and pushed
  oci::Reference base;   // promoted image: tag and digest
  std::string pipeline;
  std::string promotion_run;
  Time at;
};

struct Context {
  Clock& clock;
  Launcher& launcher;
  net::Client& http;
  std::shared_ptr<const config::Config> config;
  std::function<void(std::string_view)> log;
};

class Trigger : public config::Part {
 public:
  /// Returns what the target said ("204 No Content", "pushed sha256:..."), or throws Error; repeats are
  /// harmless.
  virtual Task<std::string> send(Rebuild rebuild, Context context) const = 0;
  /// The source that it builds from itself, null when it does not: then a push is the business of the target.
  virtual const GitSource* git_source() const { return nullptr; }
  /// False while something of this machine that send() needs is in other hands: then it is asked again soon,
  /// rather than keeping others waiting behind it.
  virtual bool is_free(const Rebuild&) const { return true; }
  /// It calls tools that log in to registries by what the configuration holds.
  virtual bool needs_logins() const { return false; }
};

std::map<std::string, config::ParsePart> table();

}  // namespace sluice::triggers
