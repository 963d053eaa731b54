#include "net/reach.hpp"

#include <catch2/catch.hpp>

using namespace sluice::net;

namespace {

AddressClass of(const char* address) {
  return classify(boost::asio::ip::make_address(address));
}

bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

const AddressClass all[] = {
    AddressClass::global,   AddressClass::private_network, AddressClass::loopback,  AddressClass::link_local,
    AddressClass::metadata, AddressClass::unspecified,     AddressClass::multicast, AddressClass::reserved};

}  // namespace

TEST_CASE("D1: what an address is for") {
  const std::pair<const char*, AddressClass> table[] = {
      {"1.1.1.1", AddressClass::global},
      {"9.255.255.255", AddressClass::global},
      {"172.15.255.255", AddressClass::global},
      {"172.32.0.0", AddressClass::global},
      {"100.63.255.255", AddressClass::global},
      {"100.128.0.0", AddressClass::global},
      {"223.255.255.255", AddressClass::global},
      {"10.0.0.1", AddressClass::private_network},
      {"172.16.0.0", AddressClass::private_network},
      {"172.31.255.255", AddressClass::private_network},
      {"192.168.255.255", AddressClass::private_network},
      {"100.64.0.0", AddressClass::private_network},
      {"100.127.255.255", AddressClass::private_network},
      {"198.19.255.255", AddressClass::private_network},
      {"127.0.0.1", AddressClass::loopback},
      {"127.255.255.254", AddressClass::loopback},
      {"169.254.0.1", AddressClass::link_local},
      {"169.254.170.2", AddressClass::link_local},
      {"169.254.169.254", AddressClass::metadata},
      {"100.100.100.200", AddressClass::metadata},
      {"192.0.0.192", AddressClass::metadata},
      {"168.63.129.16", AddressClass::metadata},
      {"0.0.0.0", AddressClass::unspecified},
      {"0.1.2.3", AddressClass::unspecified},
      {"224.0.0.1", AddressClass::multicast},
      {"239.255.255.255", AddressClass::multicast},
      {"255.255.255.255", AddressClass::multicast},
      {"240.0.0.1", AddressClass::reserved},
      {"192.0.2.1", AddressClass::reserved},
      {"203.0.113.9", AddressClass::reserved},
      {"2606:4700::1", AddressClass::global},
      {"2001:4860:4860::8888", AddressClass::global},
      {"::1", AddressClass::loopback},
      {"::", AddressClass::unspecified},
      {"fc00::1", AddressClass::private_network},
      {"fd12:3456::1", AddressClass::private_network},
      {"fec0::1", AddressClass::private_network},
      {"fe80::1", AddressClass::link_local},
      {"febf::1", AddressClass::link_local},
      {"fd00:ec2::254", AddressClass::metadata},
      {"fd20:ce::254", AddressClass::metadata},
      {"ff02::1", AddressClass::multicast},
      {"2001:db8::1", AddressClass::reserved},
      {"2001::1", AddressClass::reserved},
      {"3fff:0fff::1", AddressClass::reserved},
      {"100::1", AddressClass::reserved},
      {"4000::1", AddressClass::reserved},
  };
  for (const auto& [address, kind] : table) {
    INFO(address);
    CHECK(name_of(of(address)) == name_of(kind));
  }
}

TEST_CASE("D1: an IPv6 address that carries an IPv4 address is what that one is") {
  const std::pair<const char*, AddressClass> table[] = {
      {"::ffff:127.0.0.1", AddressClass::loopback},
      {"::ffff:169.254.169.254", AddressClass::metadata},
      {"::ffff:8.8.8.8", AddressClass::global},
      {"::127.0.0.1", AddressClass::loopback},
      {"::10.0.0.1", AddressClass::private_network},
      {"::ffff:0:10.0.0.1", AddressClass::private_network},
      {"64:ff9b::169.254.169.254", AddressClass::metadata},
      {"64:ff9b::8.8.8.8", AddressClass::global},
      {"64:ff9b::10.1.1.1", AddressClass::private_network},
      {"2002:7f00:1::", AddressClass::loopback},
      {"2002:a9fe:a9fe::1", AddressClass::metadata},
      {"2002:808:808::1", AddressClass::global},
      {"64:ff9b:1::8.8.8.8", AddressClass::private_network},
      {"64:ff9b:1:fffe::169.254.169.254", AddressClass::metadata},
      {"64:ff9b:1:a9fe:a9:fe00::808", AddressClass::metadata},
      {"64:ff9b:1:0:7f:0:100:0", AddressClass::loopback},
  };
  for (const auto& [address, kind] : table) {
    INFO(address);
    CHECK(name_of(of(address)) == name_of(kind));
  }
}

