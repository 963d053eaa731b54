#include "core/address.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace sluice {
namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t longest_address = 45;
constexpr std::size_t most_hops = 32;

bool bit(const Address& address, int index) {
  return (address.bytes[static_cast<std::size_t>(index / 8)] >> (7 - index % 8) & 1) != 0;
}

// Hops of X-Forwarded-For, as some proxies write them: with a port.
std::optional<Address> parse_hop(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('[')) return parse_address(text.substr(0, text.find(']') + 1));
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return parse_address(text);
}

}  // namespace

bool Address::is_v4() const {
  return std::equal(mapped.begin(), mapped.end(), bytes.begin());
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  text = text.substr(0, text.find('%'));
  // inet_pton() would not look behind a NUL.
  if (text.size() > longest_address || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string name(text);
  Address address;
  in_addr four{};
  if (::inet_pton(AF_INET, name.c_str(), &four) == 1) {
    std::copy(mapped.begin(), mapped.end(), address.bytes.begin());
    std::memcpy(address.bytes.data() + mapped.size(), &four, 4);
    return address;
  }
  if (::inet_pton(AF_INET6, name.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

bool Network::contains(const Address& one) const {
  for (int i = 0; i < bits; ++i)
    if (bit(address, i) != bit(one, i)) return false;
  return true;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network{.address = *address, .bits = 128};
  if (slash != std::string_view::npos) {
    const auto number = text.substr(slash + 1);
    int bits = -1;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), bits);
    const bool v4 = address->is_v4() && text.find(':') == std::string_view::npos;
    if (read.ec != std::errc() || read.ptr != number.data() + number.size() || bits < 0 ||
        bits > (v4 ? 32 : 128))
      return std::nullopt;
    network.bits = v4 ? bits + 96 : bits;
  }
  for (int i = network.bits; i < 128; ++i)
    if (bit(network.address, i)) return std::nullopt;
  return network;
}

bool contains(const std::vector<Network>& networks, const Address& one) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(one); });
}

std::optional<Address> source_of(std::string_view peer, const std::vector<std::string>& forwarded_for,
                                 const std::vector<Network>& proxies) {
  auto source = parse_address(peer);
  std::size_t hops = 0;
  for (auto line = forwarded_for.rbegin(); line != forwarded_for.rend(); ++line) {
    std::string_view rest = *line;
    while (true) {
      if (!source || !contains(proxies, *source) || ++hops > most_hops) return source;
      const auto comma = rest.rfind(',');
      const auto hop = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
      const auto next = parse_hop(hop);
      if (!next) return source;
      source = next;
      if (comma == std::string_view::npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return source;
}

std::string rate_key(const Address& one) {
  const std::size_t size = one.is_v4() ? 16 : 8;
  return {reinterpret_cast<const char*>(one.bytes.data()), size};
}

}  // namespace sluice
