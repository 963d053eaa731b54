#pragma once
// The typed configuration (sluice.yaml). Immutable once loaded; a reload makes a new one.

#include "config/diagnostics.hpp"
#include "config/section.hpp"
#include "core/address.hpp"
#include "core/clock.hpp"
#include "core/cron.hpp"
#include "core/secret.hpp"
#include "oci/platform.hpp"
#include "oci/reference.hpp"
#include "oci/tag_filter.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Base of what rooms above make out of their part of the file (a check, a trigger).
class Part {
 public:
  virtual ~Part() = default;
};

/// The parts that are known by name: `container: {...}` under checks is parsed by checks["container"].
using ParsePart = std::function<std::shared_ptr<const Part>(Section&)>;
struct Parts {
  std::map<std::string, ParsePart> checks;
  std::map<std::string, ParsePart> triggers;
  /// An entry of `webhooks:`. Empty: webhooks are refused.
  ParsePart webhook = {};
};

/// `auth: {azure: {...}}`, `auth: {aws: {}}`, `auth: {google: {...}}`: the machine's own identity in its
/// cloud.
struct CloudIdentity {
  enum class Kind { none, azure, aws, google };
  Kind kind = Kind::none;
  std::string client_id;  // azure
  std::string tenant;     // azure
  std::string account;    // google
};

/// How to reach what is outside; an empty `url` is none.
struct Proxy {
  std::string url;  // "http://proxy.example.com:3128", socks5 or socks5h; without credentials
  std::string username;
  Secret password;
};

/// `proxy: {...}`: instead of what the environment says.
struct Proxies {
  Proxy https;
  Proxy http;
  std::vector<std::string> no_proxy;
};

/// `budget: 100/6h`: how many requests a registry gets in a time.
struct Budget {
  std::int64_t count = 0;
  Milliseconds period{};
  bool counts_all = false;  // every request instead of pulls (GETs of manifests)
};

/// Stands in for a registry where content is asked for by digest.
struct Mirror {
  std::string host;
  std::string path;   // put before the repository's own; may be empty
  bool tags = false;  // also asked what tags name and what refers to images, while the registry cannot be
  Position at;
};

/// `poll: {...}`: when an upstream tag is looked at.
struct Poll {
  /// The fastest pace; without meaning where there is a `cron`.
  Milliseconds every{std::chrono::minutes(15)};
  /// False: always `every`.
  bool adaptive = true;
  /// The slowest pace, of tags that seldom move; as said in the file.
  std::optional<Milliseconds> slowest = {};
  /// At these times instead.
  std::optional<Cron> cron = {};
  /// Of `cron`; never null.
  std::shared_ptr<const TimeZone> zone = std::make_shared<const TimeZone>(TimeZone::utc());

  /// The slowest pace that is used. Unless it was said: four times `every`, at most an hour, and never faster
  /// than `every`.
  Milliseconds slowest_pace() const;
  bool operator==(const Poll& other) const;
};

struct Registry {
  std::string host;
  std::string username;
  Secret password;
  CloudIdentity identity;            // instead of username and password
  std::string ca, certificate, key;  // paths, empty when not set
  std::optional<bool> plain_http;    // `http`; nullopt: on loopback, unless there is a CA
  /// "host" or "host:port": may be in a private network when this registry sends us there.
  std::vector<std::string> trusted_hosts;
  /// For it and all that it sends us to: nullopt as for everything else, an empty `url` for none.
  std::optional<Proxy> proxy;
  std::uint64_t bandwidth = 0;  // bytes per second, 0: no limit of its own
  Poll poll;
  int concurrency = 4;  // looks at once
  int transfers = 16;   // blobs on their way from and to it at once
  std::optional<Budget> budget;
  std::vector<Mirror> mirrors;  // in the order in which they are asked
};

struct Check {
  std::string kind;  // "container"
  std::string name;  // `name:` of the entry or the kind
  std::shared_ptr<const Part> part;
  std::string written = {};  // the entry as the file has it, without comments
};

enum class OnDrift { hold, overwrite };

/// Which tags of its upstream's repository a pipeline watches, when it is a set of tags.
struct TagSet {
  enum class Order { version, created };
  oci::TagFilter filter{oci::TagRules{}};
  std::size_t newest = 0;  // only so many of those that the filter accepts; 0: all
  Order by = Order::version;
  std::size_t limit = 100;  // more are not watched without being asked for: that is told instead
  /// Whether the tags that the first list shows are brought in; else only what comes or changes later.
  bool initial = true;
  bool operator==(const TagSet& other) const;
};

/// A pipeline watches one tag, or is a set: then each tag that it watches is a member, which is a pipeline of
/// its own with the key "<pipeline>:<tag>" (no name has a colon). Runs, observations, promotions, holds and
/// looks are kept under the name or the key.
struct Pipeline {
  std::string name;         // of a member: its key
  oci::Reference upstream;  // repository and tag; of a set without a tag
  oci::Repository staging;  // of a set {tag} may be in its path, once
  std::vector<Check> checks;
  oci::Repository target;
  std::string stable_tag;  // "9-alpine"; of a set with one {tag} in it
  std::string unique_tag;  // "9-alpine-{run}", must contain {run}; of a set {tag} may be in it
  std::shared_ptr<const TagSet> tags = nullptr;  // null unless it is a set
  oci::Platform platform;                        // shown, and used by checks
  Poll poll;                                     // its own, or the registry's
  OnDrift on_drift = OnDrift::hold;
  bool referrers = true;  // signatures, SBOMs and attestations come along
  Position at = {};
  /// Of a set: the stable tag of the member `tag`.
  std::string stable_tag_of(const std::string& tag) const;
  /// Tag for a run, with {run} replaced.
  std::string unique_tag_for(const std::string& run) const;
  bool is_set() const { return tags != nullptr; }
  /// Of a set: the pipeline of one tag.
  Pipeline member(const std::string& tag) const;
  /// Of a set: the tag whose member promotes to this stable tag; nullopt when the filter takes no such tag.
  std::optional<std::string> tag_behind(const std::string& stable) const;
  /// Of a set with {tag} in `staging`: the tag whose member is staged in this repository; nullopt when the
  /// filter takes no such tag.
  std::optional<std::string> tag_staged_in(const oci::Repository& repository) const;
  /// Whether `staging` can be a repository: a tag may hold what a path may not (upper case, for instance).
  bool can_be_staged() const { return oci::is_valid_path(staging.path); }
};

