#include "core/spawn.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/close_range.h>
#include <map>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace sluice {
namespace {

constexpr auto default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string reason(int code) {
  return std::generic_category().message(code);
}

[[noreturn]] void fail(std::string_view what) {
  throw Error(ErrorKind::unavailable, fmt::format("cannot start a process: {}: {}", what, reason(errno)));
}

/// Moves a descriptor above stdin, stdout and stderr, which may be closed in a daemon, so that dup2 cannot
/// collide.
Descriptor above_stdio(Descriptor descriptor, std::string_view what) {
  if (!descriptor) fail(what);
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  Descriptor moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) fail(what);
  return moved;
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  Descriptor read(ends[0]), write(ends[1]);
  Pipe pipe;
  pipe.read = above_stdio(std::move(read), "pipe");
  pipe.write = above_stdio(std::move(write), "pipe");
  return pipe;
}

/// A file in memory rather than a pipe: nothing to write while the child runs, and no SIGPIPE when it does
/// not read.
Descriptor make_input(std::string_view text) {
  if (text.empty()) return above_stdio(Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)), "/dev/null");
  auto file = above_stdio(Descriptor(::memfd_create("input", MFD_CLOEXEC)), "memory for the input");
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("memory for the input");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) fail("memory for the input");
  return file;
}

using Environment = std::map<std::string, std::string>;

Environment make_environment(const Command& command) {
  Environment environment{{"PATH", default_path}};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "LANG", "XDG_RUNTIME_DIR"})
    if (const char* value = std::getenv(name)) environment[name] = value;
  for (const auto& [name, value] : command.environment)
    environment[name] = value;
  return environment;
}

void validate(const Command& command) {
  const auto refuse = [](std::string_view what) {
    throw Error(ErrorKind::invalid, fmt::format("cannot start a process: {}", what));
  };
  const auto has_nul = [](std::string_view text) { return text.find('\0') != std::string_view::npos; };
  if (command.argv.empty() || command.argv.front().empty()) refuse("the command is empty");
  if (std::any_of(command.argv.begin(), command.argv.end(), has_nul)) refuse("an argument holds a NUL byte");
  if (command.directory && has_nul(command.directory->native())) refuse("the directory holds a NUL byte");
  for (const auto& [name, value] : command.environment)
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value))
      refuse(fmt::format("'{}' cannot be an environment variable", printable(name, 80)));
}

/// The file to execute, found before the fork because the search of execvp may allocate.
std::string find_program(const std::string& program, const std::string& path) {
  if (program.find('/') != std::string::npos) return program;
  int seen = ENOENT;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find(':', begin), path.size());
    const auto folder = path.substr(begin, end - begin);
    begin = end + 1;
    // An empty or relative entry would mean whatever directory we happen to be in.
    if (folder.empty() || folder.front() != '/') continue;
    auto file = folder + "/" + program;
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) continue;
    if (::access(file.c_str(), X_OK) == 0) return file;
    seen = EACCES;
  }
  if (seen == EACCES)
    throw Error(ErrorKind::unavailable,
                fmt::format("program '{}' is not executable", printable(program, 200)));
  throw Error(ErrorKind::not_found,
              fmt::format("program '{}' does not exist in PATH ({}); install it or name it by its full path",
                          printable(program, 200), printable(path, 500)));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// What the child tells us over a close-on-exec pipe when it could not become the program.
struct Failure {
  enum Step : int { prepare, directory, execute } step;
  int code;
};

/// Everything the child needs, made before the fork: after it only async-signal-safe calls are allowed,
/// because another thread may have held any lock.
struct Plan {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* directory;
  int input, output, errors, report;
  pid_t parent;
};

[[noreturn]] void give_up(const Plan& plan, Failure::Step step) {
  const Failure failure{step, errno};
  while (::write(plan.report, &failure, sizeof failure) < 0 && errno == EINTR) {
  }
  ::_exit(127);
}

