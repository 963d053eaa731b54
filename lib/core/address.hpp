#pragma once
// Where a request comes from: addresses, networks and proxies that may speak for others. Pure.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// IPv4 addresses are kept as IPv6 ones (RFC 4291 2.5.5.2), so both spellings of one are equal.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const Address&) const = default;
  bool is_v4() const;
};
/// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; with brackets or a zone too, but without a port.
std::optional<Address> parse_address(std::string_view text);

struct Network {
  Address address;
  int bits = 128;
  bool contains(const Address& one) const;
  bool operator==(const Network&) const = default;
};
/// "192.0.2.0/24", "2001:db8::/32" or one address. Nullopt when malformed, or when bits are set behind the
/// prefix.
std::optional<Network> parse_network(std::string_view text);

bool contains(const std::vector<Network>& networks, const Address& one);

/// Who sent a request that came from `peer`. A peer in `proxies` speaks for the last address in
/// X-Forwarded-For that is not itself a proxy; from anybody else that header means nothing.
std::optional<Address> source_of(std::string_view peer, const std::vector<std::string>& forwarded_for,
                                 const std::vector<Network>& proxies);

/// Whom a rate limit counts: an IPv4 address, or the /64 of an IPv6 one, which one customer has.
std::string rate_key(const Address& one);

}  // namespace sluice
