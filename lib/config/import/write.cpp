// Our file, made of what was found in those of another tool.

#include "config/config.hpp"
#include "config/document.hpp"
#include "config/edit_text.hpp"
#include "config/import/foreign.hpp"
#include "config/import/tag_set.hpp"
#include "config/read.hpp"
#include "config/suggest.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

constexpr const char* no_place = "registry.example.com";
constexpr std::size_t most_imported = 10'000;

// A pipeline as it will stand in the file.
struct Written {
  FoundPipeline found;
  std::string name;
  oci::Repository staging, target;
  std::string stable_tag;
  bool dropped = false;
  int first_line = 0, last_line = 0;
};

// What is watched, for messages.
std::string shown_upstream(const FoundPipeline& found) {
  if (!found.tags) return found.upstream.text();
  std::vector<std::string> rules{found.tags->regex, found.tags->semver, found.tags->glob};
  std::erase(rules, std::string());
  return fmt::format("{}, tags {}", found.upstream.repository.text(), fmt::join(rules, ", "));
}

std::string in_comment(const std::string& text) {
  return printable(text, 300);
}

[[noreturn]] void refuse_size(const std::string& what) {
  throw Error(ErrorKind::invalid, "what was found comes to " + what +
                                      ", which is too much for one file: import fewer images at once");
}

// Where secrets are expected unless the other tool has a place for them already.
std::string password_place(const std::string& host, const FoundRegistry& registry) {
  if (!registry.password.empty()) return registry.password;
  auto file = host;
  std::replace(file.begin(), file.end(), ':', '_');
  return "{file: " + double_quoted("/etc/sluice/secrets/" + file) + "}";
}

class Writer {
 public:
  Writer(std::string tool, Findings findings, const ImportPlaces& places, const SecretSources& sources)
      : tool_(std::move(tool)), findings_(std::move(findings)), places_(places), sources_(sources) {}

  Imported write() {
    choose_all();
    Imported imported;
    // Each round drops a pipeline at least, so it ends.
    do
      imported.text = compose();
    while (drop_refused(imported.text));
    for (const auto& pipeline : written_)
      if (!pipeline.dropped) ++imported.pipelines;
    imported.remarks = std::move(findings_.remarks);
    std::ranges::stable_sort(imported.remarks, {},
                             [](const Remark& remark) { return std::pair(remark.file, remark.at); });
    if (findings_.untold > 0)
      imported.remarks.push_back({Remark::Kind::left_out,
                                  tool_,
                                  {},
                                  "more remarks",
                                  fmt::format("there are {} more, which are not shown", findings_.untold)});
    return imported;
  }

 private:
  void remark(Remark::Kind kind, const Written& pipeline, const std::string& what, const std::string& why) {
    findings_.remark(kind, pipeline.found.file, pipeline.found.at, what, why);
  }

  void choose_all() {
    std::erase_if(findings_.registries, [&](const auto& registry) {
      if (is_host(registry.first)) return false;
      findings_.remark(Remark::Kind::left_out, tool_, {}, "registry " + registry.first,
                       "this is no name of a registry");
      return true;
    });
    std::set<std::string> seen;
    for (auto& found : findings_.pipelines) {
      if (written_.size() >= most_imported) refuse_size(fmt::format("more than {} images", most_imported));
      Written pipeline;
      pipeline.found = std::move(found);
      const auto& one = pipeline.found;
      const auto upstream = one.tags ? tag_set(one.upstream.repository, *one.tags) : one.upstream.text();
      if (!seen.insert(upstream + " " + (one.target ? one.target->text() + ":" + one.target_tag : ""))
               .second) {
        remark(Remark::Kind::left_out, pipeline, shown_upstream(one),
               "it is imported already, from a line above");
        continue;
      }
      choose(pipeline);
      written_.push_back(std::move(pipeline));
    }
    choose_staging();
    keep_plain_tags_out_of_sets();
    if (uses_no_place_)
      findings_.remark(Remark::Kind::to_do, tool_, {}, std::string(no_place) + "/...",
                       "nothing says where images go: import again with --staging and --to, or replace it");
  }

