#include "watch/hook.hpp"

#include "config/placeholders.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "net/standard_webhooks.hpp"
#include "net/url.hpp"
#include "oci/reference.hpp"
#include "watch/jwks.hpp"
#include "watch/payload.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::watch {
namespace {

constexpr std::size_t shortest_secret = 8;

// A value that could be guessed is refused: the address is open to the network.
Secret proof(config::Section& section, const std::string& key) {
  auto value = section.secret(key, true);
  const auto text = value.reveal();
  if (!text.empty() && section.knows_secrets() && text.size() < shortest_secret)
    section.error(section.position(key), fmt::format("'{}' is shorter than 8 characters", key),
                  "make one with: openssl rand -hex 32");
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }))
    section.error(section.position(key), fmt::format("'{}' spans several lines", key));
  return value;
}

std::string place_of(config::Section reference) {
  for (const auto& [way, words] : {std::pair("env", "the variable "), std::pair("file", "in the file "),
                                   std::pair("credential", "the credential ")})
    if (reference.has(way)) return words + printable(reference.text(way), 200);
  return "what the configured command prints";
}

Secret read_proof(config::Section& section, const std::string& key, Hook& hook) {
  if (!section.has(key)) return {};
  auto value = proof(section, key);
  if (hook.secret_place.empty() && !value.empty()) hook.secret_place = place_of(section.section(key));
  return value;
}

void read_basic(config::Section& section, Hook& hook) {
  if (!section.has("basic")) return;
  auto basic = section.section("basic");
  hook.username = basic.required_text("username");
  hook.password = read_proof(basic, "password", hook);
  if (!basic.has("password")) basic.error(basic.position(), "'password' is missing");
  basic.done();
}

bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 &&
         lower(name).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
}

std::string header_name(config::Section& section, const std::string& key) {
  auto name = section.required_text(key, "for instance name: X-Api-Key");
  if (!name.empty() && !is_header_name(name))
    section.error(section.position(key), "'" + printable(name, 80) + "' is not the name of a header");
  return name;
}

void read_header(config::Section& section, Hook& hook) {
  if (!section.has("header")) return;
  auto header = section.section("header");
  hook.header_name = header_name(header, "name");
  hook.header_value = read_proof(header, "value", hook);
  if (!header.has("value")) header.error(header.position(), "'value' is missing");
  header.done();
}

std::string word(config::Section& section, const std::string& key, const std::string& fallback,
                 const std::vector<std::string>& words) {
  auto chosen = section.text(key, fallback);
  if (std::find(words.begin(), words.end(), chosen) != words.end()) return chosen;
  section.error(section.position(key), fmt::format("'{}' must be one of {}, not '{}'", key,
                                                   fmt::join(words, ", "), printable(chosen, 80)));
  return fallback;
}

void read_hmac(config::Section& section, Hook& hook) {
  if (!section.has("hmac")) return;
  auto part = section.section("hmac");
  Hmac hmac;
  hmac.how.headers = {header_name(part, "header")};
  const auto hash = word(part, "hash", "sha256", {"sha1", "sha256", "sha512"});
  hmac.how.hash = hash == "sha1" ? net::Hash::sha1 : hash == "sha256" ? net::Hash::sha256 : net::Hash::sha512;
  hmac.how.prefix = part.text("prefix");
  hmac.how.base64 = word(part, "encoding", "hex", {"hex", "base64"}) == "base64";
  hmac.secret = read_proof(part, "secret", hook);
  if (!part.has("secret")) part.error(part.position(), "'secret' is missing");
  part.done();
  hook.hmac = std::move(hmac);
}

void read_standard(config::Section& section, Hook& hook) {
  auto secret = read_proof(section, "standard_webhooks", hook);
  if (secret.empty() || !section.knows_secrets()) {
    hook.standard = std::move(secret);
    return;
  }
  if (auto key = net::standard_webhooks::key_of(secret))
    hook.standard = std::move(*key);
  else
    section.error(section.position("standard_webhooks"), "the secret is not of the form whsec_BASE64");
}

