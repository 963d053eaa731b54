// Diun: its own configuration, and the lists of images of its file provider.
// https://crazymax.dev/diun/config/ and https://crazymax.dev/diun/providers/file/

#include "config/import/foreign.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

class Diun {
 public:
  explicit Diun(Findings& findings) : findings_(findings) {}

  void read_settings(Foreign& root) {
    root.ignore("db");
    auto watch = root.mapping("watch");
    // Every hour unless said otherwise.
    pace_ = pace_of_cron(watch, watch.at("schedule"),
                         watch.has("schedule") ? watch.text("schedule") : std::string("0 * * * *"));
    watch.ignore("schedule");
    watch.left_out("workers", "`concurrency` of a registry says how many tags are looked at together");
    watch.left_out("jitter", "looks are spread by themselves");
    watch.ignore("firstCheckNotif");
    watch.ignore("runOnStartup");
    watch.ignore("compareDigest");
    watch.left_out("healthchecks", "systemd's watchdog and the API tell that the daemon lives");
    watch.done();
    read_defaults(root);
    root.left_out("notif", "nobody is told yet; what happened is in `sluice runs` and in the log");
    auto providers = root.mapping("providers");
    auto file = providers.mapping("file");
    if (file.has("filename") || file.has("directory"))
      file.remark(Remark::Kind::to_do, providers.at("file"), file.text("filename") + file.text("directory"),
                  "the images are in there: name that file behind this one");
    for (const auto* other : {"docker", "swarm", "kubernetes", "nomad", "dockerfile", "containerd"})
      providers.left_out(other, "images are named in the configuration, not found on machines");
    providers.done();
    for (auto& entry : root.list("regopts"))
      read_login(entry);
    root.done();
  }

  void read_images(const Foreign& list) {
    for (auto& entry : list.items())
      read_image(entry);
  }

  void finish() {
    for (auto& [name, login] : logins_)
      if (!login.used)
        login.entry.remark(Remark::Kind::left_out, login.entry.at(), "login " + name,
                           "no image uses it, and only its images tell for which registry it is");
  }

 private:
  // A whole registry ("docker.io") or a part of it ("docker.io/crazymax").
  void read_login(Foreign& entry) {
    const auto name = entry.text("name");
    const auto selector = entry.text("selector");
    const auto host = selector == "image" ? registry_name(name.substr(0, name.find('/'))) : std::string();
    FoundRegistry login{
        .username = entry.text("username"), .password = {}, .login = true, .identity = {}, .http = false};
    if (const auto file = entry.text("passwordFile");
        file.starts_with('/') && file.find_first_of("\"\\\n") == std::string::npos)
      login.password = "{file: \"" + file + "\"}";
    if (entry.has("usernameFile"))
      entry.remark(Remark::Kind::to_do, entry.at("usernameFile"), "usernameFile",
                   "a user name stands in the configuration itself");
    entry.ignore("usernameFile");
    entry.ignore("password");
    entry.left_out("timeout", "there is a deadline for each step of a request");
    if (entry.flag("insecureTLS"))
      entry.remark(
          Remark::Kind::left_out, entry.at("insecureTLS"), "insecureTLS",
          "certificates are always checked: give the registry a `ca`, or `http: true` when it has no TLS");
    if (host.empty()) {
      logins_.insert_or_assign(name, NamedLogin{std::move(login), entry});
    } else {
      tell_password(entry, name);
      if (name.find('/') != std::string::npos)
        entry.remark(Remark::Kind::changed, entry.at(), name, "a login is for a whole registry");
      auto& registry = registry_of(findings_, host);
      if (!registry.login || name.find('/') == std::string::npos) registry = std::move(login);
    }
    entry.done();
  }

  static void tell_password(Foreign& entry, const std::string& name) {
    entry.remark(Remark::Kind::to_do, entry.at(), "login " + name,
                 "put the password where the comment in the new file says");
  }