TEST_CASE("D1: literals are read in every form that the C library takes") {
  const auto spelled = [](const char* host) {
    const auto address = literal_address(host);
    return address ? address->to_string() : "";
  };
  CHECK(spelled("127.1") == "127.0.0.1");
  CHECK(spelled("2130706433") == "127.0.0.1");
  CHECK(spelled("0x7f.1") == "127.0.0.1");
  CHECK(spelled("0177.0.0.1") == "127.0.0.1");
  CHECK(spelled("::1") == "::1");
  CHECK(spelled("example.com").empty());
}

TEST_CASE("D1: a host that the operator configured may be anywhere but where no registry ever is") {
  const Reach configured;
  for (const AddressClass kind : all) {
    INFO(name_of(kind));
    const bool good = kind == AddressClass::global || kind == AddressClass::private_network ||
                      kind == AddressClass::loopback || kind == AddressClass::reserved;
    CHECK(configured.permits(kind) == good);
  }
}

TEST_CASE("D1: a host that a peer named is at a global address, or at one of the peer's own class") {
  for (const AddressClass at : all) {
    const Reach named = Reach().naming("b.example", 443, "a.example", at);
    for (const AddressClass kind : all) {
      INFO(name_of(at) << " names " << name_of(kind));
      const bool same = kind == at && (at == AddressClass::private_network || at == AddressClass::loopback);
      CHECK(named.permits(kind) == (kind == AddressClass::global || same));
    }
  }
}

TEST_CASE(
    "D1: a trusted host counts as configured, with its port or on every port, and never opens metadata") {
  Reach reach;
  reach.trusted = {"storage.example", "other.example:9000", "[fd00::1]:9000", "10.0.0.1"};
  const auto permitted = [&](const char* host, std::uint16_t port) {
    return reach.naming(host, port, "a.example", AddressClass::global).permits(AddressClass::private_network);
  };
  CHECK(permitted("storage.example", 443));
  CHECK(permitted("storage.example", 1));
  CHECK(permitted("other.example", 9000));
  CHECK(permitted("fd00:0::1", 9000));
  CHECK(permitted("10.0.0.1", 80));
  CHECK_FALSE(permitted("other.example", 443));
  CHECK_FALSE(permitted("fd00::1", 443));
  CHECK_FALSE(permitted("evil.storage.example", 443));
  CHECK_FALSE(permitted("10.0.0.11", 80));
  CHECK_FALSE(
      reach.naming("storage.example", 443, "a", AddressClass::global).permits(AddressClass::metadata));
}

TEST_CASE("D1: a request for a metadata service may go there, but to no host that somebody named") {
  Reach meant;
  meant.trusted = {"b.example"};
  meant.metadata = true;
  CHECK(meant.permits(AddressClass::metadata));
  CHECK(meant.permits(AddressClass::link_local));
  CHECK(meant.permits(AddressClass::loopback));
  CHECK_FALSE(meant.permits(AddressClass::multicast));
  CHECK_FALSE(meant.permits(AddressClass::unspecified));
  for (const char* host : {"a.example", "b.example"}) {
    const Reach named = meant.naming(host, 80, "169.254.169.254", AddressClass::metadata);
    CHECK_FALSE(named.permits(AddressClass::metadata));
    CHECK_FALSE(named.permits(AddressClass::link_local));
  }
}

TEST_CASE("D1: a refusal names host, address, who named it and what to set") {
  Reach reach;
  reach.setting = "registries.a.example.trusted_hosts";
  const Reach named = reach.naming("b.example", 443, "a.example", AddressClass::global);
  const std::string inside = named.refusal("b.example", "10.0.0.1", AddressClass::private_network);
  for (const char* part : {"b.example", "10.0.0.1", "private network", "named by a.example",
                           "a global address", "registries.a.example.trusted_hosts"})
    CHECK(contains(inside, part));
  const std::string metadata = named.refusal("b.example", "169.254.169.254", AddressClass::metadata);
  CHECK(contains(metadata, "metadata service"));
  CHECK_FALSE(contains(metadata, "trusted_hosts"));
}