void read_oidc(config::Section& section, Hook& hook) {
  if (!section.has("oidc")) return;
  auto part = section.section("oidc");
  Oidc oidc;
  oidc.issuer = part.text("issuer", "https://accounts.google.com");
  oidc.audience = part.required_text("audience", "the audience of the push subscription");
  oidc.email = part.required_text("email", "the service account of the push subscription");
  oidc.keys_url = part.text("keys_url");
  Secret keys;
  if (part.has("keys")) keys = part.secret("keys", true);
  if (part.has("keys") == part.has("keys_url"))
    part.error(part.position(), "the keys that sign the token are named in one way, 'keys' or 'keys_url'",
               "for Google: keys_url: https://www.googleapis.com/oauth2/v3/certs");
  try {
    if (!keys.empty() && part.knows_secrets()) oidc.keys = read_keys(keys.reveal());
    if (!oidc.keys_url.empty() && net::Url::parse(oidc.keys_url).scheme != "https")
      throw Error(ErrorKind::invalid, "'keys_url' must be https");
  } catch (const Error& error) {
    part.error(part.position(part.has("keys") ? "keys" : "keys_url"), printable(error.what()));
  }
  part.done();
  if (!hook.sender->oidc)
    section.error(section.position("oidc"), fmt::format("{} sends no such token", hook.sender->name));
  hook.oidc = std::move(oidc);
}

void read_topics(config::Section& section, Hook& hook) {
  if (!section.has("sns")) return;
  auto part = section.section("sns");
  hook.topics = part.texts("topics");
  if (hook.topics.empty())
    part.error(part.position("topics"), "'topics' must list the topics that may be subscribed to",
               "for instance topics: [arn:aws:sns:us-west-2:123456789012:ecr-push]");
  for (std::size_t i = 0; i < hook.topics.size(); ++i)
    if (!hook.topics[i].starts_with("arn:aws") ||
        std::count(hook.topics[i].begin(), hook.topics[i].end(), ':') != 5)
      part.error(part.position("topics", i),
                 "'" + printable(hook.topics[i], 100) + "' is not the ARN of a topic");
  part.done();
  if (!hook.sender->sns)
    section.error(section.position("sns"), fmt::format("{} does not come through SNS", hook.sender->name));
}

void read_networks(config::Section& section, Hook& hook) {
  const auto texts = section.texts("allow_from");
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (const auto network = parse_network(texts[i]))
      hook.allow_from.push_back(*network);
    else
      section.error(section.position("allow_from", i),
                    "'" + printable(texts[i], 80) + "' is not an address or a network",
                    "for instance 192.0.2.0/24 or 2001:db8::/32");
}

void read_place(config::Section& section, Hook& hook) {
  hook.reading.registry = section.text("registry", std::string(hook.sender->registry));
  if (hook.sender->needs_registry && !section.has("registry"))
    section.error(
        section.position(),
        fmt::format("'registry' is missing: {} does not say where its images are", hook.sender->name),
        "write it as it stands in image names, for instance registry: registry.example.com");
  if (hook.reading.registry.empty()) return;
  try {
    const auto all = oci::Repository::parse(hook.reading.registry + "/x");
    if (all.text() != hook.reading.registry + "/x" && hook.reading.registry != "docker.io")
      throw Error(ErrorKind::invalid,
                  "'" + printable(hook.reading.registry, 80) + "' is not the name of a registry");
  } catch (const Error& error) {
    section.error(section.position("registry"), printable(error.what()),
                  "write it as it stands in image names, for instance registry.example.com:5000");
  }
}

void read_fields(config::Section& section, Hook& hook) {
  const bool has = section.has("fields");
  if (has && !hook.sender->fields)
    section.error(section.position("fields"), fmt::format("the payloads of {} are known", hook.sender->name),
                  "remove 'fields', or use sender: generic");
  if (has) {
    auto fields = section.section("fields");
    for (const char* name : {"image", "repository", "registry", "tag", "id", "events"}) {
      if (!fields.has(name)) continue;
      auto pointer = fields.text(name);
      if (!is_pointer(pointer))
        fields.error(fields.position(name), "'" + printable(pointer, 80) + "' is not a JSON pointer",
                     "for instance /data/repository; \"\" is the whole payload");
      hook.reading.fields.emplace(name, std::move(pointer));
    }
    fields.done();
  }
  const bool named = hook.reading.fields.contains("image") || hook.reading.fields.contains("repository");
  if (hook.sender->name == "generic" && !named)
    section.error(section.position("fields"), "'fields' must say where the image or the repository is named",
                  "for instance fields: {repository: /repository/name, tag: /tag}");
}

