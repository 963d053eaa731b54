// `sluice runs`: the table that users of ACR Tasks know, once or live.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <optional>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

constexpr Milliseconds between_draws{100};
// A live list without a screen looks at more runs than it began with: older ones may change too.
constexpr int looked_at = 200;

json fetch(ApiClient& client, const RunsOptions& options, int limit) {
  return client.get(
      with_query(api_path({"runs"}),
                 {{"status", options.status}, {"task", options.task}, {"limit", std::to_string(limit)}}));
}

Table table_of(const json& runs) {
  auto table = run_table();
  for (const auto& run : runs)
    table.add(run_row(run));
  return table;
}

/// How a live list is shown.
class View {
 public:
  virtual ~View() = default;
  virtual int limit() const = 0;
  virtual void show(json runs) = 0;
  /// Shows the same again: the window has another size, or the terminal was somebody else's.
  virtual void redraw() {}
  /// Gives the terminal back for a while.
  virtual void leave() {}
  /// The daemon is away, and awaited.
  virtual void lost() = 0;
};

/// On a terminal: the newest runs, as many as fit, drawn again at each change.
class ScreenView final : public View {
 public:
  explicit ScreenView(int limit) : limit_(limit), screen_(std::in_place) {}
  /// Leaves the last table on the ordinary screen.
  ~ScreenView() override {
    screen_.reset();
    try {
      print(table_of(runs_).lines(wants_colours()));
    } catch (const Failure&) {
      // The terminal is gone, and with it who would look at the table.
    }
  }
  int limit() const override { return limit_; }
  void show(json runs) override {
    runs_ = std::move(runs);
    draw("");
  }
  void redraw() override { draw(""); }
  void leave() override { screen_.reset(); }
  void lost() override { draw("the daemon does not answer, waiting for it"); }

 private:
  void draw(const std::string& remark) {
    const auto size = terminal_size(STDOUT_FILENO);
    auto lines = table_of(runs_).lines(wants_colours(), size.columns);
    const std::size_t room = size.rows - (remark.empty() ? 0 : 1);
    if (lines.size() > room) lines.resize(room);
    if (!remark.empty()) lines.push_back(remark.substr(0, size.columns));
    if (!screen_) screen_.emplace();
    screen_->draw(lines);
  }
  int limit_;
  std::optional<Screen> screen_;
  json runs_ = json::array();
};

/// Into a file or a pipe: a line for each run that is new or changed.
class StreamView final : public View {
 public:
  StreamView(int limit, bool as_json) : first_(static_cast<std::size_t>(limit)), json_(as_json) {
    if (!json_) print(run_table().lines(false));
  }
  int limit() const override { return std::max(static_cast<int>(first_), looked_at); }
  void show(json runs) override {
    lost_ = false;
    for (std::size_t i = runs.size(); i-- > 0;) {
      const auto line = line_of(runs[i]);
      auto& known = known_[text_of(runs[i], "id")];
      if (known == line) continue;
      known = line;
      if (shown_ || i < first_) print(line);
    }
    shown_ = true;
    forget(runs);
  }
  void lost() override {
    if (!std::exchange(lost_, true)) std::cerr << "sluice: the daemon does not answer, waiting for it\n";
  }

 private:
  std::string line_of(const json& run) const {
    if (json_) return run.dump(-1, ' ', false, json::error_handler_t::replace);
    auto table = run_table();
    table.add(run_row(run));
    return table.lines(false).back();
  }
  // Runs that left the list do not come back; their lines need not be kept.
  void forget(const json& runs) {
    if (known_.size() < 4 * static_cast<std::size_t>(limit())) return;
    std::map<std::string, std::string> kept;
    for (const auto& run : runs)
      kept.insert(known_.extract(text_of(run, "id")));
    known_ = std::move(kept);
  }
  std::size_t first_;
  bool json_;
  bool shown_ = false;
  bool lost_ = false;
  std::map<std::string, std::string> known_;
};

void wait_for_change(ApiClient& client, std::optional<std::uint64_t>& seen) {
  const auto path = api_path({"changes"});
  const auto answer =
      seen ? client.get(with_query(path, {{"after", std::to_string(*seen)}, {"wait", "30s"}}), poll_wait)
           : client.get(path);
  seen = answer.value("changes", std::uint64_t{0});
}

// Until a signal ends it. A daemon that restarts is awaited; one that never answered is an error.
int watch(ApiClient& client, const RunsOptions& options, View& view) {
  std::optional<std::uint64_t> seen;
  bool reached = false;
  while (true) {
    try {
      bool lost = false;
      try {
        wait_for_change(client, seen);
        view.show(fetch(client, options, view.limit()));
        reached = true;
      } catch (const Failure& failure) {
        if (!reached || failure.code() != exit_code::unreachable) throw;
        lost = true;
      }
      if (lost) {
        view.lost();
        seen.reset();
      }
      client.pause(lost ? between_tries : between_draws);
    } catch (const Interrupted& interrupted) {
      if (interrupted.signal != SIGWINCH && interrupted.signal != SIGTSTP) return exit_code::ok;
      if (interrupted.signal == SIGTSTP) {
        view.leave();
        client.stop();
      }
      view.redraw();
    }
  }
}

int watch(ApiClient& client, const RunsOptions& options) {
  // An error is told on the ordinary screen, not on one that vanishes.
  fetch(client, options, 1);
  client.catch_signals();
  if (can_redraw(STDOUT_FILENO) && !options.json) {
    ScreenView view(options.limit);
    return watch(client, options, view);
  }
  StreamView view(options.limit, options.json);
  return watch(client, options, view);
}

}  // namespace

int runs(const RunsOptions& options) {
  ApiClient client(find_daemon(options.where));
  if (options.watch) return watch(client, options);
  const auto runs = fetch(client, options, options.limit);
  if (options.json) {
    print(runs.dump(2));
    return exit_code::ok;
  }
  print(table_of(runs).lines(wants_colours()));
  return exit_code::ok;
}

}  // namespace sluice::daemon