[[noreturn]] void become(const Plan& plan) {
  // Handlers and ignored signals first, while all are blocked: a handler of the daemon must not run here.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    ::sigaction(number, &standard, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // it died before prctl
  if (::setsid() < 0) give_up(plan, Failure::prepare);
  if (::dup2(plan.input, STDIN_FILENO) < 0 || ::dup2(plan.output, STDOUT_FILENO) < 0 ||
      ::dup2(plan.errors, STDERR_FILENO) < 0)
    give_up(plan, Failure::prepare);
  // Sockets of the daemon are not all close-on-exec by themselves.
  if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up(plan, Failure::prepare);
  if (plan.directory && ::chdir(plan.directory) != 0) give_up(plan, Failure::directory);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program, plan.argv, plan.environment);
  give_up(plan, Failure::execute);
}

/// Blocks every signal of this thread for the life of a scope.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

/// With SIGCHLD ignored (a state that may be inherited) the kernel would throw exit codes away.
void keep_exit_codes() {
  struct sigaction action {};
  if (::sigaction(SIGCHLD, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, nullptr);
  }
}

/// By number: <sys/pidfd.h> of glibc 2.36 declares pidfd_open without C linkage.
Descriptor open_pidfd(pid_t pid) {
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// Waits until the child has become the program; throws what hindered it.
void confirm(const Descriptor& report, pid_t pid, const Command& command) {
  Failure failure{};
  ssize_t got;
  do
    got = ::read(report.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got == 0) return;
  reap(pid);
  const auto program = printable(command.argv.front(), 200);
  if (got != sizeof failure) throw Error(ErrorKind::unavailable, fmt::format("cannot start '{}'", program));
  if (failure.step == Failure::directory)
    throw Error(ErrorKind::unavailable,
                fmt::format("cannot start '{}' in directory '{}': {}", program,
                            printable(command.directory->native(), 500), reason(failure.code)));
  const bool missing =
      failure.step == Failure::execute && (failure.code == ENOENT || failure.code == ENOTDIR);
  if (missing)
    throw Error(ErrorKind::not_found,
                fmt::format("program '{}' (or its interpreter) does not exist", program));
  throw Error(ErrorKind::unavailable, fmt::format("cannot start '{}': {}", program, reason(failure.code)));
}

}  // namespace

void Descriptor::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

Spawned spawn(const Command& command) {
  validate(command);
  keep_exit_codes();
  const auto environment = make_environment(command);
  const auto program = find_program(command.argv.front(), environment.at("PATH"));
  auto arguments = command.argv;
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment)
    variables.push_back(name + "=" + value);
  const auto argv = pointers(arguments);
  const auto envp = pointers(variables);

  const auto input = make_input(command.input);
  auto output = make_pipe();
  Pipe errors;
  if (command.separate_output) errors = make_pipe();
  auto report = make_pipe();
  const Plan plan{.program = program.c_str(),
                  .argv = argv.data(),
                  .environment = envp.data(),
                  .directory = command.directory ? command.directory->c_str() : nullptr,
                  .input = input.get(),
                  .output = output.write.get(),
                  .errors = command.separate_output ? errors.write.get() : output.write.get(),
                  .report = report.write.get(),
                  .parent = ::getpid()};
  pid_t pid;
  {
    const SignalsBlocked blocked;
    pid = ::fork();
    if (pid == 0) become(plan);
  }
  if (pid < 0) fail("fork");
  report.write.reset();
  confirm(report.read, pid, command);
  Spawned child{.pid = pid,
                .ended = open_pidfd(pid),
                .output = std::move(output.read),
                .errors = std::move(errors.read)};
  if (!child.ended) {
    const int code = errno;
    ::kill(-pid, SIGKILL);
    reap(pid);
    errno = code;
    fail("pidfd_open");
  }
  return child;
}

}  // namespace sluice
