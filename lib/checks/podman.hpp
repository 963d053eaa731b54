#pragma once
// The calls of podman that a container check makes.

#include "checks/check.hpp"
#include "config/tool_access.hpp"
#include "core/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::checks {

/// That a check uses an image, as long as it lives or until end().
class ImageUse {
 public:
  explicit ImageUse(std::string image);
  ~ImageUse();
  ImageUse(const ImageUse&) = delete;
  ImageUse& operator=(const ImageUse&) = delete;
  /// True when nobody else uses it.
  bool end();

 private:
  std::string image_;
  bool ended_ = false;
};

/// Both parameters must outlive the object.
class Podman {
 public:
  Podman(const Context& context, const config::ToolAccess& access);

  /// The image by digest, as podman is told it.
  const std::string& image() const { return image_; }
  /// Throws Error by what the registry said; nothing of it is a verdict on the image.
  Task<> pull(Milliseconds timeout) const;
  /// `podman run` with the arguments; its output goes to the run log.
  Task<ProcessResult> run(std::vector<std::string> arguments, Milliseconds timeout) const;
  /// Removes the container, and the image unless another check uses it; takes bounded time, and it is no
  /// error when there is none. The last call.
  Task<> remove(std::string container);

  /// The error when it was podman or the container runtime that failed, nullopt when it was the program in
  /// the image (which includes that the image has no such program).
  static std::optional<Error> failure_of_run(const ProcessResult& result);

 private:
  Command command(std::vector<std::string> arguments, Milliseconds timeout) const;
  Task<ProcessResult> call(Command command) const;

  const Context& context_;
  const config::ToolAccess& access_;
  std::string image_;
  ImageUse use_;
};

}  // namespace sluice::checks
