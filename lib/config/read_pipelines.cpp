// Pipelines and dependents, each for itself.

#include "config/placeholders.hpp"
#include "config/read.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
// Run ids are far shorter for as long as a database lives.
constexpr const char* long_run_id = "zzzzzzzzzzzz";

void check_name(Section& section, const std::string& name) {
  if (name.empty() || is_name(name)) return;
  section.error(section.position("name"), "'" + printable(name, 80) + "' cannot be a name",
                "use up to 64 letters, digits, '-', '_' and '.', beginning with a letter or digit");
}

bool holds_run(const std::string& tag) {
  return tag.find(run_placeholder) != std::string::npos;
}

// An image that is named by its tag, because the tag is what moves.
std::optional<oci::Reference> tagged(Section& section, const std::string& key) {
  auto reference = section.reference(key, true);
  if (!reference || !reference->digest) return reference;
  section.error(section.position(key), "'" + key + "' names a digest, which never changes", "name a tag");
  return std::nullopt;
}

// The part of a kind ("container: {...}"), made by the room that knows it.
std::shared_ptr<const Part> read_part(Section& entry, const std::string& what,
                                      const std::map<std::string, ParsePart>& kinds, std::string& kind) {
  kind = entry.only_key(what);
  if (kind.empty()) return nullptr;
  const auto at = entry.position(kind);
  const auto found = kinds.find(kind);
  if (found == kinds.end()) {
    std::vector<std::string> known;
    for (const auto& [name, parse] : kinds)
      known.push_back(name);
    const auto meant = nearest(kind, known);
    entry.error(
        at, fmt::format("this version knows no {} '{}'", what, printable(kind, 80)),
        meant.empty() ? fmt::format("known: {}", fmt::join(known, ", ")) : "did you mean '" + meant + "'?");
    return nullptr;
  }
  auto settings = entry.section(kind);
  std::shared_ptr<const Part> part;
  try {
    part = found->second(settings);
  } catch (const Error& error) {
    settings.error(at, printable(error.what()));
  }
  settings.done();
  return part;
}

// A name of its own for each check of a pipeline: results are kept under it.
void name_check(Section& entry, Check& check, std::set<std::string>& taken) {
  const bool given = !check.name.empty();
  if (!given) check.name = check.kind;
  if (!taken.contains(check.name)) {
    taken.insert(check.name);
    return;
  }
  if (given)
    entry.error(entry.position("name"),
                "another check of this pipeline is called '" + printable(check.name, 80) + "' too");
  const auto base = check.name;
  for (int number = 2; !taken.insert(check.name).second; ++number)
    check.name = fmt::format("{}-{}", base, number);
}

std::vector<Check> read_checks(Section& pipeline, const Parts& parts) {
  std::vector<Check> checks;
  std::set<std::string> taken;
  for (auto& entry : pipeline.sections("checks")) {
    Check check;
    if (entry.has("name")) check.name = entry.required_text("name");
    check_name(entry, check.name);
    check.part = read_part(entry, "check", parts.checks, check.kind);
    if (!check.kind.empty()) name_check(entry, check, taken);
    check.written = entry.written();
    entry.done();
    checks.push_back(std::move(check));
  }
  return checks;
}

void check_tag(Section& promote, std::size_t index, const std::string& tag) {
  auto filled = Pipeline();
  filled.unique_tag = fill(tag, {{std::string(tag_value), "9"}});
  if (oci::is_valid_tag(filled.unique_tag_for(long_run_id))) return;
  promote.error(promote.position("tags", index), "'" + printable(tag, 80) + "' cannot be a tag",
                "letters, digits, '_', '.' and '-', {tag} for the upstream's tag and {run} for the id of the "
                "run; at most 128 characters");
}

// Two tags: one that moves, one that never does.
void read_tags(Section& promote, Pipeline& pipeline, Draft::PipelineAt& at) {
  const auto tags = promote.texts("tags");
  const auto unique = std::count_if(tags.begin(), tags.end(), holds_run);
  if (tags.size() != 2 || unique != 1) {
    const std::string stable = tags.empty() ? "9-alpine" : printable(tags.front(), 80);
    const auto example = holds_run(stable) ? std::string("9-alpine") : stable;
    promote.error(promote.position("tags"),
                  "'tags' must be two: a stable tag, and a unique one with {run} in it",
                  fmt::format("for instance tags: [\"{0}\", \"{0}-{{run}}\"]", example));
    return;
  }
  for (std::size_t i = 0; i < tags.size(); ++i) {
    check_tag(promote, i, tags[i]);
    if (holds_run(tags[i])) continue;
    pipeline.stable_tag = tags[i];
    at.stable_tag = promote.position("tags", i);
  }
  pipeline.unique_tag = holds_run(tags[0]) ? tags[0] : tags[1];
  fill_tags(promote, pipeline);
}

