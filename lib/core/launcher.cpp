#include "core/launcher.hpp"

#include "core/error.hpp"
#include "core/kept_output.hpp"
#include "core/signal.hpp"
#include "core/spawn.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace sluice {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

// A cancelled caller gets its process back quickly, whatever grace the command asked for.
constexpr Milliseconds longest_cancel_grace{2000};
// How long output is awaited after the process ended: a grandchild may hold the pipe open for ever.
constexpr Milliseconds drain_time{500};
// SIGKILL cannot be refused, but a process may hang in the kernel or belong to another user (sudo).
constexpr Milliseconds kill_patience{10'000};

struct Child {
  Child(asio::any_io_executor executor, Command what, Spawned spawned)
      : command(std::move(what)),
        pid(spawned.pid),
        ended(executor),
        output(executor),
        errors(executor),
        handles(std::move(spawned)),
        merged(command.output_limit),
        standard(command.output_limit) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Also the way out when the event loop is torn down in the middle.
  ~Child() {
    if (reaped) return;
    kill_group(SIGKILL);
    ::waitpid(pid, nullptr, WNOHANG);
  }

  /// Hands the descriptors to the event loop. Apart from the constructor, because it may throw, and only a
  /// complete object ends its process.
  void attach() {
    const auto hand_over = [](Descriptor& from, stream_descriptor& to) {
      if (!from) return;
      to.assign(from.get());
      from.release();
    };
    hand_over(handles.ended, ended);
    hand_over(handles.output, output);
    hand_over(handles.errors, errors);
  }
  /// Safe until the child is reaped: its id, and so the group's, cannot be given to another process before.
  void kill_group(int number) const { ::kill(-pid, number); }
  bool wants_stop() const { return cancelled || failure; }

  Command command;
  pid_t pid;
  stream_descriptor ended;
  stream_descriptor output;
  stream_descriptor errors;
  Spawned handles;
  KeptOutput merged;
  KeptOutput standard;
  /// Something below has changed.
  Signal changed;
  int tasks = 0;
  int readers = 0;
  bool exited = false;
  bool cancelled = false;
  bool reaped = false;
  std::exception_ptr failure;
};
using ChildPtr = std::shared_ptr<Child>;

Task<> watch_exit(ChildPtr child) {
  boost::system::error_code code;
  co_await child->ended.async_wait(stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, code));
  if (!code) child->exited = true;
}

Task<> read_output(ChildPtr child, stream_descriptor& pipe, KeptOutput& kept) {
  std::array<char, 16 * 1024> buffer;
  boost::system::error_code code;
  while (true) {
    const auto size =
        co_await pipe.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, code));
    if (code) break;
    const std::string_view piece(buffer.data(), size);
    kept.append(piece);
    if (child->command.on_output) child->command.on_output(piece);
  }
}

/// Starts a task that shares the child; whatever it does, its end is noticed.
void start(asio::any_io_executor executor, ChildPtr child, Task<> task, bool reader) {
  ++child->tasks;
  if (reader) ++child->readers;
  asio::co_spawn(executor, std::move(task), [child, reader](std::exception_ptr failure) {
    --child->tasks;
    if (reader) --child->readers;
    if (failure && !child->failure) child->failure = failure;
    child->changed.notify();
  });
}

/// Waits until `done(child)` or until `until`.
template <class Done>
Task<> wait_for(ChildPtr child, Clock& clock, Steady until, Done done) {
  while (!done(*child)) {
    const auto seen = child->changed.count();
    if (clock.steady() >= until) co_return;
    co_await child->changed.wait_past(seen, clock, until);
  }
}

bool has_exited(const Child& child) {
  return child.exited;
}

Task<> stop(ChildPtr child, Clock& clock) {
  const auto grace =
      child->wants_stop() ? std::min(child->command.grace, longest_cancel_grace) : child->command.grace;
  child->kill_group(SIGTERM);
  // A stopped process would see SIGTERM only when somebody continues it.
  child->kill_group(SIGCONT);
  co_await wait_for(child, clock, clock.steady() + grace, has_exited);
  child->kill_group(SIGKILL);
  co_await wait_for(child, clock, clock.steady() + kill_patience, has_exited);
}

ProcessResult result_of(Child& child, bool timed_out) {
  int status = 0;
  pid_t got;
  do
    got = ::waitpid(child.pid, &status, WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got != child.pid)
    throw Error(ErrorKind::unavailable, fmt::format("process {} ({}) does not end after SIGKILL", child.pid,
                                                    printable(child.command.argv.front(), 200)));
  child.reaped = true;
  ProcessResult result;
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  result.timed_out = timed_out;
  result.truncated = child.merged.truncated() || child.standard.truncated();
  result.output = child.merged.take();
  result.standard_output = child.standard.take();
  return result;
}

/// The life of a child from its start to its end. Not cancellable itself: it watches Child::cancelled.
Task<ProcessResult> supervise(ChildPtr child, Clock& clock) {
  auto executor = co_await asio::this_coro::executor;
  const auto deadline = clock.steady() + child->command.timeout;
  auto& first = child->command.separate_output ? child->standard : child->merged;
  start(executor, child, watch_exit(child), false);
  start(executor, child, read_output(child, child->output, first), true);
  if (child->errors.is_open()) start(executor, child, read_output(child, child->errors, child->merged), true);

  co_await wait_for(child, clock, deadline, [](const Child& c) { return c.exited || c.wants_stop(); });
  const bool timed_out = !child->exited && !child->wants_stop();
  if (!child->exited) co_await stop(child, clock);
  const auto silent = [](const Child& c) { return c.readers == 0 || c.failure; };
  co_await wait_for(child, clock, clock.steady() + drain_time, silent);
  // Whoever is left of the group ends with its leader.
  child->kill_group(SIGKILL);
  boost::system::error_code ignored;
  child->output.close(ignored);
  child->errors.close(ignored);
  child->ended.close(ignored);
  co_await wait_for(child, clock, Steady::max(), [](const Child& c) { return c.tasks == 0; });
  auto result = result_of(*child, timed_out);
  if (child->failure) std::rethrow_exception(child->failure);
  co_return result;
}

}  // namespace

bool ProcessResult::was_killed() const {
  return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
}

Task<ProcessResult> SystemLauncher::run(Command command) {
  auto executor = co_await asio::this_coro::executor;
  auto spawned = spawn(command);
  auto child = std::make_shared<Child>(executor, std::move(command), std::move(spawned));
  child->attach();
  // The supervisor runs on a coroutine of its own that our cancellation does not reach; we only tell it, and
  // wait.
  auto cancellation = co_await asio::this_coro::cancellation_state;
  auto slot = cancellation.slot();
  if (slot.is_connected())
    slot.assign([weak = std::weak_ptr(child)](asio::cancellation_type) {
      if (const auto told = weak.lock()) {
        told->cancelled = true;
        told->changed.notify();
      }
    });
  auto result =
      co_await asio::co_spawn(executor, supervise(child, clock_),
                              asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
  if (child->cancelled)
    throw Error(ErrorKind::cancelled, fmt::format("'{}' was stopped because its caller was cancelled",
                                                  printable(child->command.argv.front(), 200)));
  co_return result;
}

}  // namespace sluice
