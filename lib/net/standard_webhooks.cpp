#include "net/standard_webhooks.hpp"

#include "net/signature.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <spdlog/fmt/fmt.h>

namespace sluice::net::standard_webhooks {
namespace {

constexpr std::string_view key_start = "whsec_";
constexpr std::size_t shortest_key = 24;
constexpr std::size_t longest_key = 64;
constexpr const char* id_header = "webhook-id";
constexpr const char* timestamp_header = "webhook-timestamp";
constexpr const char* signature_header = "webhook-signature";
// A sender that changes its key signs with both for a while.
constexpr int most_signatures = 8;
constexpr std::int64_t latest_second = 100'000'000'000;

std::string text_in(const Headers& headers, const char* name) {
  return headers.get(name).value_or("");
}

}  // namespace

std::optional<Secret> key_of(const Secret& secret) {
  auto text = secret.reveal();
  if (text.starts_with(key_start)) text.remove_prefix(key_start.size());
  auto key = base64_decode(text);
  if (!key || key->empty()) return std::nullopt;
  return Secret(std::move(*key));
}

std::optional<Secret> signing_key(const Secret& secret) {
  if (!secret.reveal().starts_with(key_start)) return std::nullopt;
  auto key = key_of(secret);
  if (!key || key->reveal().size() < shortest_key || key->reveal().size() > longest_key) return std::nullopt;
  return key;
}

std::string signature(const Secret& key, std::string_view id, std::string_view timestamp,
                      std::string_view body) {
  const auto content = fmt::format("{}.{}.{}", id, timestamp, body);
  return "v1," + base64_encode(hmac(Hash::sha256, key.reveal(), content));
}

Headers signed_headers(const Secret& key, const std::string& id, Time at, std::string_view body) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
  const auto timestamp = std::to_string(seconds);
  return {{id_header, id},
          {timestamp_header, timestamp},
          {signature_header, signature(key, id, timestamp, body)}};
}

bool is_signed(const Secret& key, const Headers& headers, std::string_view body) {
  const auto id = text_in(headers, id_header);
  const auto given = text_in(headers, signature_header);
  const auto wanted = signature(key, id, text_in(headers, timestamp_header), body);
  std::string_view rest = given;
  bool good = false;
  for (int i = 0; i < most_signatures && !rest.empty(); ++i) {
    const auto end = std::min(rest.find(' '), rest.size());
    good = equal_secret(rest.substr(0, end), wanted) || good;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return good && !id.empty();
}

std::optional<Time> signed_at(const Headers& headers) {
  const auto text = text_in(headers, timestamp_header);
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  if (!whole || seconds < 0 || seconds > latest_second) return std::nullopt;
  return Time(std::chrono::seconds(seconds));
}

}  // namespace sluice::net::standard_webhooks
