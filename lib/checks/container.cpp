// container: the image itself runs a test command, shut off from everything else.

#include "checks/kinds.hpp"
#include "checks/podman.hpp"
#include "checks/verdict.hpp"
#include "config/placeholders.hpp"
#include "core/cleanup.hpp"
#include "oci/digest.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::checks {
namespace {

constexpr std::string_view no_limit = "none";

struct ContainerSettings {
  std::vector<std::string> run;
  std::optional<std::string> entrypoint;
  Milliseconds timeout{};
  Milliseconds pull_timeout{};
  std::string memory;
  std::int64_t processes = 0;
  std::string user;
  std::string network;
  config::Values environment;
  int expected_exit = 0;
  config::Position at;
};

bool names(const std::vector<std::string>& arguments, std::string_view flag) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return argument == flag || argument.starts_with(std::string(flag) + "=");
  });
}

// The safe defaults, before the operator's own arguments: podman takes the last one of a flag that stands
// twice.
std::vector<std::string> fence(const ContainerSettings& settings, const config::Tool& tool) {
  std::vector<std::string> flags{"--log-level=error", "--read-only", "--tmpfs=/tmp:rw,nosuid,nodev,mode=1777",
                                 "--image-volume=tmpfs", "--cap-drop=all", "--security-opt=no-new-privileges",
                                 "--http-proxy=false", "--no-healthcheck",
                                 // The log of a container that writes without end would fill the disk.
                                 "--log-driver=none", fmt::format("--pids-limit={}", settings.processes)};
  if (settings.memory != no_limit) {
    flags.push_back("--memory=" + settings.memory);
    flags.push_back("--memory-swap=" + settings.memory);
  }
  // Two networks are refused, unlike other flags that stand twice.
  if (!names(tool.arguments, "--network") && !names(tool.arguments, "--net"))
    flags.push_back("--network=" + settings.network);
  return flags;
}

class ContainerCheck final : public Check {
 public:
  explicit ContainerCheck(ContainerSettings settings) : settings_(std::move(settings)) {}

  bool needs_logins() const override { return true; }
  Task<Outcome> run(Context context) const override {
    const config::ToolAccess access(*context.config, {context.image.repository.registry});
    Podman podman(context, access);
    const std::string name = container_name(context);
    Task<Outcome> work = examine(podman, context, name);
    Task<> cleanup = podman.remove(name);
    Outcome outcome = co_await with_cleanup(std::move(work), std::move(cleanup));
    co_return outcome;
  }

 private:
  Task<Outcome> examine(const Podman& podman, const Context& context, const std::string& name) const {
    co_await podman.pull(settings_.pull_timeout);
    std::vector<std::string> arguments = run_arguments(podman, context, name);
    const ProcessResult result = co_await podman.run(std::move(arguments), settings_.timeout);
    co_return verdict(result);
  }

  std::vector<std::string> run_arguments(const Podman& podman, const Context& context,
                                         const std::string& name) const {
    const auto& tool = context.config->container;
    auto arguments = fence(settings_, tool);
    arguments.insert(arguments.end(), tool.arguments.begin(), tool.arguments.end());
    // Ends the container even when neither podman nor sluice is alive to do so.
    const auto at_most = std::chrono::ceil<std::chrono::seconds>(settings_.timeout).count() + 30;
    arguments.insert(arguments.end(),
                     {"--rm", "--replace", "--name=" + name, "--pull=never",
                      "--platform=" + context.platform.text(), fmt::format("--timeout={}", at_most)});
    if (!settings_.user.empty()) arguments.push_back("--user=" + settings_.user);
    if (settings_.entrypoint) arguments.push_back("--entrypoint=" + *settings_.entrypoint);
    for (const auto& [variable, value] : settings_.environment)
      arguments.push_back("--env=" + variable + "=" + value);
    arguments.insert(arguments.end(), {"--", podman.image()});
    arguments.insert(arguments.end(), settings_.run.begin(), settings_.run.end());
    return arguments;
  }

  // The same for every repeat of this check of this run, so that a repeat replaces what a killed daemon left.
  std::string container_name(const Context& context) const {
    const auto seed = fmt::format("{}\n{}\n{}\n{}:{}", context.config->store_path.string(), context.pipeline,
                                  context.image.text(), settings_.at.line, settings_.at.column);
    std::string run = context.run;
    std::erase_if(run, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); });
    return fmt::format("sluice-{}-{}", run, oci::Digest::of(seed).hex().substr(0, 12));
  }

  Outcome verdict(const ProcessResult& result) const {
    if (result.timed_out)
      return {.passed = false, .summary = "did not end within " + short_duration(settings_.timeout)};
    if (result.signal == 0 && result.exit_code == settings_.expected_exit) return exit_outcome(true, result);
    if (const auto failure = Podman::failure_of_run(result)) throw Error(*failure);
    // 128 + SIGKILL: nobody but the kernel kills what runs in the container.
    constexpr int killed = 137;
    if (result.exit_code == killed && settings_.memory != no_limit)
      return exit_outcome(false, result, "killed, perhaps for using more memory than " + settings_.memory);
    return exit_outcome(false, result);
  }

  ContainerSettings settings_;
};

bool is_memory(const std::string& text) {
  const auto end = text.find_first_not_of("0123456789");
  if (end == 0 || text.empty() || text.size() > 18) return text == no_limit;
  return end == std::string::npos ||
         (end + 1 == text.size() && std::string_view("bkmgBKMG").find(text[end]) != std::string_view::npos);
}

bool is_word(const std::string& text) {
  return !text.empty() && text.front() != '-' &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") ==
             std::string::npos;
}

void check(config::Section& section, const ContainerSettings& settings) {
  if (settings.run.empty())
    section.error(section.position("run"), "'run' needs the test command to run in the image",
                  "write it as a list, for instance run: [node, -e, \"process.exit(0)\"]");
  for (const auto* key : {"timeout", "pull_timeout"}) {
    const auto value = std::string_view(key) == "timeout" ? settings.timeout : settings.pull_timeout;
    if (value <= Milliseconds::zero())
      section.error(section.position(key), fmt::format("'{}' must be longer than nothing", key),
                    "for instance 2m");
  }
  if (!is_memory(settings.memory))
    section.error(section.position("memory"), "'memory' is a number with b, k, m or g, or none",
                  "for instance memory: 512m");
  if (!settings.user.empty() && !is_word(settings.user))
    section.error(section.position("user"), "'user' is a name or number, with or without a group",
                  "for instance user: \"1000:1000\"");
  if (!is_word(settings.network))
    section.error(section.position("network"), "'network' is none or the name of a network",
                  "leave it out for none");
  config::check_environment(section, "environment", settings.environment);
}

}  // namespace

std::shared_ptr<const config::Part> parse_container(config::Section& section) {
  ContainerSettings settings;
  settings.at = section.position();
  settings.run = section.texts("run");
  if (section.has("entrypoint")) settings.entrypoint = section.text("entrypoint");
  settings.timeout = section.duration("timeout", std::chrono::minutes(2));
  settings.pull_timeout = section.duration("pull_timeout", std::chrono::minutes(10));
  settings.memory = section.text("memory", "512m");
  settings.processes = section.integer("pids", 256, 1, 4'000'000);
  settings.user = section.text("user");
  settings.network = section.text("network", "none");
  settings.environment = section.text_map("environment");
  // 125 to 127 are also how podman says that it could not run the container.
  settings.expected_exit = static_cast<int>(section.integer("expect_exit", 0, 0, 124));
  check(section, settings);
  section.done();
  return std::make_shared<ContainerCheck>(std::move(settings));
}

}  // namespace sluice::checks