/// "node" and "20.1" are "node:20.1".
std::string member_key(std::string_view set, std::string_view tag);
struct MemberKey {
  std::string_view set;
  std::string_view tag;
};
/// Nullopt for the name of a pipeline. The views are into `key`.
std::optional<MemberKey> split_key(std::string_view key);

struct Dependent {
  std::string name;  // last component of the image unless given; the task name of its runs
  oci::Reference image;
  std::vector<oci::Reference> from;  // promoted tags or images of other dependents
  std::string trigger_kind;
  std::shared_ptr<const Part> trigger;
  oci::Platform platform;
  Milliseconds confirm_within{std::chrono::hours(1)};
  Position at;
};

/// A program of the machine that sluice calls: `tools: {container: {program: podman, arguments: [...],
/// environment: {...}}}`.
struct Tool {
  std::string program;
  /// Global arguments, put right after the subcommand ("run", "build", "push").
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
};

/// One sender of webhooks; its address is /hooks/<name>.
struct Webhook {
  std::string name;
  std::shared_ptr<const Part> part;  // watch::Hook
  Position at;
};

/// Where webhooks are received.
struct WebhookServer {
  std::string listen = "0.0.0.0:8481";  // empty: nowhere
  std::string url;  // what senders reach it by, without a slash at the end; empty: unknown
  /// Paths of PEM files, both empty for plain HTTP, and what they held when the configuration was read.
  std::string certificate, key;
  std::string certificate_pem;
  Secret key_pem;
  std::vector<Network> trusted_proxies;  // whose X-Forwarded-For is believed
  int connections = 512;
  int rate = 200;  // requests of one address in a second
};

struct Config {
  std::filesystem::path file;
  std::filesystem::path store_path = "/var/lib/sluice/sluice.db";
  Milliseconds keep_runs{std::chrono::days(365)};
  std::string api_listen = "127.0.0.1:8480";  // empty: no TCP listener
  std::filesystem::path api_socket = "/run/sluice/sluice.sock";
  WebhookServer webhook_server;
  std::vector<Webhook> webhooks;
  Milliseconds drain{std::chrono::seconds(30)};
  std::string log_level = "info";
  std::string log_format = "auto";
  std::optional<Proxies> proxy;  // nullopt: from the environment
  std::uint64_t bandwidth = 0;   // bytes per second of all transfers, 0: no limit
  bool foreign_layers = false;   // copies bring along layers that live elsewhere by their own word
  std::map<std::string, Registry> registries;
  std::string docker_config =
      "none";  // where logins of docker and podman are looked for: none, auto, or a file
  std::vector<Pipeline> pipelines;
  std::vector<Dependent> dependents;
  Tool container{
      .program = "podman", .arguments = {}, .environment = {}};  // runs images for the container check
  Tool builder{.program = "buildah", .arguments = {}, .environment = {}};  // builds for the buildah trigger
  int jobs = 8;                                                            // engine: jobs at once
  Milliseconds lease{std::chrono::minutes(2)};
  Milliseconds retry_first{std::chrono::seconds(2)};
  Milliseconds retry_most{std::chrono::minutes(5)};
  int retry_attempts = 12;
  std::vector<std::uint32_t> by_name;  // places in `pipelines`, ordered by their names; see index()

  /// As configured: one tag or a set.
  const Pipeline* pipeline(std::string_view name) const;
  /// What a name or key stands for, if it watches one tag: a pipeline of one tag, or what a set makes of the
  /// tag, whether or not it is a member now. Nullopt for a set itself.
  std::optional<Pipeline> watched(std::string_view key) const;
  /// Has pipelines found by name in O(log n) from now on; without it, and for what was added since, one after
  /// the other is looked at. load() does it.
  void index();
  const Dependent* dependent(const std::string& name) const;
  const Webhook* webhook(const std::string& name) const;
  /// Settings for a host, defaults when it is not listed.
  Registry registry(const std::string& host) const;
  /// Whether a registry is spoken to without TLS: as configured, else a loopback host without a configured
  /// CA.
  bool plain_http(const std::string& host) const;
};

struct Loaded {
  std::shared_ptr<const Config> config;  // null when there are errors
  Diagnostics diagnostics;
};

/// Reads and checks a file. Never throws for what the file holds; an unreadable file is a diagnostic without
/// position.
Loaded load(const std::filesystem::path& file, const Parts& parts, const SecretSources& secrets);
/// The same from text, for tests.
Loaded parse(const std::string& text, const std::filesystem::path& file, const Parts& parts,
             const SecretSources& secrets);

}  // namespace sluice::config
