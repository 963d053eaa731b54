#include "watch/proof.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/signature.hpp"
#include "net/standard_webhooks.hpp"
#include "watch/jwks.hpp"
#include "watch/payload.hpp"
#include "watch/sns.hpp"

#include <algorithm>

namespace sluice::watch {
namespace {

// Amazon advises to take no message that is older than an hour; a repeat keeps its time.
constexpr Milliseconds sns_window = std::chrono::hours(1);

bool is_scheme(std::string_view header, std::string_view scheme) {
  return header.size() > scheme.size() && header[scheme.size()] == ' ' &&
         lower(header.substr(0, scheme.size())) == scheme;
}

bool holds_bearer(const Hook& hook, const std::string& authorization) {
  constexpr std::string_view scheme = "bearer";
  return is_scheme(authorization, scheme) &&
         net::equal_secret(std::string_view(authorization).substr(scheme.size() + 1), hook.bearer.reveal());
}

bool holds_basic(const Hook& hook, const std::string& authorization) {
  constexpr std::string_view scheme = "basic";
  if (!is_scheme(authorization, scheme)) return false;
  const auto given = net::base64_decode(std::string_view(authorization).substr(scheme.size() + 1));
  const auto wanted = hook.username + ":" + std::string(hook.password.reveal());
  return given && net::equal_secret(*given, wanted);
}

bool holds_signature(const Signature& how, const Secret& secret, const Attempt& attempt) {
  const auto code = net::hmac(how.hash, secret.reveal(), attempt.body);
  const auto wanted = how.prefix + (how.base64 ? net::base64_encode(code) : net::hex_encode(code));
  bool good = false;
  for (const auto& name : how.headers) {
    const auto given = attempt.headers.get(name);
    if (!given) continue;
    const bool plain = net::equal_secret(*given, secret.reveal());
    // Hexadecimal digits may come in either case.
    const bool hashed =
        net::equal_secret(how.base64 ? *given : lower(*given), how.base64 ? wanted : lower(wanted));
    if (how.kind != Signature::Kind::hmac) good = good || plain;
    if (how.kind != Signature::Kind::plain) good = good || hashed;
  }
  return good;
}

bool is_stale(Time at, Time now, Milliseconds window) {
  return at + window < now || at > now + window;
}

Verdict refused(std::string why) {
  return {.result = Verdict::Result::refused, .why = std::move(why), .wants = {}};
}
Verdict stale(std::string why) {
  return {.result = Verdict::Result::stale, .why = std::move(why), .wants = {}};
}
Verdict wanting(std::string url) {
  return {.result = Verdict::Result::wanting, .why = {}, .wants = std::move(url)};
}
Verdict good() {
  return {.result = Verdict::Result::good, .why = {}, .wants = {}};
}

Verdict check_token(const Oidc& oidc, const std::string& authorization, Time now, Milliseconds leeway,
                    const Documents& documents) {
  if (!is_scheme(authorization, "bearer")) return refused("no token");
  const auto document = documents.find(oidc.keys_url);
  if (!oidc.keys_url.empty() && document == documents.end()) return wanting(oidc.keys_url);
  try {
    const auto keys = oidc.keys_url.empty() ? oidc.keys : read_keys(document->second);
    auto fault =
        token_fault(authorization.substr(std::string_view("bearer ").size()), oidc, keys, now, leeway);
    return fault.empty() ? good() : refused(std::move(fault));
  } catch (const Error& error) {
    return refused(error.what());
  }
}

Verdict check_sns(const Hook& hook, const Attempt& attempt, Time now, const Documents& documents) {
  try {
    const auto message = read_sns(attempt.body);
    if (std::find(hook.topics.begin(), hook.topics.end(), message.topic) == hook.topics.end())
      return refused("another topic");
    const auto certificate = documents.find(message.certificate_url);
    if (certificate == documents.end()) return wanting(message.certificate_url);
    if (!is_signed_by(message, certificate->second, now)) return refused("the signature is wrong");
    if (is_stale(message.at, now, std::max(hook.window, sns_window)))
      return stale("the message is older than an hour, or a clock is wrong");
    return good();
  } catch (const Error& error) {
    return refused(error.what());
  }
}

// Everything that is compared with a secret, all of it each time.
bool holds_secrets(const Hook& hook, const Attempt& attempt, const std::string& authorization) {
  bool holds = true;
  if (!hook.token.empty()) holds = net::equal_secret(attempt.token, hook.token.reveal()) && holds;
  if (!hook.bearer.empty()) holds = holds_bearer(hook, authorization) && holds;
  if (!hook.password.empty()) holds = holds_basic(hook, authorization) && holds;
  if (!hook.header_name.empty())
    holds =
        net::equal_secret(attempt.headers.get(hook.header_name).value_or(""), hook.header_value.reveal()) &&
        holds;
  if (!hook.secret.empty() && hook.sender->signature)
    holds = holds_signature(*hook.sender->signature, hook.secret, attempt) && holds;
  if (hook.hmac) holds = holds_signature(hook.hmac->how, hook.hmac->secret, attempt) && holds;
  if (!hook.standard.empty())
    holds = net::standard_webhooks::is_signed(hook.standard, attempt.headers, attempt.body) && holds;
  return holds;
}

}  // namespace

Verdict check(const Hook& hook, const Attempt& attempt, Time now, const Documents& documents) {
  const auto authorization = attempt.headers.get("Authorization").value_or("");
  if (!holds_secrets(hook, attempt, authorization)) return refused("wrong secret");
  if (!hook.allow_from.empty() && (!attempt.source || !contains(hook.allow_from, *attempt.source)))
    return refused("source address");
  if (!hook.standard.empty()) {
    const auto at = net::standard_webhooks::signed_at(attempt.headers);
    if (!at || is_stale(*at, now, hook.window))
      return stale("webhook-timestamp is outside of the window of " +
                   std::to_string(hook.window.count() / 1000) + " s, or a clock is wrong");
  }
  if (hook.oidc) {
    auto verdict = check_token(*hook.oidc, authorization, now, hook.window, documents);
    if (verdict.result != Verdict::Result::good) return verdict;
  }
  if (!hook.topics.empty()) return check_sns(hook, attempt, now, documents);
  return good();
}

bool hashes_body(const Hook& hook) {
  return (!hook.secret.empty() && hook.sender->signature) || hook.hmac || !hook.standard.empty();
}

void pretend_check(std::string_view body) {
  static const std::string wanted(32, 'x');
  const auto code = net::hmac(net::Hash::sha256, "no such webhook", body);
  [[maybe_unused]] const volatile bool same = net::equal_secret(code, wanted);
}

}  // namespace sluice::watch