  void choose(Written& pipeline) {
    const auto& found = pipeline.found;
    auto named = found.upstream;
    if (found.tags) named.tag = "tags";
    pipeline.name = free_name(names_, named);
    names_.pipelines.emplace_back().name = pipeline.name;
    pipeline.stable_tag = found.tags                 ? stable_tag_of_set
                          : found.target_tag.empty() ? found.upstream.tag.value_or("latest")
                                                     : found.target_tag;
    try {
      pipeline.target = found.target ? *found.target : free_target(pipeline);
    } catch (const Error& error) {
      pipeline.dropped = true;
      return remark(Remark::Kind::left_out, pipeline, shown_upstream(found), error.what());
    }
    targets_.insert(pipeline.target.text() + ":" + pipeline.stable_tag);
    target_repositories_.insert(pipeline.target.text());
  }

  // Under the prefix: the last part of the upstream's path, or more of it where that is taken.
  oci::Repository free_target(const Written& pipeline) {
    const auto& upstream = pipeline.found.upstream.repository;
    uses_no_place_ = uses_no_place_ || places_.target.empty();
    const auto prefix = places_.target.empty() ? std::string(no_place) + "/base" : places_.target;
    auto host = upstream.registry;
    std::replace(host.begin(), host.end(), ':', '-');
    const auto& path = upstream.path;
    const std::array<std::string, 3> endings{path.substr(path.rfind('/') + 1), path, host + "/" + path};
    for (const auto& ending : endings)
      if (!targets_.contains(prefix + "/" + ending + ":" + pipeline.stable_tag))
        return oci::Repository::parse(prefix + "/" + ending);
    return oci::Repository::parse(prefix + "/" + endings.back());
  }

  // After all targets are known: what was not checked must not lie where checked images do.
  void choose_staging() {
    for (auto& pipeline : written_) {
      if (pipeline.dropped) continue;
      auto prefix = places_.staging;
      if (prefix.empty() && pipeline.found.target) prefix = pipeline.target.registry + "/staging";
      if (prefix.empty()) {
        prefix = places_.target.empty() ? std::string(no_place) + "/staging"
                                        : places_.target.substr(0, places_.target.find('/')) + "/staging";
      }
      auto text = prefix + "/" + pipeline.target.path;
      const auto base = places_.target.empty() ? std::string("base/")
                                               : places_.target.substr(places_.target.find('/') + 1) + "/";
      if (!pipeline.found.target && pipeline.target.path.starts_with(base))
        text = prefix + "/" + pipeline.target.path.substr(base.size());
      while (target_repositories_.contains(text) || text == pipeline.found.upstream.repository.text())
        text += "-staging";
      try {
        pipeline.staging = oci::Repository::parse(text);
      } catch (const Error& error) {
        pipeline.dropped = true;
        remark(Remark::Kind::left_out, pipeline, pipeline.name, error.what());
      }
    }
  }

  // The loader refuses two pipelines that promote to one tag. The one that names the tag keeps it: a set
  // watches only so many of its tags, and this one was asked for.
  void keep_plain_tags_out_of_sets() {
    std::map<std::string, std::vector<const Written*>> plain;  // by target
    for (const auto& one : written_)
      if (!one.dropped && !one.found.tags) plain[one.target.text()].push_back(&one);
    for (auto& set : written_) {
      if (set.dropped || !set.found.tags) continue;
      const auto rules = tag_rules(*set.found.tags);
      const auto same_target = plain.find(set.target.text());
      if (!rules || same_target == plain.end()) continue;
      for (const auto* one : same_target->second)
        if (rules->accepts(one->stable_tag)) exclude(set, *one);
    }
  }

  void exclude(Written& set, const Written& one) {
    set.found.tags->exclude.insert(one.stable_tag);
    const auto& from = one.found.upstream;
    if (from.repository != set.found.upstream.repository || from.tag.value_or("latest") != one.stable_tag)
      remark(Remark::Kind::changed, set, shown_upstream(set.found),
             fmt::format("its tag {} is left to {}, which is promoted to the same name", one.stable_tag,
                         from.text()));
  }

  void line(const std::string& text) {
    text_ += text + "\n";
    ++lines_;
  }

  std::string compose() {
    text_.clear();
    lines_ = 0;
    registry_lines_.clear();
    line("# Imported from " + tool_ + " by `sluice import-config`. What did not carry over was told then.");
    compose_registries();
    compose_pipelines();
    return std::move(text_);
  }

  void compose_registries() {
    if (findings_.registries.empty()) return;
    line("");
    line("registries:");
    for (const auto& [host, registry] : findings_.registries) {
      registry_lines_[lines_ + 1] = host;
      line("  " + double_quoted(host) + ":");
      if (registry.http) line("    http: true");
      if (!registry.identity.empty()) line("    auth: {" + registry.identity + ": {}}");
      if (!registry.login) continue;
      line("    # Take the '#' away when the password is where this says:");
      line(std::string("    # auth: {username: ") +
           double_quoted(registry.username.empty() ? "USER" : registry.username) +
           ", password: " + password_place(host, registry) + "}");
    }
  }

