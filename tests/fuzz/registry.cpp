// What registries, token services, clouds and credential helpers answer.

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/fields.hpp"
#include "net/head.hpp"
#include "registry/answer.hpp"
#include "registry/blob.hpp"
#include "registry/challenge.hpp"
#include "registry/cloud.hpp"
#include "registry/credential_helper.hpp"
#include "registry/docker_config.hpp"
#include "registry/ecr.hpp"
#include "registry/endpoint.hpp"
#include "registry/layout.hpp"
#include "registry/link.hpp"
#include "registry/location.hpp"
#include "registry/place.hpp"
#include "registry/referrers.hpp"
#include "registry/tags.hpp"
#include "registry/token.hpp"
#include "registry/upload_send.hpp"
#include "registry/warnings.hpp"
#include "target.hpp"

#include <algorithm>

using namespace sluice;
using namespace sluice::fuzz;

namespace {

const Time now{std::chrono::seconds(1'800'000'000)};

registry::Endpoint example() {
  registry::Access access;
  access.credentials = registry::Credentials{"user", Secret("password")};
  return registry::endpoint_of("registry.example.com", access);
}

std::string written(const registry::Challenge& challenge) {
  std::string text = challenge.scheme;
  std::string_view separator = " ";
  for (const auto& [name, value] : challenge.parameters) {
    text += std::string(separator) + name + "=\"";
    for (const char c : value)
      text += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    text += '"';
    separator = ", ";
  }
  return text;
}

bool can_be_sent(const Secret& secret) {
  return net::is_field_value(secret.reveal());
}

}  // namespace

// Values of WWW-Authenticate, one a line.
SLUICE_FUZZ_TARGET(registry_challenge) {
  const auto challenges = registry::parse_challenges(lines_of(input, 8));
  HOLDS(challenges.size() <= 16);
  std::vector<std::string> lines;
  for (const auto& challenge : challenges) {
    HOLDS(challenge.parameters.size() <= 32);
    lines.push_back(written(challenge));
  }
  HOLDS(registry::parse_challenges(lines) == challenges);
  const auto chosen = registry::choose_challenge(challenges);
  if (!chosen) return;
  HOLDS(chosen->scheme == "basic" || (chosen->scheme == "bearer" && chosen->get("realm")));
  if (chosen->scheme == "basic") return;
  const auto request =
      attempt([&] { return registry::token_request(example(), *chosen, {"repository:a:pull"}); });
  // The registry speaks TLS, so nothing goes out without it.
  if (request) HOLDS(request->url.scheme == "https" && request->realm.scheme == "https");
}

// Values of Link, one a line.
SLUICE_FUZZ_TARGET(registry_link) {
  const auto link = registry::next_link(lines_of(input, 8));
  if (!link) return;
  HOLDS(link->find('>') == std::string::npos);
  const auto page = net::Url::parse("https://registry.example.com/v2/library/node/tags/list");
  if (const auto next = attempt([&] { return page.resolve(*link); })) HOLDS(next->target.starts_with('/'));
}

// Location, Range and Content-Range a line each.
SLUICE_FUZZ_TARGET(registry_upload) {
  auto rest = input;
  const auto location = take_line(rest);
  const auto range = std::string(take_line(rest));
  const auto content_range = std::string(take_line(rest));
  const auto endpoint = example();
  const auto answered = net::Url::parse("https://registry.example.com/v2/team/app/blobs/uploads/");
  if (const auto url = attempt([&] { return registry::upload_location(endpoint, answered, location); })) {
    HOLDS(url->scheme == "https");
    const auto closed = registry::with_digest(*url, oci::Digest::of("x"));
    HOLDS(closed.target.starts_with(url->target) && closed.same_origin(*url));
    HOLDS(net::Url::parse(closed.text()) == closed);
  }
  static_cast<void>(registry::bytes_held(range));
  if (registry::continues_at(content_range, 7, 10)) HOLDS(content_range.find('7') != std::string::npos);
}

// A whole HTTP answer: what it means as an error.
SLUICE_FUZZ_TARGET(registry_answer) {
  const auto size = net::head_size(input);
  if (!size) return;
  const auto head = attempt([&] { return net::parse_response_head(input.substr(0, *size)); });
  if (!head) return;
  const auto body = input.substr(*size, registry::max_error_body);
  const auto wait = net::retry_after(head->headers, now, registry::max_retry_after);
  HOLDS(!wait || (wait->count() >= 0 && *wait <= registry::max_retry_after));
  static_cast<void>(registry::error_codes(body));
  HOLDS(is_showable(registry::quoted_beginning(body)));
  const auto type = registry::content_type(head->headers);
  HOLDS(type == lower(type) && type.find(';') == std::string::npos);
  registry::Warnings warnings;
  for (const auto& text : warnings.news("registry.example.com", head->headers))
    HOLDS(is_showable(text));
  HOLDS(warnings.news("registry.example.com", head->headers).empty());
  const auto error =
      registry::error_from("manifest 9 of registry.example.com/app", head->status, head->headers, body, now);
  HOLDS(refuses([&]() -> int { throw error; }));
  HOLDS(error.retry_after().value_or(Milliseconds(0)) <= registry::max_retry_after);
}

SLUICE_FUZZ_TARGET(registry_tags) {
  const auto tags = attempt([&] { return registry::parse_tags(input); });
  if (tags) HOLDS(std::ranges::all_of(*tags, oci::is_valid_tag));
}

// An index of referrers, "\n---\n", and a manifest that is to be listed in it.
SLUICE_FUZZ_TARGET(registry_referrers) {
  auto rest = input;
  const auto index = std::string(take_until(rest, "\n---\n"));
  const std::string manifest(rest);
  const auto digest = oci::Digest::of(manifest);
  HOLDS(oci::is_valid_tag(registry::referrers_tag(digest)));
  const std::string type(oci::media_type::oci_manifest);
  const auto with = attempt([&] { return registry::with_referrer(index, digest, manifest, type); });
  if (!with) return;
  HOLDS(registry::with_referrer(*with, digest, manifest, type) == *with);
  const auto listed = oci::parse_manifest(*with, oci::media_type::oci_index).manifests;
  HOLDS(std::ranges::any_of(listed, [&](const auto& entry) { return entry.digest == digest; }));
}

// index.json of a layout to which an image is added.
SLUICE_FUZZ_TARGET(registry_layout_index) {
  const auto digest = oci::Digest::of("x");
  const auto add = [&](const std::string& index) {
    return registry::with_entry(index, "9-alpine", digest, std::string(oci::media_type::oci_manifest), 1);
  };
  const auto with = attempt([&] { return add(std::string(input)); });
  if (!with) return;
  HOLDS(add(*with) == *with);
  const auto manifest = attempt([&] { return oci::parse_manifest(*with, oci::media_type::oci_index); });
  // More than what is read may be there already; everything else must be a good index again.
  if (manifest)
    HOLDS(
        std::ranges::any_of(manifest->manifests, [&](const auto& entry) { return entry.digest == digest; }));
}

SLUICE_FUZZ_TARGET(registry_docker_config) {
  const auto config = attempt([&] { return registry::parse_docker_config(input, "config.json"); });
  if (!config) return;
  for (const auto& auth : config->auths) {
    const auto& key = auth.first;
    const auto& entry = auth.second;
    HOLDS(registry::registry_key(key) == key);
    HOLDS(!entry.credentials || entry.trouble.empty());
    static_cast<void>(attempt([&] { return registry::find_auth(*config, key, "team/app"); }));
    const auto helper = attempt([&] { return registry::find_helper(*config, key); });
    HOLDS(!helper || helper->empty() || registry::is_helper_name(*helper));
  }
  const registry::Credentials login{.username = "user", .password = Secret("pass:word")};
  const auto with = registry::with_login(input, "config.json", "registry.example.com", login);
  HOLDS(registry::find_auth(registry::parse_docker_config(with, "config.json"), "registry.example.com", "") ==
        login);
  const auto without = registry::without_login(with, "config.json", "registry.example.com");
  HOLDS(without && !registry::find_auth(registry::parse_docker_config(*without, "config.json"),
                                        "registry.example.com", ""));
}

// What `docker-credential-x get` printed; an exit code 1 when it begins with '!'.
SLUICE_FUZZ_TARGET(registry_helper_answer) {
  ProcessResult result;
  result.exit_code = input.starts_with('!') ? 1 : 0;
  result.standard_output = std::string(input.substr(result.exit_code == 0 ? 0 : 1));
  result.output = result.standard_output;
  const auto credentials = attempt([&] { return registry::read_helper_answer("pass", result); });
  if (credentials && *credentials) HOLDS(result.exit_code == 0);
}

SLUICE_FUZZ_TARGET(registry_token) {
  for (const auto at : {std::optional<Time>(), std::optional<Time>(now)}) {
    const auto token = attempt([&] { return registry::parse_token(input, at); });
    if (!token) continue;
    HOLDS(!token->value.empty() && can_be_sent(token->value));
    HOLDS(token->lifetime.count() > 0 && token->lifetime <= std::chrono::hours(24 * 366));
  }
}

// Identity services of clouds: JSON with a secret, a login of Amazon ECR, the name of an ECR host.
SLUICE_FUZZ_TARGET(registry_cloud) {
  for (const char* member : {"access_token", "AccessKeyId", "refresh_token"})
    if (const auto secret =
            attempt([&] { return registry::secret_in(input, member, "the metadata service"); }))
      HOLDS(!secret->empty() && can_be_sent(*secret));
  const auto lifetime = registry::lifetime_in(input);
  HOLDS(lifetime >= std::chrono::minutes(1) && lifetime <= std::chrono::hours(24));
  if (const auto login = attempt([&] { return registry::parse_ecr_answer(input, now); }))
    HOLDS(login->credentials.has_basic() && login->lifetime.count() > 0);
  if (const auto host = registry::parse_ecr_host(input)) {
    HOLDS(host->account.size() == 12);
    HOLDS(net::Url::parse("https://" + host->api + "/").host == host->api);
  }
}

SLUICE_FUZZ_TARGET(registry_place) {
  const auto place = attempt([&] { return registry::Place::parse(input); });
  if (!place) return;
  const auto again = registry::Place::parse(place->text());
  HOLDS(again.kind == place->kind && again.repository == place->repository && again.path == place->path);
  HOLDS(again.tag == place->tag && again.digest == place->digest);
}
