#include "net/reach.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <initializer_list>
#include <netinet/in.h>

#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace ip = boost::asio::ip;
using Bytes = ip::address_v6::bytes_type;

struct Range4 {
  std::uint32_t base;
  int bits;
  AddressClass kind;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return (a << 24U) | (b << 16U) | (c << 8U) | d;
}

// The first that fits counts. IANA IPv4 Special-Purpose Address Registry, and the metadata services that are
// at addresses of their own: Alibaba Cloud (100.100.100.200), Oracle Cloud (192.0.0.192), Azure's WireServer
// (168.63.129.16); 169.254.169.254 is that of most others.
constexpr Range4 ranges4[] = {
    {v4(169, 254, 169, 254), 32, AddressClass::metadata},
    {v4(100, 100, 100, 200), 32, AddressClass::metadata},
    {v4(192, 0, 0, 192), 32, AddressClass::metadata},
    {v4(168, 63, 129, 16), 32, AddressClass::metadata},
    {v4(0, 0, 0, 0), 8, AddressClass::unspecified},
    {v4(10, 0, 0, 0), 8, AddressClass::private_network},
    {v4(100, 64, 0, 0), 10, AddressClass::private_network},
    {v4(127, 0, 0, 0), 8, AddressClass::loopback},
    {v4(169, 254, 0, 0), 16, AddressClass::link_local},
    {v4(172, 16, 0, 0), 12, AddressClass::private_network},
    {v4(192, 0, 0, 0), 24, AddressClass::reserved},
    {v4(192, 0, 2, 0), 24, AddressClass::reserved},
    {v4(192, 88, 99, 0), 24, AddressClass::reserved},
    {v4(192, 168, 0, 0), 16, AddressClass::private_network},
    {v4(198, 18, 0, 0), 15, AddressClass::private_network},
    {v4(198, 51, 100, 0), 24, AddressClass::reserved},
    {v4(203, 0, 113, 0), 24, AddressClass::reserved},
    {v4(224, 0, 0, 0), 4, AddressClass::multicast},
    {v4(255, 255, 255, 255), 32, AddressClass::multicast},
    {v4(240, 0, 0, 0), 4, AddressClass::reserved},
};

AddressClass classify4(std::uint32_t address) {
  for (const auto& range : ranges4) {
    const std::uint32_t mask = ~std::uint32_t{0} << static_cast<unsigned>(32 - range.bits);
    if ((address & mask) == range.base) return range.kind;
  }
  return AddressClass::global;
}

std::uint32_t four(const Bytes& b, std::size_t i, std::size_t j, std::size_t k, std::size_t l) {
  return v4(b[i], b[j], b[k], b[l]);
}

bool begins(const Bytes& bytes, std::initializer_list<unsigned> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

// 64:ff9b:1::/48 (RFC 8215) is translated by the operator's own gateway, and where in it the IPv4 address
// stands depends on that gateway's prefix (RFC 6052 2.2: /48, /56, /64 or /96). A peer could write one
// address where we would look and another one where the gateway does, so each place counts.
AddressClass classify_local_nat64(const Bytes& b) {
  for (const std::uint32_t inside :
       {four(b, 6, 7, 9, 10), four(b, 7, 9, 10, 11), four(b, 9, 10, 11, 12), four(b, 12, 13, 14, 15)}) {
    const AddressClass kind = classify4(inside);
    if (kind == AddressClass::metadata || kind == AddressClass::link_local || kind == AddressClass::loopback)
      return kind;
  }
  return AddressClass::private_network;
}

AddressClass classify6(const Bytes& b) {
  const auto zeros = static_cast<std::size_t>(
      std::find_if(b.begin(), b.end(), [](unsigned char byte) { return byte != 0; }) - b.begin());
  if (zeros == 16) return AddressClass::unspecified;
  if (zeros == 15 && b[15] == 1) return AddressClass::loopback;
  const bool compatible = zeros >= 12;
  const bool mapped = zeros == 10 && b[10] == 0xff && b[11] == 0xff;
  // ::ffff:0:a.b.c.d (RFC 2765 2.1)
  const bool translated = zeros == 8 && begins(b, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0});
  const bool nat64 = begins(b, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0});
  if (compatible || mapped || translated || nat64) return classify4(four(b, 12, 13, 14, 15));
  if (begins(b, {0, 0x64, 0xff, 0x9b, 0, 1})) return classify_local_nat64(b);
  if (begins(b, {0x20, 0x02})) return classify4(four(b, 2, 3, 4, 5));  // 6to4, RFC 3056 2

  // The metadata services of AWS (fd00:ec2::254 and its neighbours) and of Google Cloud (fd20:ce::254).
  if (begins(b, {0xfd, 0x00, 0x0e, 0xc2})) return AddressClass::metadata;
  if (begins(b, {0xfd, 0x20, 0x00, 0xce}) && four(b, 12, 13, 14, 15) == 0x254) return AddressClass::metadata;
  if ((b[0] & 0xfe) == 0xfc) return AddressClass::private_network;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return AddressClass::link_local;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return AddressClass::private_network;  // site-local, RFC 3879
  if (b[0] == 0xff) return AddressClass::multicast;
  // IETF protocol assignments with Teredo (2001::/23) and documentation (RFC 3849, RFC 9637).
  if (begins(b, {0x20, 0x01}) && b[2] < 2) return AddressClass::reserved;
  if (begins(b, {0x20, 0x01, 0x0d, 0xb8})) return AddressClass::reserved;
  if (begins(b, {0x3f, 0xff}) && b[2] < 0x10) return AddressClass::reserved;
  return (b[0] & 0xe0) == 0x20 ? AddressClass::global : AddressClass::reserved;
}

