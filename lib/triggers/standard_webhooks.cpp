#include "triggers/standard_webhooks.hpp"

#include "net/signature.hpp"

#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

std::string seconds(Time at) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count());
}

}  // namespace

std::optional<Secret> signing_key(const Secret& secret) {
  constexpr std::string_view start = "whsec_";
  constexpr std::size_t shortest = 24;
  constexpr std::size_t longest = 64;
  auto text = secret.reveal();
  if (!text.starts_with(start)) return std::nullopt;
  text.remove_prefix(start.size());
  auto key = net::base64_decode(text);
  if (!key || key->size() < shortest || key->size() > longest) return std::nullopt;
  return Secret(std::move(*key));
}

std::string signature(const Secret& key, std::string_view id, Time at, std::string_view body) {
  const auto content = fmt::format("{}.{}.{}", id, seconds(at), body);
  return "v1," + net::base64_encode(net::hmac(net::Hash::sha256, key.reveal(), content));
}

net::Headers signed_headers(const Secret& key, const std::string& id, Time at, std::string_view body) {
  return {{"Content-Type", "application/json"},
          {"webhook-id", id},
          {"webhook-timestamp", seconds(at)},
          {"webhook-signature", signature(key, id, at, body)}};
}

}  // namespace sluice::triggers
