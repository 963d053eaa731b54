// `sluice copy SOURCE TARGET`: an image from anywhere to anywhere, without a daemon.

#include "commands.hpp"
#include "copy_outcome.hpp"
#include "copy_view.hpp"
#include "core/error.hpp"
#include "core/retry.hpp"
#include "engine/task_group.hpp"
#include "exit_code.hpp"
#include "registry_tool.hpp"
#include "terminal.hpp"

#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <unistd.h>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace sluice::daemon {
namespace {

using nlohmann::ordered_json;

std::vector<CopyPair> read_list(std::istream& stream, const std::string& name) {
  constexpr std::size_t most = 10'000;
  std::vector<CopyPair> pairs;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    std::istringstream words(line);
    std::string source, target, more;
    words >> source >> target >> more;
    if (source.empty() || source.starts_with('#')) continue;
    if (target.empty() || !more.empty())
      throw Failure(exit_code::usage, fmt::format("{}:{}: a line is \"SOURCE TARGET\"", name, number));
    pairs.push_back({read_place(source), read_place(target)});
    if (pairs.size() > most)
      throw Failure(exit_code::usage, fmt::format("{} has more than {} lines", name, most));
  }
  // A folder can be opened too, and a disk may fail in the middle.
  if (stream.bad()) throw Failure(exit_code::usage, "cannot read " + name);
  return pairs;
}

std::vector<CopyPair> pairs_of(const CopyOptions& options) {
  if (options.list.empty()) return {{read_place(options.source), read_place(options.target)}};
  if (options.list == "-") return read_list(std::cin, "stdin");
  std::ifstream file(options.list);
  if (!file) throw Failure(exit_code::usage, "cannot read " + options.list);
  return read_list(file, options.list);
}

registry::CopyOptions options_for_copy(const CopyOptions& options, const config::Config& config,
                                       registry::CopyWatcher* watcher) {
  registry::CopyOptions result;
  result.foreign_layers = options.foreign_layers ? *options.foreign_layers == "copy" : config.foreign_layers;
  result.referrers = options.referrers;
  result.thorough = options.thorough;
  result.replace = options.force;
  result.watcher = watcher;
  try {
    for (const auto& platform : options.platforms)
      result.platforms.push_back(oci::Platform::parse(platform));
  } catch (const Error& error) {
    throw Failure(exit_code::usage, error.what());
  }
  return result;
}

/// What all copies of one command share.
struct Shared {
  Clock& clock;
  Random& random;
  registry::Client& client;
  const std::vector<CopyPair>& pairs;
  std::vector<CopyEnded>& ended;
  registry::CopyOptions options;
  const CopyOptions& wanted;
  std::size_t next = 0;
};

Task<> try_once(Shared& shared, std::size_t at) {
  auto& ended = shared.ended[at];
  ended.failure.reset();
  try {
    if (shared.wanted.plan)
      ended.plan =
          co_await shared.client.plan(shared.pairs[at].source, shared.pairs[at].target, shared.options);
    else
      ended.result =
          co_await shared.client.copy(shared.pairs[at].source, shared.pairs[at].target, shared.options);
  } catch (...) {
    ended.failure = current_error();
    if (ended.failure->kind() == ErrorKind::cancelled) throw;
  }
}

/// What no copy waits for.
constexpr Milliseconds longest_pause = std::chrono::minutes(2);

/// Longer and longer, or as long as the registry asks for; nullopt when waiting does not help or would take
/// too long. A limit of the registry was waited for where it was met, request by request: see endurance_of().
std::optional<Milliseconds> pause_after(const Error& failure, int attempt, double chance) {
  constexpr Backoff backoff{std::chrono::seconds(1), std::chrono::seconds(30)};
  if (!is_transient(failure.kind()) || failure.kind() == ErrorKind::rate_limited) return std::nullopt;
  const auto pause = backoff.wait(attempt, chance, failure.retry_after());
  if (pause > longest_pause) return std::nullopt;
  return pause;
}

/// A request that is refused for a moment is sent again by itself, so that the blobs beside it stay on their
/// way: as often as the whole copy would be begun again.
Endurance endurance_of(const CopyOptions& options) {
  return {longest_pause, options.retries + 1};
}

/// Takes one pair after the other; several of these share the list. What arrived stays, so that another try
/// goes on from there.
Task<> lane(Shared& shared) {
  while (shared.next < shared.pairs.size()) {
    const std::size_t at = shared.next++;
    for (int attempt = 1;; ++attempt) {
      co_await try_once(shared, at);
      const auto& failure = shared.ended[at].failure;
      if (!failure || attempt > shared.wanted.retries) break;
      const auto pause = pause_after(*failure, attempt, shared.random.unit());
      if (!pause) break;
      if (!shared.wanted.quiet)
        spdlog::warn("{}; trying again in {:.1f} s", failure->what(),
                     std::chrono::duration<double>(*pause).count());
      co_await shared.clock.sleep_for(*pause);
    }
  }
}

Task<> copy_all(Shared& shared) {
  engine::TaskGroup lanes;
  auto executor = co_await boost::asio::this_coro::executor;
  const auto count = std::min(static_cast<std::size_t>(shared.wanted.jobs), shared.pairs.size());
  for (std::size_t i = 0; i < count; ++i)
    lanes.start(executor, "copy", lane(shared));
  std::exception_ptr cancelled;
  try {
    while (!lanes.empty())
      co_await lanes.wait_empty(shared.clock, shared.clock.steady() + std::chrono::hours(1));
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  lanes.cancel_all();
  co_await boost::asio::this_coro::reset_cancellation_state();
  while (!lanes.empty())
    co_await lanes.wait_empty(shared.clock, shared.clock.steady() + std::chrono::hours(1));
  std::rethrow_exception(cancelled);
}

int exit_code_of_all(const std::vector<CopyEnded>& ended) {
  for (const auto& one : ended)
    if (one.failure) return ended.size() == 1 ? exit_code_of(one.failure->kind()) : exit_code::failed;
  return exit_code::ok;
}

}  // namespace

int copy(const CopyOptions& options) {
  const auto pairs = pairs_of(options);
  RegistryTool tool(options.config, endurance_of(options));
  std::vector<CopyEnded> ended(pairs.size());
  {
    const bool bars = can_redraw(STDERR_FILENO);
    std::optional<CopyView> view;
    if (!options.quiet && !options.plan && !(options.json && !bars)) view.emplace(tool.clock(), bars);
    auto wanted = options_for_copy(options, tool.config(), view ? &*view : nullptr);
    Shared shared{tool.clock(), tool.random(), tool.client(), pairs, ended, std::move(wanted), options};
    tool.run(copy_all(shared));
  }
  if (options.json) {
    ordered_json list = ordered_json::array();
    for (std::size_t at = 0; at < pairs.size(); ++at)
      list.push_back(outcome_json(pairs[at], ended[at]));
    print(
        (options.list.empty() ? list[0] : list).dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    for (std::size_t at = 0; at < pairs.size(); ++at)
      tell_outcome(pairs[at], ended[at], options.quiet);
  }
  return exit_code_of_all(ended);
}

}  // namespace sluice::daemon
