#pragma once
// One build with buildah: pull the base, build on exactly it, push, tidy up.

#include "config/placeholders.hpp"
#include "config/tool_access.hpp"
#include "oci/platform.hpp"
#include "triggers/trigger.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::triggers {

/// What is built; placeholders are filled in already.
struct Recipe {
  std::string file;    // inside the source, empty for buildah's own choice (Containerfile, then Dockerfile)
  std::string target;  // stage, empty for the last
  config::Values arguments;
  oci::Platform platform;
  Milliseconds build_timeout{};
  Milliseconds transfer_timeout{};  // of the pull and of the push
};

/// All three parameters must outlive the object.
class ImageBuild {
 public:
  ImageBuild(const Rebuild& rebuild, const Context& context, const config::ToolAccess& access);

  /// Builds the source and pushes it under the dependent's tag; gives the digest that was pushed. `revision`
  /// is the commit of the source, empty when unknown. Throws Error: by what a registry said, `invalid` when a
  /// build step failed, `unavailable` when the base is not free soon.
  Task<oci::Digest> run(Recipe recipe, std::filesystem::path source, std::string revision) const;
  /// Removes what a build leaves behind, also one that was killed; takes bounded time and does not fail.
  Task<> remove() const;

 private:
  Task<> pull_base(oci::Platform platform, Milliseconds timeout) const;
  Task<> build(Recipe recipe, std::filesystem::path source, std::string revision) const;
  Task<oci::Digest> push(Milliseconds timeout) const;
  std::vector<std::string> build_arguments(const Recipe& recipe, const std::filesystem::path& source,
                                           const std::string& revision) const;
  Command command(std::vector<std::string> arguments, Milliseconds timeout) const;
  Task<ProcessResult> call(Command command) const;

  const Rebuild& rebuild_;
  const Context& context_;
  const config::ToolAccess& access_;
  std::string base_name_;   // our own name of the base in local storage
  std::string image_name_;  // and of the result
};

/// Whether nobody waited in vain for the rebuild that pulls this base now, if there is one.
bool is_free_base(const oci::Reference& base);

/// The ways in which a Containerfile may write a name: docker.io/library/node:9, node:9, ...
std::vector<std::string> spellings(const oci::Reference& reference);

}  // namespace sluice::triggers
