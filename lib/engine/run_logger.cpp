#include "engine/run_logger.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {
constexpr std::size_t most_waiting = 10'000;
constexpr std::size_t longest_line = 2'000;
constexpr Milliseconds gather{100};
}  // namespace

void RunLogger::append(RunId run, const std::string& step, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    if (waiting_.size() < most_waiting) {
      waiting_.push_back({run, world_.clock.now(), step, printable(line, longest_line)});
      dropped_ = false;
    } else if (!std::exchange(dropped_, true)) {
      waiting_.push_back({run, world_.clock.now(), step,
                          "[output came faster than it could be kept; lines are missing here]"});
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  wake_.notify();
}

Task<> RunLogger::run() {
  while (!stopping_) {
    if (waiting_.empty()) {
      co_await wake_.wait_past(wake_.count(), world_.clock, world_.clock.steady() + std::chrono::seconds(5));
      continue;
    }
    co_await flush();
    co_await world_.clock.sleep_for(gather);
  }
  co_await flush();
}

Task<> RunLogger::flush() {
  if (waiting_.empty()) co_return;
  auto lines = std::exchange(waiting_, {});
  try {
    auto change = [lines = std::move(lines)](store::Tables& tables) {
      for (const auto& line : lines)
        tables.log.append(line.run, line.at, line.step, line.text);
    };
    co_await world_.store.write(std::move(change));
  } catch (...) {
    spdlog::warn("lines of a run log could not be written: {}", current_error().what());
  }
  changes_.notify();
}

void RunLogger::stop() {
  stopping_ = true;
  wake_.notify();
}

}  // namespace sluice::engine
