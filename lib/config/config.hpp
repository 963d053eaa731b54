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

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
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
  bool plain_http = false;
  /// "host" or "host:port": may be in a private network when this registry sends us there.
  std::vector<std::string> trusted_hosts;
  /// For it and all that it sends us to: nullopt as for everything else, an empty `url` for none.
  std::optional<Proxy> proxy;
  std::uint64_t bandwidth = 0;  // bytes per second, 0: no limit of its own
  Poll poll;
  int concurrency = 4;
};

struct Check {
  std::string kind;  // "container"
  std::string name;  // `name:` of the entry or the kind
  std::shared_ptr<const Part> part;
};

enum class OnDrift { hold, overwrite };

struct Pipeline {
  std::string name;
  oci::Reference upstream;  // repository and tag
  oci::Repository staging;
  std::vector<Check> checks;
  oci::Repository target;
  std::string stable_tag;  // "9-alpine"
  std::string unique_tag;  // "9-alpine-{run}", must contain {run}
  oci::Platform platform;  // shown, and used by checks
  Poll poll;               // its own, or the registry's
  OnDrift on_drift = OnDrift::hold;
  Position at;
  /// Tag for a run, with {run} replaced.
  std::string unique_tag_for(const std::string& run) const;
};

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

  const Pipeline* pipeline(const std::string& name) const;
  const Dependent* dependent(const std::string& name) const;
  const Webhook* webhook(const std::string& name) const;
  /// Settings for a host, defaults when it is not listed.
  Registry registry(const std::string& host) const;
  /// Whether a registry is spoken to without TLS: where configured, or a loopback host without a configured
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
