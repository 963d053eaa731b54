#include "watch/jwks.hpp"

#include "core/error.hpp"
#include "watch/hook.hpp"
#include "watch/payload.hpp"

#include <algorithm>

namespace sluice::watch {
namespace {

constexpr std::size_t most_keys = 64;
constexpr std::size_t longest_token = 16 * 1024;

// RFC 4648 5, without padding.
std::string from_base64url(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  auto bytes = net::base64_decode(standard);
  if (!bytes || text.find('=') != std::string_view::npos)
    throw Error(ErrorKind::invalid, "this is not base64url");
  return std::move(*bytes);
}

// A NumericDate (RFC 7519 2).
std::optional<Time> time_at(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  const auto seconds = found->get<double>();
  if (!(seconds > 0 && seconds < 1e11)) return std::nullopt;
  return Time(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

// `aud` is a text or a list of texts.
bool is_for(const json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_array())
    return std::any_of(found->begin(), found->end(), [&](const json& each) { return each == audience; });
  return *found == audience;
}

std::string claim_fault(const json& claims, const Oidc& wanted, Time now, Milliseconds leeway) {
  if (!claims.is_object()) return "the token holds no claims";
  const auto is = [&](const char* name, const std::string& value) {
    const auto found = claims.find(name);
    return found != claims.end() && *found == value;
  };
  // Google writes its issuer with and without the scheme.
  const auto scheme = wanted.issuer.find("://");
  const auto bare = scheme == std::string::npos ? wanted.issuer : wanted.issuer.substr(scheme + 3);
  if (!is("iss", wanted.issuer) && !is("iss", bare)) return "the token is of another issuer";
  if (!is_for(claims, wanted.audience)) return "the token is for another audience";
  if (!is("email", wanted.email)) return "the token is of another account";
  const auto verified = claims.find("email_verified");
  if (verified == claims.end() || *verified != true) return "the account of the token is not verified";
  const auto expires = time_at(claims, "exp");
  if (!expires || *expires + leeway < now) return "the token has expired";
  const auto issued = time_at(claims, "iat");
  if (issued && *issued > now + leeway) return "the token is of the future";
  return {};
}

}  // namespace

PublicKeys read_keys(std::string_view text) {
  const auto payload = read_payload(text);
  PublicKeys keys;
  for (const auto& key : Fields(payload, "the key set").objects("keys")) {
    const auto use = key.text("use");
    if (key.text("kty") != "RSA" || (!use.empty() && use != "sig")) continue;
    if (keys.size() >= most_keys) throw Error(ErrorKind::invalid, "the key set has more than 64 keys");
    keys.insert_or_assign(key.text("kid"), net::PublicKey::from_numbers(from_base64url(key.required("n")),
                                                                        from_base64url(key.required("e"))));
  }
  if (keys.empty()) throw Error(ErrorKind::invalid, "the key set has no RSA key for signatures");
  return keys;
}

std::string token_fault(std::string_view token, const Oidc& wanted, const PublicKeys& keys, Time now,
                        Milliseconds leeway) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (token.size() > longest_token || second == std::string_view::npos ||
      token.find('.', second + 1) != std::string_view::npos)
    return "there is no token";
  try {
    const auto header = read_payload(from_base64url(token.substr(0, first)));
    const Fields fields(header, "the token's header");
    // Whatever else it names, "none" and keyed hashes before all, is not what these keys are for.
    if (fields.text("alg") != "RS256" || fields.has("crit")) return "the token is not signed by RS256";
    const auto key = keys.find(fields.text("kid"));
    if (key == keys.end()) return "the token is signed by an unknown key";
    const auto signature = from_base64url(token.substr(second + 1));
    if (!key->second.verifies(net::Hash::sha256, token.substr(0, second), signature))
      return "the token's signature is wrong";
    const auto claims = read_payload(from_base64url(token.substr(first + 1, second - first - 1)));
    return claim_fault(claims, wanted, now, leeway);
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace sluice::watch
