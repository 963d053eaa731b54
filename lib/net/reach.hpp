#pragma once
// Where a connection may go: decided on the address that a name led to, never on the name. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace sluice::net {

/// What an address is for (IANA special-purpose registries, RFC 6890).
enum class AddressClass {
  global,
  private_network,  // RFC 1918, RFC 6598, RFC 2544, ULA, the local NAT64 prefix
  loopback,
  link_local,
  metadata,  // where clouds hand out credentials to whoever asks
  unspecified,
  multicast,  // and broadcast
  reserved,   // documentation, future use, not assigned
};

/// Forms of IPv6 that carry an IPv4 address (mapped, compatible, translated, 6to4, NAT64) are what that one
/// is.
AddressClass classify(const boost::asio::ip::address& address);

/// "a loopback address", for messages.
std::string_view name_of(AddressClass kind);

/// The address that `host` spells, also in the short and numeric forms that the C library takes ("127.1",
/// "2130706433"); nullopt for names.
std::optional<boost::asio::ip::address> literal_address(const std::string& host);

/// Which addresses a request may be sent to. The default is that of a host which the operator configured: all
/// but link-local, metadata, unspecified and multicast addresses.
///
/// A host that a peer named (redirect, token realm, upload location) may be at a global address, or at one of
/// the class that the peer itself was reached at: a registry on this machine may name others on this machine,
/// one in a private network others in private networks. Nothing else; so a registry elsewhere cannot make us
/// ask what only we can reach. Hosts that the operator listed count as configured.
///
/// Link-local and metadata addresses are for a request that is meant for a metadata service, to a host that
/// nobody named: where the operator let the machine's own identity be used.
struct Reach {
  /// Hosts that peers may name wherever they are: "host" or "host:port", IPv6 addresses in brackets.
  std::vector<std::string> trusted;
  /// The setting that holds them, for messages.
  std::string setting;
  /// The request is for a metadata service; goes no further than the host that was configured.
  bool metadata = false;
  /// Who named the host; empty when the operator did.
  std::string named_by;
  /// What `named_by` was reached at.
  AddressClass namer = AddressClass::global;

  bool permits(AddressClass kind) const;
  /// For a host that `by`, reached at an address of class `at`, named.
  Reach naming(const std::string& host, std::uint16_t port, std::string by, AddressClass at) const;
  /// Why `host`, which is at `address`, is not connected to, and what to do.
  std::string refusal(const std::string& host, const std::string& address, AddressClass kind) const;
};

}  // namespace sluice::net
