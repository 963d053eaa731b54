#pragma once
// One validation of a staged image. Adding a kind: one file here, one line in table.cpp, one test, one page
// in docs.

#include "config/config.hpp"
#include "core/clock.hpp"
#include "core/launcher.hpp"
#include "oci/platform.hpp"
#include "oci/reference.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::checks {

struct Context {
  Clock& clock;
  Launcher& launcher;
  oci::Reference image;  // staging repository by digest
  oci::Platform platform;
  std::shared_ptr<const config::Config> config;
  std::string pipeline;
  std::string run;
  std::function<void(std::string_view)> log;  // lines for the run log
};

struct Outcome {
  bool passed = false;
  std::string summary;  // one line: "exit code 0", "exit code 1: Error: Cannot find module"
};

class Check : public config::Part {
 public:
  /// A verdict on the image, or Error when no verdict could be reached (the job is retried by kind).
  virtual Task<Outcome> run(Context context) const = 0;
  /// It calls tools that log in to registries by what the configuration holds.
  virtual bool needs_logins() const { return false; }
};

/// All kinds by name, for config::Parts.
std::map<std::string, config::ParsePart> table();

}  // namespace sluice::checks
