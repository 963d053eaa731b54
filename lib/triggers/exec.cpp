// exec: a program of the operator starts the rebuild.

#include "core/error.hpp"
#include "core/lines.hpp"
#include "core/text.hpp"
#include "triggers/kinds.hpp"
#include "triggers/values.hpp"

#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

// EX_TEMPFAIL of sysexits.h: "the user is invited to retry".
constexpr int try_again = 75;

struct ExecSettings {
  std::vector<std::string> run;
  Milliseconds timeout{};
  config::Values environment;
};

class ExecTrigger final : public Trigger {
 public:
  explicit ExecTrigger(ExecSettings settings) : settings_(std::move(settings)) {}

  Task<std::string> send(Rebuild rebuild, Context context) const override {
    const auto feed = std::make_shared<LineFeed>(context.log);
    Command command = command_of(rebuild);
    command.on_output = [feed](std::string_view piece) { feed->take(piece); };
    const ProcessResult result = co_await context.launcher.run(std::move(command));
    feed->finish();
    co_return answer(result);
  }

 private:
  Command command_of(const Rebuild& rebuild) const {
    const auto values = values_of(rebuild);
    Command command;
    command.argv = config::fill(settings_.run, values);
    command.timeout = settings_.timeout;
    command.environment = settings_.environment;
    for (auto& variable : config::as_environment(values))
      command.environment.push_back(std::move(variable));
    return command;
  }

  std::string answer(const ProcessResult& result) const {
    const auto& program = settings_.run.front();
    const auto said = printable(last_lines(result.output, 3), 600);
    if (result.timed_out)
      throw Error(ErrorKind::timeout, fmt::format("{} did not end in time: {}", program, said));
    if (result.ok()) {
      const auto last = printable(last_lines(result.output, 1), 200);
      return last.empty() ? "exit code 0" : "exit code 0: " + last;
    }
    if (result.signal != 0)
      throw Error(result.was_killed() ? ErrorKind::unavailable : ErrorKind::invalid,
                  fmt::format("{} was killed by signal {}: {}", program, result.signal, said));
    if (result.exit_code == try_again)
      throw Error(ErrorKind::unavailable,
                  fmt::format("{} asks to be run again later (exit code {}): {}", program, try_again, said));
    throw Error(ErrorKind::invalid,
                fmt::format("{} failed with exit code {}: {}", program, result.exit_code, said));
  }

  ExecSettings settings_;
};

}  // namespace

std::shared_ptr<const config::Part> parse_exec(config::Section& section) {
  ExecSettings settings;
  settings.run = section.texts("run");
  settings.timeout = section.duration("timeout", std::chrono::minutes(10));
  settings.environment = section.text_map("environment");
  if (settings.run.empty() || settings.run.front().empty())
    section.error(section.position("run"), "'run' needs a program and its arguments",
                  "write it as a list, for instance run: [/usr/local/bin/rebuild, \"{image}\"]");
  if (settings.timeout <= Milliseconds::zero())
    section.error(section.position("timeout"), "'timeout' must be longer than nothing", "for instance 10m");
  config::check_placeholders(section, "run", settings.run, value_names());
  config::check_environment(section, "environment", settings.environment);
  section.done();
  return std::make_shared<ExecTrigger>(std::move(settings));
}

}  // namespace sluice::triggers