  void compose_pipelines() {
    line("");
    pipelines_line_ = lines_ + 1;
    const bool any = std::ranges::any_of(written_, [](const Written& one) { return !one.dropped; });
    line(any ? "pipelines:" : "pipelines: []");
    for (auto& pipeline : written_)
      if (!pipeline.dropped) compose(pipeline);
  }

  void compose(Written& pipeline) {
    const auto& found = pipeline.found;
    line(fmt::format("  # {}, line {}", in_comment(found.file), found.at.line));
    pipeline.first_line = lines_ + 1;
    const auto add = [&](const std::string& text) { line("  " + text); };
    add("- name: " + plain_or_quoted(pipeline.name));
    add("  upstream: " + (found.tags ? tag_set(found.upstream.repository, *found.tags)
                                     : plain_or_quoted(found.upstream.text())));
    add("  staging: " + plain_or_quoted(pipeline.staging.text()));
    add(fmt::format("  promote: {{to: {}, tags: [{}, {}]}}", double_quoted(pipeline.target.text()),
                    double_quoted(pipeline.stable_tag), double_quoted(pipeline.stable_tag + "-{run}")));
    if (!found.platform.empty()) add("  platform: " + double_quoted(found.platform));
    if (!found.pace.every.empty()) add("  poll: {every: " + found.pace.every + "}");
    if (!found.pace.unread.empty())
      line("    # It was looked at by the schedule " + in_comment(found.pace.unread));
    const auto zone = found.pace.zone.empty() ? "" : ", timezone: " + double_quoted(found.pace.zone);
    if (!found.pace.cron.empty()) add("  poll: {cron: " + double_quoted(found.pace.cron) + zone + "}");
    pipeline.last_line = lines_;
  }

  // Drops what the loader would refuse; false when it takes the text.
  bool drop_refused(const std::string& text) {
    if (text.size() > largest_file)
      refuse_size(fmt::format("a configuration of more than {} KiB", largest_file / 1024));
    const auto loaded = parse(text, "imported", {}, sources_);
    bool any = false;
    for (const auto& error : loaded.diagnostics.errors) {
      const auto found = std::ranges::find_if(written_, [&](const Written& one) {
        return !one.dropped && error.at.line >= one.first_line && error.at.line <= one.last_line;
      });
      if (found == written_.end()) {
        any = drop_registry(error) || any;
        continue;
      }
      any = true;
      if (drop_zone(*found, error)) continue;
      found->dropped = true;
      remark(Remark::Kind::left_out, *found, shown_upstream(found->found), error.message);
    }
    if (!any && !loaded.config)
      throw Error(ErrorKind::internal, "what was imported does not load: " + loaded.diagnostics.text());
    return any;
  }

  // A zone that is not known here is no reason to lose the pipeline. Its line is the last one.
  bool drop_zone(Written& pipeline, const Diagnostic& error) {
    auto& zone = pipeline.found.pace.zone;
    if (zone.empty() || error.at.line != pipeline.last_line) return false;
    remark(Remark::Kind::changed, pipeline, "time zone " + zone,
           "its times are taken as UTC: " + error.message);
    zone.clear();
    return true;
  }

  // The registry whose lines a mistake is in.
  bool drop_registry(const Diagnostic& error) {
    const auto next = registry_lines_.upper_bound(error.at.line);
    if (next == registry_lines_.begin() || pipelines_line_ <= error.at.line) return false;
    const auto host = std::prev(next)->second;
    if (findings_.registries.erase(host) == 0) return false;
    findings_.remark(Remark::Kind::left_out, tool_, {}, "registry " + host, error.message);
    return true;
  }

  std::string tool_;
  Findings findings_;
  const ImportPlaces& places_;
  const SecretSources& sources_;
  Config names_;  // only for the names that are taken
  std::vector<Written> written_;
  std::set<std::string> targets_;  // with their tags
  std::set<std::string> target_repositories_;
  bool uses_no_place_ = false;
  std::string text_;
  int lines_ = 0;
  int pipelines_line_ = 0;
  std::map<int, std::string> registry_lines_;  // where each registry begins
};

}  // namespace

Imported write_imported(const std::string& tool, Findings findings, const ImportPlaces& places,
                        const SecretSources& sources) {
  return Writer(tool, std::move(findings), places, sources).write();
}

}  // namespace sluice::config
