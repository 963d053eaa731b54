#include "checks/podman.hpp"

#include "checks/verdict.hpp"
#include "core/keyed_lock.hpp"
#include "core/lines.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::checks {
namespace {

constexpr Milliseconds removal_time = std::chrono::seconds(30);

// Exit codes of podman-run(1): 125 podman failed, 126 the command cannot be invoked, 127 it cannot be found.
// The last two also stand for failures of the runtime, and a program in the image may end with any of them:
// only podman's own last line tells them apart.
constexpr int podman_failed = 125;
constexpr int not_invocable = 126;
constexpr int not_found = 127;

bool holds_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// "Error: ...", or of its arguments "Error: unknown flag: --x" and "See 'podman run --help'".
bool is_said_by_podman(std::string_view line) {
  return line.starts_with("Error: ") || line.starts_with("See '");
}

// "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied", but not
// "Error: runc: ... exec: "/nonesuch": stat /nonesuch: no such file or directory: OCI runtime attempted to
// invoke ..."
bool is_runtime_failure(std::string_view line) {
  return line.starts_with("Error: ") &&
         holds_any(line, {"OCI ", "crun", "runc", "netavark", "cni ", "conmon"}) &&
         !holds_any(line, {"exec: ", "exec format", "executable file", "open executable", "exec `"});
}

// Of images by name, how many checks use each. They share it in local storage: the last one removes it, and
// nobody pulls it meanwhile.
std::map<std::string, int>& users() {
  static std::map<std::string, int> counts;
  return counts;
}
KeyedLock& removals() {
  static KeyedLock lock;
  return lock;
}

}  // namespace

ImageUse::ImageUse(std::string image) : image_(std::move(image)) {
  ++users()[image_];
}

ImageUse::~ImageUse() {
  end();
}

bool ImageUse::end() {
  if (std::exchange(ended_, true)) return false;
  const auto count = users().find(image_);
  if (--count->second > 0) return false;
  users().erase(count);
  return true;
}

Podman::Podman(const Context& context, const config::ToolAccess& access)
    : context_(context),
      access_(access),
      image_(context.image.repository.text() + (context.image.digest
                                                    ? "@" + context.image.digest->text()
                                                    : ":" + context.image.tag.value_or("latest"))),
      use_(image_) {}

Task<> Podman::pull(Milliseconds timeout) const {
  std::vector<std::string> arguments{"pull", "--quiet", "--log-level=error",
                                     "--platform=" + context_.platform.text()};
  const auto& flags = access_.certificate_flags();
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  arguments.insert(arguments.end(), {"--", image_});
  co_await removals().wait(image_, context_.clock);
  Command pulling = command(std::move(arguments), timeout);
  const ProcessResult result = co_await call(std::move(pulling));
  if (result.ok()) co_return;
  if (result.timed_out)
    throw Error(ErrorKind::timeout,
                fmt::format("pulling {} for a check did not end within {}", image_, short_duration(timeout)));
  throw Error(config::kind_of_registry_failure(result.output),
              fmt::format("pulling {} for a check failed: {}", image_, last_words(result)));
}

Task<ProcessResult> Podman::run(std::vector<std::string> arguments, Milliseconds timeout) const {
  arguments.insert(arguments.begin(), "run");
  Command running = command(std::move(arguments), timeout);
  const auto feed = std::make_shared<LineFeed>(context_.log);
  running.on_output = [feed](std::string_view piece) { feed->take(piece); };
  ProcessResult result = co_await call(std::move(running));
  feed->finish();
  co_return result;
}

Task<> Podman::remove(std::string container) {
  Command container_removal = command(
      {"rm", "--log-level=error", "--force", "--ignore", "--volumes", "--time=0", "--", std::move(container)},
      removal_time);
  const ProcessResult removed = co_await call(std::move(container_removal));
  if (!removed.ok()) context_.log("the container could not be removed: " + last_words(removed));
  if (!use_.end()) co_return;
  const KeyedLock::Place place(removals(), image_);
  // Only this name of the image goes; podman keeps what another name or container still uses.
  Command image_removal = command({"rmi", "--log-level=error", "--ignore", "--", image_}, removal_time);
  co_await call(std::move(image_removal));
}

std::optional<Error> Podman::failure_of_run(const ProcessResult& result) {
  const auto error = [&](ErrorKind kind) {
    return Error(kind,
                 fmt::format("the container could not be run: {} (settings of the container tool are under "
                             "'tools: container:')",
                             last_words(result)));
  };
  if (result.signal != 0) return error(ErrorKind::unavailable);
  const auto said = last_lines(result.output, 1);
  if (result.exit_code == podman_failed && is_said_by_podman(said))
    return error(config::kind_of_registry_failure(result.output));
  if (result.exit_code != not_invocable && result.exit_code != not_found) return std::nullopt;
  if (is_runtime_failure(said)) return error(ErrorKind::unavailable);
  return std::nullopt;
}

Command Podman::command(std::vector<std::string> arguments, Milliseconds timeout) const {
  const auto& tool = context_.config->container;
  Command command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), tool.program);
  command.environment = access_.environment(tool);
  command.timeout = timeout;
  return command;
}

Task<ProcessResult> Podman::call(Command command) const {
  const std::string program = command.argv.front();
  try {
    co_return co_await context_.launcher.run(std::move(command));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  throw Error(ErrorKind::not_found,
              fmt::format("there is no program '{}' to run containers with: install podman, or name another "
                          "program under 'tools: container: program:'",
                          program));
}

}  // namespace sluice::checks
