#pragma once
// Child processes that do not exist: each command is recorded and answered by the test.

#include "core/error.hpp"
#include "core/launcher.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::test {

class FakeLauncher final : public Launcher {
 public:
  /// May throw; may be slow (see `before`).
  using Script = std::function<ProcessResult(const Command&)>;
  explicit FakeLauncher(Script script = [](const Command&) { return ended(0, {}); })
      : script_(std::move(script)) {}

  /// Awaited before a command is answered, for instance a sleep that is to be cancelled.
  std::function<Task<>(const Command&)> before;
  std::vector<Command> commands;

  static ProcessResult ended(int exit_code, std::string output = {}) {
    ProcessResult result;
    result.exit_code = exit_code;
    result.output = output;
    result.standard_output = std::move(output);
    return result;
  }

  Task<ProcessResult> run(Command command) override {
    commands.push_back(command);
    auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    if (before) co_await before(command);
    auto result = script_(command);
    if (command.on_output && !result.output.empty()) command.on_output(result.output);
    co_return result;
  }

  /// The commands whose first argument is this, oldest first.
  std::vector<Command> called(std::string_view subcommand) const {
    std::vector<Command> found;
    for (const auto& command : commands)
      if (command.argv.size() > 1 && command.argv[1] == subcommand) found.push_back(command);
    return found;
  }

 private:
  Script script_;
};

inline bool has(const Command& command, std::string_view argument) {
  return std::find(command.argv.begin(), command.argv.end(), argument) != command.argv.end();
}

inline std::string variable(const Command& command, std::string_view name) {
  for (const auto& [key, value] : command.environment)
    if (key == name) return value;
  return {};
}

}  // namespace sluice::test
