#pragma once
// The steps of reading a file. Private to the room.

#include "config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A configuration in the making: what was understood so far, and where it stands in the file. A part that
/// was not understood is left empty, so that what holds between the others can still be checked.
struct Draft {
  struct PipelineAt {
    Position name, upstream, staging, to, stable_tag;
  };
  struct DependentAt {
    Position name, image;
    std::vector<Position> from;  // as long as Dependent::from
  };

  Config config;
  std::vector<PipelineAt> pipelines_at;    // as long as config.pipelines
  std::vector<DependentAt> dependents_at;  // as long as config.dependents
  bool all_targets_known = true;           // false when a promotion was not understood
};

void read_store(Section section, Config& config);
void read_server(Section section, Config& config, const SecretSources& secrets);
void read_webhook_server(Section section, Config& config, const SecretSources& secrets);
void read_webhooks(Section& root, Config& config, const Parts& parts);
void read_engine(Section section, Config& config);
void read_log(Section section, Config& config);
void read_tools(Section section, Config& config);
/// The section under `auth`.
void read_auth(Section auth, Registry& registry);
/// Where logins of other tools are, beside the registries' own settings.
void read_docker_config(Section& root, Config& config);
/// proxy and transfer.
void read_network(Section& root, Config& config);
/// What a registry has of the kind: trusted_hosts, proxy, bandwidth.
void read_network(Section& section, Registry& registry);
/// What a registry has of budget and mirrors.
void read_pulls(Section& section, Registry& registry);
/// That registries do not stand in for each other in a circle.
void check_mirrors(Section& root, const Config& config);
void read_registries(Section& root, Config& config, const SecretSources& secrets);
/// The mapping under `poll`; what it does not say is as in `poll`.
Poll read_poll(Section section, Poll poll, const SecretSources& secrets);
/// After the registries, whose pace a pipeline takes over.
void read_pipelines(Section& root, Draft& draft, const Parts& parts, const SecretSources& secrets);
/// The section under `upstream` of a pipeline that is a set of tags.
void read_set(Section upstream, Pipeline& pipeline);
/// `staging`, after the upstream: with the upstream's tag for {tag}, which stays there for a set.
void read_staging(Section& section, Pipeline& pipeline);
/// Puts the upstream's tag for {tag} in the tags that are promoted to; of a set checks that it may come
/// later.
void fill_tags(Section& promote, Pipeline& pipeline);
void read_dependents(Section& root, Draft& draft, const Parts& parts);

/// What must hold between the parts: names, targets, bases, loops.
void check_rules(Section& root, const Draft& draft);

/// A duration within limits.
Milliseconds duration_between(Section& section, const std::string& key, Milliseconds fallback,
                              Milliseconds least, Milliseconds most);
/// One of a few words.
std::string choice(Section& section, const std::string& key, std::string fallback,
                   const std::vector<std::string>& words);

/// Up to 64 letters, digits, '-', '_' and '.', beginning with a letter or digit.
bool is_name(std::string_view name);

/// Whether a text is that of a port, 0 included.
bool is_port(std::string_view text);
/// A host[:port] as image names have it: without scheme and path.
bool is_host(const std::string& host);

/// "localhost", 127.0.0.0/8 or "[::1]", with or without a port.
bool is_loopback(std::string_view host);

}  // namespace sluice::config