void read_promotion(Section& section, Pipeline& pipeline, Draft::PipelineAt& at) {
  if (!section.has("promote")) {
    section.error(section.position(), "'promote' is missing",
                  "promote: {to: registry.example.com/base/node, tags: [\"9\", \"9-{run}\"]}");
    return;
  }
  auto promote = section.section("promote");
  at.to = promote.position("to");
  if (auto to = promote.repository("to", true)) pipeline.target = std::move(*to);
  read_tags(promote, pipeline, at);
  promote.done();
}

Pipeline read_pipeline(Section& section, const Config& config, const Parts& parts,
                       const SecretSources& secrets, Draft::PipelineAt& at) {
  Pipeline pipeline;
  pipeline.at = section.position();
  at = {section.position("name"), section.position("upstream"), section.position("staging"), {}, {}};
  pipeline.name = section.required_text("name", "name: node-9-alpine");
  check_name(section, pipeline.name);
  if (section.is_mapping("upstream"))
    read_set(section.section("upstream"), pipeline);
  else if (auto upstream = tagged(section, "upstream"))
    pipeline.upstream = std::move(*upstream);
  read_staging(section, pipeline);
  pipeline.checks = read_checks(section, parts);
  read_promotion(section, pipeline, at);
  pipeline.platform = section.platform("platform").value_or(oci::Platform::host());
  auto registry_pace = config.registry(pipeline.upstream.repository.registry).poll;
  pipeline.poll = read_poll(section.section("poll"), std::move(registry_pace), secrets);
  pipeline.on_drift = choice(section, "on_drift", "hold", {"hold", "overwrite"}) == "hold"
                          ? OnDrift::hold
                          : OnDrift::overwrite;
  pipeline.referrers = section.flag("referrers", true);
  section.done();
  return pipeline;
}

std::string last_component(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

void read_bases(Section& section, Dependent& dependent, Draft::DependentAt& at) {
  const auto texts = section.texts("from");
  if (texts.empty())
    section.error(section.position("from"),
                  "'from' must list the promoted images that this one is built from",
                  "for instance from: [registry.example.com/base/node:9]");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto place = section.position("from", i);
    try {
      auto base = oci::Reference::parse(texts[i]);
      if (base.digest) {
        section.error(place, "a base is named by its tag, not by a digest",
                      "name the stable tag of a pipeline");
        continue;
      }
      dependent.from.push_back(std::move(base));
      at.from.push_back(place);
    } catch (const Error& error) {
      section.error(place, printable(error.what()));
    }
  }
}

Dependent read_dependent(Section& section, const Parts& parts, Draft::DependentAt& at) {
  Dependent dependent;
  dependent.at = section.position();
  at.image = section.position("image");
  if (auto image = tagged(section, "image")) dependent.image = std::move(*image);
  at.name = section.has("name") ? section.position("name") : at.image;
  dependent.name =
      section.has("name") ? section.required_text("name") : last_component(dependent.image.repository.path);
  if (section.has("name")) check_name(section, dependent.name);
  read_bases(section, dependent, at);
  if (section.has("rebuild")) {
    auto rebuild = section.section("rebuild");
    dependent.trigger = read_part(rebuild, "rebuild", parts.triggers, dependent.trigger_kind);
    rebuild.done();
  } else {
    section.error(section.position(), "'rebuild' is missing: how is this image built again?",
                  "for instance rebuild: {webhook: {...}}");
  }
  dependent.platform = section.platform("platform").value_or(oci::Platform::host());
  dependent.confirm_within =
      duration_between(section, "confirm_within", dependent.confirm_within, 1s, std::chrono::days(365));
  section.done();
  return dependent;
}

}  // namespace

// A name stands in tables, paths of the API and arguments.
bool is_name(std::string_view name) {
  constexpr std::string_view inner = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(inner) == std::string::npos &&
         std::string_view("-_.").find(name.front()) == std::string_view::npos;
}

void read_pipelines(Section& root, Draft& draft, const Parts& parts, const SecretSources& secrets) {
  for (auto& section : root.sections("pipelines")) {
    Draft::PipelineAt at;
    auto pipeline = read_pipeline(section, draft.config, parts, secrets, at);
    if (pipeline.target.path.empty() || pipeline.stable_tag.empty()) draft.all_targets_known = false;
    draft.config.pipelines.push_back(std::move(pipeline));
    draft.pipelines_at.push_back(at);
  }
}

void read_dependents(Section& root, Draft& draft, const Parts& parts) {
  for (auto& section : root.sections("dependents")) {
    Draft::DependentAt at;
    auto dependent = read_dependent(section, parts, at);
    if (dependent.image.repository.path.empty()) draft.all_targets_known = false;
    draft.config.dependents.push_back(std::move(dependent));
    draft.dependents_at.push_back(std::move(at));
  }
}

}  // namespace sluice::config
