// buildah: builds the dependent on this machine, from a directory or a git repository, and pushes it.

#include "core/cleanup.hpp"
#include "core/text.hpp"
#include "triggers/git_source.hpp"
#include "triggers/image_build.hpp"
#include "triggers/kinds.hpp"
#include "triggers/values.hpp"

#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

struct BuildahSettings {
  std::filesystem::path directory;  // one of these two
  std::optional<GitSource> git;
  std::string file;
  std::string target;
  config::Values arguments;
  Milliseconds timeout{};
  Milliseconds transfer_timeout{};
};

class BuildahTrigger final : public Trigger {
 public:
  explicit BuildahTrigger(BuildahSettings settings) : settings_(std::move(settings)) {}

  bool needs_logins() const override { return true; }
  bool is_free(const Rebuild& rebuild) const override { return is_free_base(rebuild.base); }
  const GitSource* git_source() const override { return settings_.git ? &*settings_.git : nullptr; }
  Task<std::string> send(Rebuild rebuild, Context context) const override {
    if (!rebuild.image.tag)
      throw Error(ErrorKind::invalid, rebuild.image.text() + " names no tag that could be pushed");
    // Other stages of a Containerfile may come from any registry that the operator configured.
    auto hosts = config::configured_hosts(*context.config);
    hosts.insert({rebuild.image.repository.registry, rebuild.base.repository.registry});
    const config::ToolAccess access(*context.config, hosts);
    const ImageBuild build(rebuild, context, access);
    Task<std::string> work = make(build, rebuild, context, access);
    Task<> cleanup = build.remove();
    std::string answer = co_await with_cleanup(std::move(work), std::move(cleanup));
    co_return answer;
  }

 private:
  Task<std::string> make(const ImageBuild& build, const Rebuild& rebuild, const Context& context,
                         const config::ToolAccess& access) const {
    Checkout source{.folder = settings_.directory, .commit = {}};
    if (settings_.git) {
      auto environment = context.config->builder.environment;
      source = co_await fetch(context.launcher, *settings_.git, access.directory() / "source",
                              std::move(environment), settings_.transfer_timeout);
      check_file(source.folder, access.directory() / "source");
      context.log(fmt::format("building commit {} of {}", source.commit, settings_.git->url));
    }
    std::error_code error;
    if (!std::filesystem::is_directory(source.folder, error))
      throw Error(ErrorKind::not_found,
                  "there is no directory " + printable(source.folder.string()) + " to build");
    Recipe recipe = recipe_for(rebuild, context);
    const oci::Digest digest = co_await build.run(std::move(recipe), source.folder, source.commit);
    co_return "pushed " + digest.text();
  }

  // Whoever may push there must not have other files of this machine read.
  void check_file(const std::filesystem::path& folder, const std::filesystem::path& checkout) const {
    const std::vector<std::string> own_choice{"Containerfile", "Dockerfile"};
    for (const auto& name : settings_.file.empty() ? own_choice : std::vector{settings_.file})
      if (!leads_inside(checkout, folder / name))
        throw Error(ErrorKind::invalid,
                    settings_.git->url + " cannot be built: its " + name + " leads out of the repository");
  }

  Recipe recipe_for(const Rebuild& rebuild, const Context& context) const {
    Recipe recipe{.file = settings_.file,
                  .target = settings_.target,
                  .arguments = settings_.arguments,
                  .platform = oci::Platform::host(),
                  .build_timeout = settings_.timeout,
                  .transfer_timeout = settings_.transfer_timeout};
    const auto values = values_of(rebuild);
    for (auto& argument : recipe.arguments)
      argument.second = config::fill(argument.second, values);
    if (const auto* dependent = context.config->dependent(rebuild.dependent);
        dependent != nullptr && !dependent->platform.os.empty())
      recipe.platform = dependent->platform;
    return recipe;
  }

  BuildahSettings settings_;
};

void read_context(config::Section& section, BuildahSettings& settings) {
  const auto text = section.required_text(
      "context", "an absolute directory, or a git address: https://host/repository.git#branch:folder");
  if (text.empty()) return;
  if (!GitSource::looks_like(text)) {
    settings.directory = text;
    if (!settings.directory.is_absolute())
      section.error(section.position("context"),
                    "'context' is neither an absolute directory nor a git address",
                    "write /path/to/source or https://host/repository.git#branch");
    return;
  }
  try {
    settings.git = GitSource::parse(text);
  } catch (const Error& error) {
    section.error(section.position("context"), error.what(),
                  "for instance https://host/repository.git#main:images/app");
  }
}

void check(config::Section& section, const BuildahSettings& settings) {
  if (!settings.file.empty() && !is_inner_path(settings.file))
    section.error(section.position("file"), "'file' must be a path inside the context",
                  "for instance file: Containerfile");
  const bool bad_target = settings.target.starts_with('-') ||
                          settings.target.find_first_of(std::string_view(" \t\n\0", 4)) != std::string::npos;
  if (bad_target) section.error(section.position("target"), "'target' is not the name of a stage");
  std::vector<std::string> values;
  for (const auto& [name, value] : settings.arguments)
    values.push_back(value);
  config::check_placeholders(section, "arguments", values, value_names());
  config::check_environment(section, "arguments", settings.arguments);
  for (const auto* key : {"timeout", "transfer_timeout"}) {
    const auto value = std::string_view(key) == "timeout" ? settings.timeout : settings.transfer_timeout;
    if (value <= Milliseconds::zero())
      section.error(section.position(key), fmt::format("'{}' must be longer than nothing", key),
                    "for instance 30m");
  }
}

}  // namespace

std::shared_ptr<const config::Part> parse_buildah(config::Section& section) {
  BuildahSettings settings;
  read_context(section, settings);
  settings.file = section.text("file");
  settings.target = section.text("target");
  settings.arguments = section.text_map("arguments");
  settings.timeout = section.duration("timeout", std::chrono::hours(1));
  settings.transfer_timeout = section.duration("transfer_timeout", std::chrono::minutes(15));
  check(section, settings);
  section.done();
  return std::make_shared<BuildahTrigger>(std::move(settings));
}

}  // namespace sluice::triggers