bool has_proof(const Hook& hook, const config::Section& section) {
  for (const char* key :
       {"secret", "token", "bearer", "basic", "header", "standard_webhooks", "hmac", "oidc", "sns"})
    if (section.has(key)) return true;
  return !hook.allow_from.empty();
}

void read_proofs(config::Section& section, Hook& hook) {
  hook.secret = read_proof(section, "secret", hook);
  if (section.has("secret") && !hook.sender->signature)
    section.error(section.position("secret"), fmt::format("{} signs nothing", hook.sender->name),
                  fmt::format("use {}", hook.sender->advice));
  hook.token = read_proof(section, "token", hook);
  hook.bearer = read_proof(section, "bearer", hook);
  read_basic(section, hook);
  read_header(section, hook);
  read_hmac(section, hook);
  read_standard(section, hook);
  read_oidc(section, hook);
  read_topics(section, hook);
  read_networks(section, hook);
  if (!has_proof(hook, section))
    section.error(section.position(), "anybody could send this: no proof is asked for",
                  fmt::format("add {}", hook.sender->advice));
}

const Sender* read_sender(config::Section& section) {
  const auto name = section.required_text("sender", "sender: dockerhub");
  if (const auto* found = sender(name)) return found;
  const auto meant = nearest(name, sender_names());
  if (!name.empty())
    section.error(section.position("sender"), "this version knows no sender '" + printable(name, 80) + "'",
                  meant.empty() ? fmt::format("known: {}", fmt::join(sender_names(), ", "))
                                : "did you mean '" + meant + "'?");
  return nullptr;
}

std::string header_of(const Hook& hook) {
  if (!hook.header_name.empty()) return hook.header_name;
  return hook.sender->signature ? hook.sender->signature->headers.front() : "X-Api-Key";
}

std::string_view steps_for_proof(const Hook& hook) {
  const auto& sender = *hook.sender;
  if (!hook.topics.empty() && !sender.sns_steps.empty()) return sender.sns_steps;
  if (hook.oidc && !sender.oidc_steps.empty()) return sender.oidc_steps;
  if (!hook.token.empty() && !sender.token_steps.empty()) return sender.token_steps;
  return sender.steps;
}

}  // namespace

std::shared_ptr<const config::Part> parse_hook(config::Section& section) {
  auto hook = std::make_shared<Hook>();
  hook->sender = read_sender(section);
  if (!hook->sender) return nullptr;
  read_place(section, *hook);
  read_fields(section, *hook);
  read_proofs(section, *hook);
  hook->window = section.duration("window", hook->window);
  if (hook->window < std::chrono::seconds(1) || hook->window > std::chrono::days(1))
    section.error(section.position("window"), "'window' must be from 1s to 1d");
  const auto rate = section.integer("rate", 200, 1, 1'000'000);
  hook->rate = {.per_second = static_cast<double>(rate), .burst = static_cast<double>(rate) * 10};
  section.done();
  return hook;
}

std::string secret_of(const Hook& hook) {
  if (!hook.secret_place.empty()) return hook.secret_place;
  if (!hook.topics.empty()) return "none: Amazon SNS signs each message, and the signature is checked";
  if (hook.oidc)
    return "none: each delivery brings a token that " + printable(hook.oidc->issuer, 200) +
           " has signed, and the token is checked";
  return "none: the sender is known by its address";
}

std::string steps_of(const Hook& hook, const std::string& url) {
  const config::Values values{{"url", url},
                              {"secret", secret_of(hook)},
                              {"header", header_of(hook)},
                              {"email", hook.oidc ? hook.oidc->email : ""},
                              {"audience", hook.oidc ? hook.oidc->audience : ""},
                              {"topic", hook.topics.size() == 1 ? hook.topics.front() : "TOPIC_ARN"}};
  return config::fill(steps_for_proof(hook), values);
}

const Hook& hook_of(const config::Webhook& entry) {
  return static_cast<const Hook&>(*entry.part);
}

}  // namespace sluice::watch
