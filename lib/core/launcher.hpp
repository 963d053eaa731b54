#pragma once
// Child processes as a parameter: no room starts a process other than through a Launcher that it was given.

#include "core/clock.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

struct Command {
  /// Program and arguments; the program is looked up in PATH; never given to a shell.
  std::vector<std::string> argv{};
  /// Added to (and overriding) a minimal environment: PATH, HOME, TMPDIR, LANG, XDG_RUNTIME_DIR of the
  /// daemon.
  std::vector<std::pair<std::string, std::string>> environment{};
  std::optional<std::filesystem::path> directory{};
  std::string input{};
  /// After this the whole process group gets SIGTERM and, `grace` later, SIGKILL.
  Milliseconds timeout{std::chrono::minutes(10)};
  Milliseconds grace{std::chrono::seconds(5)};
  /// Bytes of merged stdout and stderr that are kept: the first half and the last half, with a mark between.
  std::size_t output_limit = 256 * 1024;
  /// Called with each piece of output as it arrives (event-loop thread); may be empty.
  std::function<void(std::string_view)> on_output{};
  /// When true stdout is kept apart in ProcessResult::standard_output.
  bool separate_output = false;
};

struct ProcessResult {
  int exit_code = -1;
  /// Signal that ended the process, 0 when it exited.
  int signal = 0;
  bool timed_out = false;
  bool truncated = false;
  std::string output;
  std::string standard_output;
  bool ok() const { return exit_code == 0 && signal == 0 && !timed_out; }
  /// Ended by a signal that others send (a person, a shutdown, the kernel short of memory), not by one that a
  /// mistake of the program itself raises.
  bool was_killed() const;
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  /// Runs the command to its end. Throws Error(not_found) when the program does not exist, Error(unavailable)
  /// when the process cannot be started. When the calling coroutine is cancelled the process group is killed
  /// and reaped.
  virtual Task<ProcessResult> run(Command command) = 0;
};

/// The real thing, on the given clock.
class SystemLauncher final : public Launcher {
 public:
  explicit SystemLauncher(Clock& clock) : clock_(clock) {}
  Task<ProcessResult> run(Command command) override;

 private:
  Clock& clock_;
};

}  // namespace sluice
