#pragma once
// The commands' way to the daemon: one request after the other, each awaited.

#include "core/clock.hpp"
#include "find_daemon.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace sluice::daemon {

/// How long commands that follow something let the daemon hold an answer back.
inline constexpr Milliseconds poll_wait{30'000};
/// Between two tries to reach a daemon that went away.
inline constexpr Milliseconds between_tries{1'000};

/// A signal came while catch_signals() was in force.
struct Interrupted {
  int signal = 0;
};

class ApiClient {
 public:
  explicit ApiClient(Address address);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  /// `wait` is how long the daemon may hold the answer back (long poll). Throws Failure: unreachable when
  /// nobody answers, and what fits the status otherwise, with the daemon's own message.
  nlohmann::json get(const std::string& target, Milliseconds wait = {});
  nlohmann::json post(const std::string& target, const nlohmann::json& body);

  /// From now on SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP and SIGWINCH end the request or pause in hand, or
  /// the next one, by throwing Interrupted. Those that are ignored, as nohup(1) does it, stay so.
  void catch_signals();
  /// What SIGTSTP does where nobody catches it: returns when the process goes on. After catch_signals().
  void stop();
  void pause(Milliseconds duration);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "/api/v1" + path segments, each percent-encoded: api_path({"runs", "ca1a", "log"}).
std::string api_path(const std::vector<std::string>& segments);
/// Adds the parameters that are set.
std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::optional<std::string>>>& query);

}  // namespace sluice::daemon