  void read_defaults(Foreign& root) {
    auto defaults = root.mapping("defaults");
    default_repo_ = defaults.flag("watchRepo");
    default_most_ = defaults.number("maxTags");
    default_include_ = defaults.texts("includeTags");
    defaults.left_out("excludeTags", "`exclude` takes globs; say in `match` which ones are meant");
    for (const auto* of_messages : {"notifyOn", "metadata", "sortTags"})
      defaults.ignore(of_messages);
    defaults.done();
  }

  void read_image(Foreign& entry) {
    const auto name = entry.text("name");
    const auto upstream = name.empty() ? std::nullopt : entry.image(name);
    if (name.empty()) entry.remark(Remark::Kind::left_out, entry.at(), "entry", "it names no image");
    FoundPipeline one{.file = entry.file(),
                      .at = entry.at(),
                      .upstream = {},
                      .tags = {},
                      .target = {},
                      .target_tag = {},
                      .platform = platform_of(entry),
                      .pace = pace_};
    const bool whole = entry.has("watch_repo") ? entry.flag("watch_repo") : default_repo_;
    entry.ignore("watch_repo");
    auto include = entry.texts("include_tags");
    if (include.empty()) include = default_include_;
    const auto most = entry.has("max_tags") ? entry.number("max_tags") : default_most_;
    entry.ignore("max_tags");
    entry.left_out("exclude_tags", "`exclude` takes globs; say in `match` which ones are meant");
    entry.left_out("notify_on", "every new digest is taken");
    entry.ignore("sort_tags");
    entry.ignore("hub_link");
    entry.left_out("metadata", "it was for messages");
    use_login(entry, upstream);
    entry.done();
    if (!upstream) return;
    if (upstream->digest)
      return entry.remark(Remark::Kind::left_out, entry.at(), name,
                          "a digest never changes, so there is nothing to watch");
    one.upstream = *upstream;
    if (whole) one.tags = filter_of(include, most);
    findings_.pipelines.push_back(std::move(one));
  }

  void use_login(Foreign& entry, const std::optional<oci::Reference>& upstream) {
    const auto name = entry.text("regopt");
    const auto found = logins_.find(name);
    if (found == logins_.end()) {
      if (!name.empty())
        entry.remark(Remark::Kind::left_out, entry.at("regopt"), "regopt " + name,
                     "no entry of `regopts` with this name came along; name its file, too");
      return;
    }
    if (!upstream) return;
    if (!std::exchange(found->second.used, true)) tell_password(found->second.entry, name);
    registry_of(findings_, upstream->repository.registry) = found->second.login;
  }

  // There a pattern may match anywhere in a tag; ours match it as a whole.
  static TagFilter filter_of(const std::vector<std::string>& include, long most) {
    if (include.empty()) return {.glob = "*", .regex = {}, .semver = {}, .newest = most};
    return {.glob = {},
            .regex = fmt::format(".*(?:{}).*", fmt::join(include, "|")),
            .semver = {},
            .newest = most};
  }

  static std::string platform_of(Foreign& entry) {
    auto platform = entry.mapping("platform");
    const auto system = platform.text("os");
    const auto architecture = platform.text("arch");
    const auto variant = platform.text("variant");
    platform.done();
    if (architecture.empty()) return {};
    return (system.empty() ? "linux" : system) + "/" + architecture + (variant.empty() ? "" : "/" + variant);
  }

  Findings& findings_;
  FoundPace pace_;
  struct NamedLogin {
    FoundRegistry login;
    Foreign entry;
    bool used = false;
  };
  std::map<std::string, NamedLogin> logins_;  // those that images name
  bool default_repo_ = false;
  long default_most_ = 0;
  std::vector<std::string> default_include_;
};

}  // namespace

// The settings first, wherever they stand: the lists are read by them.
void read_diun(const std::vector<ForeignText>& files, Findings& findings) {
  Diun diun(findings);
  std::vector<Foreign> lists;
  for (const auto& file : files)
    for (auto& document : foreign_documents(file, file.text, findings)) {
      if (document.is_list())
        lists.push_back(document);
      else
        diun.read_settings(document);
    }
  for (const auto& list : lists)
    diun.read_images(list);
  diun.finish();
}

}  // namespace sluice::config
