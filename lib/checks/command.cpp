// command: a program of the operator judges the image, on the host.

#include "checks/kinds.hpp"
#include "checks/verdict.hpp"
#include "config/placeholders.hpp"
#include "core/error.hpp"
#include "core/lines.hpp"

#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::checks {
namespace {

// EX_TEMPFAIL of sysexits.h: "the user is invited to retry".
constexpr int try_again = 75;

struct CommandSettings {
  std::vector<std::string> run;
  Milliseconds timeout{};
  config::Values environment;
};

config::Values values_of(const Context& context) {
  return {{"image", context.image.text()},
          {"digest", context.image.digest ? context.image.digest->text() : std::string()},
          {"pipeline", context.pipeline},
          {"platform", context.platform.text()},
          {"run", context.run}};
}

class CommandCheck final : public Check {
 public:
  explicit CommandCheck(CommandSettings settings) : settings_(std::move(settings)) {}

  Task<Outcome> run(Context context) const override {
    const auto feed = std::make_shared<LineFeed>(context.log);
    auto command = command_of(context);
    command.on_output = [feed](std::string_view piece) { feed->take(piece); };
    const ProcessResult result = co_await context.launcher.run(std::move(command));
    feed->finish();
    co_return verdict(result);
  }

 private:
  Command command_of(const Context& context) const {
    const auto values = values_of(context);
    Command command;
    command.argv = config::fill(settings_.run, values);
    command.timeout = settings_.timeout;
    command.environment = settings_.environment;
    for (auto& variable : config::as_environment(values))
      command.environment.push_back(std::move(variable));
    return command;
  }

  Outcome verdict(const ProcessResult& result) const {
    const auto& program = settings_.run.front();
    // A program that hangs said nothing about the image: most likely it waits for somebody else.
    if (result.timed_out)
      throw Error(ErrorKind::timeout, fmt::format("{} did not end within {}: {}", program,
                                                  short_duration(settings_.timeout), last_words(result)));
    if (result.was_killed())
      throw Error(ErrorKind::unavailable,
                  fmt::format("{} was killed by signal {}: {}", program, result.signal, last_words(result)));
    if (result.signal == 0 && result.exit_code == try_again)
      throw Error(ErrorKind::unavailable, fmt::format("{} asks to be run again later (exit code {}): {}",
                                                      program, try_again, last_words(result)));
    return exit_outcome(result.ok(), result);
  }

  CommandSettings settings_;
};

}  // namespace

std::shared_ptr<const config::Part> parse_command(config::Section& section) {
  CommandSettings settings;
  settings.run = section.texts("run");
  settings.timeout = section.duration("timeout", std::chrono::minutes(10));
  settings.environment = section.text_map("environment");
  if (settings.run.empty() || settings.run.front().empty())
    section.error(section.position("run"), "'run' needs a program and its arguments",
                  "write it as a list, for instance run: [trivy, image, \"{image}\"]");
  if (settings.timeout <= Milliseconds::zero())
    section.error(section.position("timeout"), "'timeout' must be longer than nothing", "for instance 10m");
  config::check_placeholders(section, "run", settings.run,
                             {"image", "digest", "pipeline", "platform", "run"});
  config::check_environment(section, "environment", settings.environment);
  section.done();
  return std::make_shared<CommandCheck>(std::move(settings));
}

}  // namespace sluice::checks
