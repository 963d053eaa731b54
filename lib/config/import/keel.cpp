// Keel: annotations of Kubernetes workloads, and the `keel` section of Helm values.
// https://keel.sh/docs/#policies, https://github.com/keel-hq/keel (types/types.go, provider/helm3/helm3.go)

#include "config/import/foreign.hpp"
#include "oci/semver.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace sluice::config {
namespace {

struct KeelRules {
  std::string policy;
  FoundPace pace = {};
  bool match_tag = false;
  bool match_pre_release = true;
};

bool is_version_policy(const std::string& policy) {
  return policy == "all" || policy == "major" || policy == "minor" || policy == "patch";
}

bool is_policy(const std::string& policy) {
  return is_version_policy(policy) || policy == "force" || policy.starts_with("glob:") ||
         policy.starts_with("regexp:");
}

// Larger numbers are dates and the like.
constexpr std::uint64_t largest_number = 999'999'999;

std::string range_of(const std::string& policy, const oci::Version& version, const std::string& suffix) {
  const auto least = fmt::format(">={}.{}.{}{}", version.major, version.minor, version.patch, suffix);
  if (policy == "minor") return fmt::format("{} <{}", least, version.major + 1);
  if (policy == "patch") return fmt::format("{} <{}.{}", least, version.major, version.minor + 1);
  return least;
}

// The tags that Keel moves to from this one; nullopt when it is no version. They have a dot, and the same
// suffix unless every suffix is as good.
std::optional<TagFilter> filter_of(const KeelRules& rules, const std::string& tag) {
  const auto version = oci::Version::parse(tag);
  if (!version || std::max({version->major, version->minor, version->patch}) > largest_number)
    return std::nullopt;
  const auto suffix = tag.substr(std::min(tag.find('-'), tag.size()));
  const bool any_suffix = rules.policy == "all" || !rules.match_pre_release;
  TagFilter filter{.regex = "v?[0-9]+\\.[0-9].*",
                   .semver = range_of(rules.policy, *version, any_suffix ? suffix : ""),
                   .pre_releases = any_suffix};
  if (!any_suffix && !suffix.empty()) filter.glob = "*" + suffix;
  return filter;
}

class Keel {
 public:
  explicit Keel(Findings& findings) : findings_(findings) {}

  void read(Foreign& document) {
    if (document.text("kind") == "List") {
      for (auto& item : document.list("items"))
        read(item);
    } else if (document.has("kind")) {
      read_workload(document);
    } else if (document.has("keel")) {
      read_values(document);
    } else {
      document.remark(Remark::Kind::left_out, document.at(), "document",
                      "it is neither a Kubernetes object nor Helm values with a `keel` section");
    }
  }

 private:
  // A setting is an annotation or a label; the annotation wins.
  static std::string setting(Foreign& annotations, Foreign& labels, const std::string& key) {
    const auto annotation = annotations.text(key);
    const auto label = labels.text(key);
    return annotation.empty() ? label : annotation;
  }

  void read_workload(Foreign& object) {
    auto metadata = object.mapping("metadata");
    auto annotations = metadata.mapping("annotations");
    auto labels = metadata.mapping("labels");
    KeelRules rules;
    rules.policy = setting(annotations, labels, "keel.sh/policy");
    if (rules.policy.empty()) return;  // not Keel's
    auto& scheduled = annotations.has("keel.sh/pollSchedule") ? annotations : labels;
    rules.pace = pace_of_cron(scheduled, scheduled.at("keel.sh/pollSchedule"),
                              setting(annotations, labels, "keel.sh/pollSchedule"));
    rules.match_pre_release = setting(annotations, labels, "keel.sh/matchPreRelease") != "false";
    rules.match_tag = setting(annotations, labels, "keel.sh/matchTag") == "true" ||
                      setting(annotations, labels, "keel.sh/match-tag") == "true";
    for (const auto& [key, why] :
         {std::pair("keel.sh/approvals", "`sluice hold` lets nothing pass until a person says so"),
          {"keel.sh/approvalDeadline", "`sluice hold` has no end by itself"},
          {"keel.sh/notify", "nobody is told yet"},
          {"keel.sh/releaseNotes", "nobody is told yet"},
          {"keel.sh/monitorContainers", "all containers of the object are taken"},
          {"keel.sh/imagePullSecret", "a login belongs to `registries` and its password to a file"}}) {
      annotations.left_out(key, why);
      labels.left_out(key, why);
    }
    const bool initial = setting(annotations, labels, "keel.sh/initContainers") == "true";
    auto spec = object.mapping("spec");
    if (spec.has("jobTemplate")) spec = spec.mapping("jobTemplate").mapping("spec");
    auto pod = spec.mapping("template").mapping("spec");
    for (auto& container : pod.list("containers"))
      add(container, container.at("image"), container.text("image"), rules);
    if (initial)
      for (auto& container : pod.list("initContainers"))
        add(container, container.at("image"), container.text("image"), rules);
  }