// No place for registries, whoever names it.
bool is_forbidden(AddressClass kind) {
  return kind == AddressClass::link_local || kind == AddressClass::metadata ||
         kind == AddressClass::unspecified || kind == AddressClass::multicast;
}

// "[::1]" and "[0::1]" are one host.
std::string plain(const std::string& host) {
  const auto address = literal_address(host);
  return address ? address->to_string() : host;
}

bool names(const std::string& entry, const std::string& host, std::uint16_t port) {
  std::string name = entry;
  std::string own_port;
  const auto colon = entry.rfind(':');
  const bool has_port = colon != std::string::npos && entry.find(']', colon) == std::string::npos;
  if (has_port) {
    name = entry.substr(0, colon);
    own_port = entry.substr(colon + 1);
  }
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  return plain(name) == plain(host) && (own_port.empty() || own_port == std::to_string(port));
}

}  // namespace

AddressClass classify(const ip::address& address) {
  return address.is_v4() ? classify4(address.to_v4().to_uint()) : classify6(address.to_v6().to_bytes());
}

std::string_view name_of(AddressClass kind) {
  switch (kind) {
    case AddressClass::global:
      return "a global address";
    case AddressClass::private_network:
      return "an address of a private network";
    case AddressClass::loopback:
      return "a loopback address";
    case AddressClass::link_local:
      return "a link-local address";
    case AddressClass::metadata:
      return "the address of a cloud's metadata service";
    case AddressClass::unspecified:
      return "the unspecified address";
    case AddressClass::multicast:
      return "a multicast or broadcast address";
    case AddressClass::reserved:
      return "a reserved address";
  }
  return "";
}

std::optional<ip::address> literal_address(const std::string& host) {
  boost::system::error_code no_address;
  const auto address = ip::make_address(host, no_address);
  if (!no_address) return address;
  in_addr old_form{};
  if (::inet_aton(host.c_str(), &old_form) != 0) return ip::address_v4(ntohl(old_form.s_addr));
  return std::nullopt;
}

bool Reach::permits(AddressClass kind) const {
  if (kind == AddressClass::link_local || kind == AddressClass::metadata) return metadata && named_by.empty();
  if (is_forbidden(kind)) return false;
  return named_by.empty() || kind == AddressClass::global ||
         (kind == namer && kind != AddressClass::reserved);
}

Reach Reach::naming(const std::string& host, std::uint16_t port, std::string by, AddressClass at) const {
  Reach next = *this;
  const bool listed = std::any_of(trusted.begin(), trusted.end(),
                                  [&](const auto& entry) { return names(entry, host, port); });
  next.named_by = listed ? std::string() : std::move(by);
  next.namer = at;
  next.metadata = false;
  return next;
}

std::string Reach::refusal(const std::string& host, const std::string& address, AddressClass kind) const {
  const std::string what = host == address ? fmt::format("{} is {}", printable(host, 260), name_of(kind))
                                           : fmt::format("{} is at {}, {}", printable(host, 260),
                                                         printable(address, 260), name_of(kind));
  const std::string by =
      named_by.empty() ? std::string() : fmt::format(", and was named by {}", printable(named_by, 260));
  if (is_forbidden(kind)) return fmt::format("{}{}: sluice never connects to such an address", what, by);
  const std::string where = setting.empty() ? std::string("the settings of the peer") : setting;
  return fmt::format("{}{}, which was reached at {}: not connected to; when that is right, list {} in {}",
                     what, by, name_of(namer), printable(host, 260), where);
}

}  // namespace sluice::net
