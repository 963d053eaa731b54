// `sluice watch IMAGE`: writes a pipeline into the configuration, and leaves all else in it as it is.

#include "change_file.hpp"
#include "commands.hpp"
#include "config/edit.hpp"
#include "config/suggest.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "diff.hpp"
#include "exit_code.hpp"
#include "load_config.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

// The loader takes 1 MiB; what is larger is refused by it, with its own words.
const FileRules config_file_rules{.what = "the configuration", .most_bytes = 2 * 1024 * 1024};

struct WatchPlan {
  std::string watched_by;  // the pipeline that does it already; then nothing else is set
  config::NewPipeline pipeline;
  std::string staging_from, target_from;  // how they were found, empty when they were given
  std::string before;
  config::Edited edited;
};

oci::Reference image_to_watch(const std::string& text) {
  try {
    auto image = oci::Reference::parse(text);
    if (!image.digest) return image;
  } catch (const Error& error) {
    throw Failure(exit_code::usage, printable(error.what(), 300));
  }
  throw Failure(exit_code::usage,
                "a digest never changes, so there is nothing to watch: name a tag, as in node:20");
}

oci::Repository repository_of(const std::string& option, const std::string& text) {
  try {
    return oci::Repository::parse(text);
  } catch (const Error& error) {
    throw Failure(exit_code::usage, option + ": " + printable(error.what(), 300));
  }
}

// The repository that an option names, or the one that the other pipelines suggest.
oci::Repository find_place(const std::string& option, const std::string& given,
                           const config::Suggestion& suggested, std::string& from, std::string& missing) {
  if (!given.empty()) return repository_of(option, given);
  from = suggested.how;
  if (suggested.repository) return *suggested.repository;
  missing += (missing.empty() ? "" : " and ") + option + " REPOSITORY";
  return {};
}

const config::Pipeline* watcher_of(const config::Config& config, const oci::Reference& image,
                                   const WatchOptions& options) {
  for (const auto& pipeline : config.pipelines) {
    if (pipeline.upstream != image) continue;
    if (!options.staging.empty() && repository_of("--staging", options.staging) != pipeline.staging) continue;
    if (!options.to.empty() && repository_of("--to", options.to) != pipeline.target) continue;
    return &pipeline;
  }
  return nullptr;
}

config::NewPipeline new_pipeline(const config::Config& config, const oci::Reference& image,
                                 const WatchOptions& options, WatchPlan& plan) {
  std::string missing;
  config::NewPipeline pipeline{.name = options.name.empty() ? config::free_name(config, image) : options.name,
                               .upstream = image,
                               .staging = {},
                               .target = {},
                               .stable_tag = image.tag.value_or("latest"),
                               .every = options.every};
  pipeline.staging = find_place("--staging", options.staging, config::suggest_staging(config, image),
                                plan.staging_from, missing);
  pipeline.target =
      find_place("--to", options.to, config::suggest_target(config, image), plan.target_from, missing);
  if (!missing.empty())
    throw Failure(exit_code::usage,
                  "where do new images of " + image.text() + " go? Say it with " + missing +
                      ", for instance --staging registry.example.com/staging/node --to "
                      "registry.example.com/base/node\n(" +
                      printable(plan.staging_from.empty() ? plan.target_from : plan.staging_from, 500) + ")");
  return pipeline;
}

void expect_good(const config::Loaded& loaded, const std::string& what) {
  if (!loaded.config)
    throw Failure(exit_code::usage, what + "; nothing was written:\n" + loaded.diagnostics.text());
}

WatchPlan plan_watch(const WatchOptions& options, const oci::Reference& image,
                     const std::optional<std::string>& text) {
  WatchPlan plan;
  plan.before = text.value_or("");
  const bool empty = !text || config::says_nothing(*text);
  auto config = std::make_shared<const config::Config>();
  if (!empty) {
    auto loaded = parse_config_without_secrets(*text, options.config);
    expect_good(loaded, printable(options.config, 300) + " has mistakes already");
    config = loaded.config;
  }
  if (const auto* watcher = watcher_of(*config, image, options)) {
    plan.watched_by = watcher->name;
    return plan;
  }
  plan.pipeline = new_pipeline(*config, image, options, plan);
  plan.edited = plan.before.empty() ? config::first_config(plan.pipeline)
                                    : config::add_pipeline(plan.before, plan.pipeline);
  expect_good(parse_config_without_secrets(plan.edited.text, options.config), "this pipeline would not load");
  return plan;
}

constexpr const char* next_step = "systemctl reload sluice";

void print_plan(const WatchOptions& options, const WatchPlan& plan) {
  const auto file = printable(options.config, 300);
  if (!plan.watched_by.empty()) {
    print(file + ": already watched by pipeline '" + plan.watched_by + "'; nothing to do");
    return;
  }
  const auto& pipeline = plan.pipeline;
  const auto reason = [](const std::string& from) {
    return from.empty() ? "" : "  (" + printable(from, 300) + ")";
  };
  auto diff = unified_diff(options.config, plan.before, plan.edited.text);
  diff.pop_back();
  print(diff);
  print("");
  print("pipeline  " + pipeline.name + ", line " + std::to_string(plan.edited.line) + " of " + file);
  print("upstream  " + pipeline.upstream.text());
  print("staging   " + pipeline.staging.text() + reason(plan.staging_from));
  print("promote   " + pipeline.target.text() + ":" + pipeline.stable_tag + reason(plan.target_from));
  print("");
  if (options.dry_run)
    print("Nothing was written (--dry-run).");
  else
    print(std::string("Next: ") + next_step +
          ", or SIGHUP to `sluice serve`; then `sluice status` shows it.");
}

json plan_json(const WatchOptions& options, const WatchPlan& plan) {
  const bool watched = !plan.watched_by.empty();
  const auto& pipeline = plan.pipeline;
  json value{{"file", options.config},
             {"written", !watched && !options.dry_run},
             {"already_watched", watched},
             {"pipeline", watched ? plan.watched_by : pipeline.name}};
  if (watched) return value;
  value["line"] = plan.edited.line;
  value["upstream"] = pipeline.upstream.text();
  value["staging"] = pipeline.staging.text();
  value["to"] = pipeline.target.text();
  value["tags"] = {pipeline.stable_tag, pipeline.stable_tag + "-{run}"};
  value["diff"] = unified_diff(options.config, plan.before, plan.edited.text);
  value["next"] = next_step;
  return value;
}

}  // namespace

int watch(const WatchOptions& options) {
  const auto image = image_to_watch(options.image);
  if (!options.every.empty() && !parse_duration(options.every))
    throw Failure(exit_code::usage,
                  "--every: '" + printable(options.every, 80) + "' is not a duration such as 15m");
  WatchPlan plan;
  const auto make_plan = [&](const std::optional<std::string>& text) -> std::optional<std::string> {
    plan = plan_watch(options, image, text);
    if (!plan.watched_by.empty()) return std::nullopt;
    return plan.edited.text;
  };
  if (options.dry_run)
    make_plan(read_for_change(options.config, config_file_rules));
  else
    change_file(options.config, config_file_rules, make_plan);
  if (options.json)
    print(plan_json(options, plan).dump(2, ' ', false, json::error_handler_t::replace));
  else
    print_plan(options, plan);
  return exit_code::ok;
}

}  // namespace sluice::daemon