  // `images` names paths into the values.
  void read_values(Foreign& values) {
    auto keel = values.mapping("keel");
    KeelRules rules{.policy = keel.text("policy"),
                    .pace = pace_of_cron(keel, keel.at("pollSchedule"), keel.text("pollSchedule")),
                    .match_tag = keel.flag("matchTag"),
                    .match_pre_release = !keel.has("matchPreRelease") || keel.flag("matchPreRelease")};
    keel.ignore("trigger");
    keel.left_out("approvals", "`sluice hold` lets nothing pass until a person says so");
    keel.left_out("approvalDeadline", "`sluice hold` has no end by itself");
    keel.left_out("notificationChannels", "nobody is told yet");
    for (auto& image : keel.list("images")) {
      const auto repository = value_at(values, image.text("repository"));
      const auto tag = value_at(values, image.text("tag"));
      image.ignore("digest");
      image.ignore("releaseNotes");
      image.left_out("imagePullSecret", "a login belongs to `registries` and its password to a file");
      image.done();
      if (repository.empty())
        image.remark(Remark::Kind::left_out, image.at(), "image",
                     "the values have no repository at the path that it names");
      else
        add(image, image.at(), repository + (tag.empty() ? "" : ":" + tag), rules);
    }
    keel.done();
  }

  static std::string value_at(const Foreign& values, std::string path) {
    auto at = values;
    for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.')) {
      at = at.mapping(path.substr(0, dot));
      path.erase(0, dot + 1);
    }
    return path.empty() ? std::string() : at.text(path);
  }

  void add(Foreign& place, Position at, const std::string& text, const KeelRules& rules) {
    if (rules.policy == "never" || text.empty()) return;
    if (!is_policy(rules.policy))
      return place.remark(Remark::Kind::left_out, at, text,
                          rules.policy.empty()
                              ? "it has no policy, and without one Keel does nothing"
                              : "Keel knows no policy '" + rules.policy + "' and does nothing by it");
    const auto image = place.image(text);
    if (!image) return;
    FoundPipeline one{.file = place.file(),
                      .at = at,
                      .upstream = *image,
                      .tags = {},
                      .target = {},
                      .target_tag = {},
                      .platform = {},
                      .pace = rules.pace};
    if (image->digest && !image->tag)
      return place.remark(Remark::Kind::left_out, at, text,
                          "a digest never changes, so there is nothing to watch");
    one.upstream.digest.reset();
    if (rules.policy.starts_with("glob:")) {
      one.tags = TagFilter{.glob = rules.policy.substr(5)};
    } else if (rules.policy.starts_with("regexp:")) {
      // There a pattern may match anywhere in a tag; ours match it as a whole.
      one.tags = TagFilter{.regex = ".*(?:" + rules.policy.substr(7) + ").*"};
    } else if (is_version_policy(rules.policy)) {
      one.tags = filter_of(rules, image->tag.value_or("latest"));
      if (!one.tags)
        place.remark(Remark::Kind::changed, at, text + ", policy " + rules.policy,
                     "its tag is no version: the pipeline watches this tag");
    } else if (!rules.match_tag) {
      place.remark(Remark::Kind::changed, at, text + ", policy force",
                   "any tag was taken; the pipeline watches this one");
    }
    findings_.pipelines.push_back(std::move(one));
  }

  Findings& findings_;
};

}  // namespace

void read_keel(const std::vector<ForeignText>& files, Findings& findings) {
  for (const auto& file : files)
    for (auto& document : foreign_documents(file, file.text, findings))
      Keel(findings).read(document);
}

}  // namespace sluice::config
