// dregsy: tasks that mirror repositories. https://github.com/xelalexv/dregsy/blob/master/README.md

#include "config/document.hpp"
#include "config/import/foreign.hpp"
#include "core/error.hpp"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

namespace sluice::config {
namespace {

// The user name of base64({"username": "...", "password": "..."}); nothing else of it is kept.
std::string user_of_auth(const std::string& auth) {
  if (auth.empty() || auth.size() > 16'384 || auth.size() % 4 != 0) return {};
  std::string decoded(auth.size() / 4 * 3, '\0');
  const auto size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                      reinterpret_cast<const unsigned char*>(auth.data()), static_cast<int>(auth.size()));
  if (size <= 0) return {};
  decoded.resize(static_cast<std::size_t>(size));
  decoded.erase(decoded.find_last_of('}') + 1);
  Notes notes;
  const auto documents = read_documents(decoded, notes);
  if (!notes.take().ok() || documents.empty() || !documents.front().IsMap()) return {};
  const auto name = documents.front()["username"];
  return name.IsDefined() && name.IsScalar() ? name.Scalar() : std::string();
}

// The cloud whose own credentials are used there when nothing is said.
std::string cloud_of(const std::string& host) {
  if (host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev")) return "google";
  const bool amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
  return amazon && host.find(".dkr.ecr.") != std::string::npos ? "aws" : "";
}

class Dregsy {
 public:
  explicit Dregsy(Findings& findings) : findings_(findings) {}

  void read(Foreign root) {
    root.ignore("relay");
    root.left_out("skopeo", "images are copied without another program; certificates are `ca` of a registry");
    root.left_out("docker", "images are copied without another program");
    root.left_out("lister", "repositories are not listed: each pipeline names one");
    root.ignore("watch");
    for (auto& task : root.list("tasks"))
      read_task(task);
    root.done();
  }

 private:
  void read_task(Foreign& task) {
    task.ignore("name");
    task.ignore("verbose");
    FoundPace pace;
    if (const auto seconds = task.number("interval"); seconds > 0)
      pace.every = interval_of_seconds(seconds);
    else
      task.remark(Remark::Kind::changed, task.at(), "task without interval",
                  "it ran once; a pipeline goes on, at the pace of its registry");
    const auto source = read_location(task, "source");
    const auto target = read_location(task, "target");
    for (auto& mapping : task.list("mappings"))
      read_mapping(mapping, source, target, pace);
    task.done();
  }

  std::string read_location(Foreign& task, const std::string& key) {
    auto location = task.mapping(key);
    const auto host = registry_name(location.text("registry"));
    const auto auth = location.text("auth");
    const auto refresh = location.text("auth-refresh");
    if (!host.empty()) {
      if (!refresh.empty()) {
        registry_of(findings_, host).identity = "aws";
      } else if (!auth.empty() && auth != "none") {
        auto& registry = registry_of(findings_, host);
        if (!registry.login)
          location.remark(Remark::Kind::to_do, location.at("auth"), "auth of " + host,
                          "put the password where the comment in the new file says");
        registry.login = true;
        registry.username = user_of_auth(auth);
      } else if (const auto cloud = cloud_of(host); auth.empty() && !cloud.empty()) {
        registry_of(findings_, host).identity = cloud;
      }
    }
    location.left_out("skip-tls-verify", "certificates are always checked: give the registry a `ca`");
    location.ignore("lister");
    location.done();
    return host;
  }

  void read_mapping(Foreign& mapping, const std::string& source, const std::string& target,
                    const FoundPace& pace) {
    const auto from = mapping.text("from");
    const auto to = mapping.has("to") ? mapping.text("to") : from;
    const auto platform = mapping.text("platform");
    if (!platform.empty() && platform != "all")
      mapping.remark(Remark::Kind::changed, mapping.at("platform"), "platform",
                     "all platforms are copied; this one is what checks look at");
    if (from.starts_with("regex:") || to.starts_with("regex:")) {
      mapping.remark(Remark::Kind::left_out, mapping.at(), from,
                     "a pipeline names one repository, not a pattern");
    } else if (const auto upstream = mapping.image(source + "/" + trimmed_path(from))) {
      const auto image = mapping.image(target + "/" + trimmed_path(to));
      if (image) read_tags(mapping, *upstream, image->repository, platform == "all" ? "" : platform, pace);
    }
    mapping.ignore("tags");
    mapping.done();
  }

  static std::string trimmed_path(const std::string& path) {
    const auto begin = path.find_first_not_of('/');
    return begin == std::string::npos ? std::string() : path.substr(begin);
  }

  void read_tags(Foreign& mapping, const oci::Reference& upstream, const oci::Repository& target,
                 const std::string& platform, const FoundPace& pace) {
    FoundPipeline one{.file = mapping.file(),
                      .at = mapping.at(),
                      .upstream = upstream,
                      .tags = {},
                      .target = target,
                      .target_tag = {},
                      .platform = platform,
                      .pace = pace};
    const auto tags = mapping.texts("tags");
    if (tags.empty()) {
      one.tags = TagFilter{.glob = "*"};
      findings_.pipelines.push_back(one);
    }
    for (const auto& tag : tags) {
      auto each = one;
      const auto filter = tag.substr(std::min(tag.size(), tag.find_first_not_of(' ', tag.find(':') + 1)));
      if (tag.starts_with("semver:")) {
        // Versions are compared there by their precedence alone: 20.1-alpine is one of them.
        each.tags = TagFilter{.semver = filter, .pre_releases = true};
      } else if (tag.starts_with("regex:") && !filter.starts_with('!')) {
        each.tags = TagFilter{.regex = filter};
      } else if (!oci::is_valid_tag(tag)) {
        mapping.remark(Remark::Kind::left_out, mapping.at("tags"), tag, "this filter has no counterpart");
        continue;
      } else {
        each.upstream.tag = tag;
      }
      findings_.pipelines.push_back(std::move(each));
    }
  }

  Findings& findings_;
};

}  // namespace

void read_dregsy(const std::vector<ForeignText>& files, Findings& findings) {
  for (const auto& file : files)
    for (auto& document : foreign_documents(file, file.text, findings))
      Dregsy(findings).read(document);
}

}  // namespace sluice::config
