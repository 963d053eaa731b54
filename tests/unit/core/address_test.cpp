#include "core/address.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

std::vector<Network> networks(const std::vector<std::string>& texts) {
  std::vector<Network> all;
  for (const auto& text : texts)
    all.push_back(parse_network(text).value());
  return all;
}

}  // namespace

TEST_CASE("Both spellings of an IPv4 address are one") {
  CHECK(parse_address("192.0.2.1") == parse_address("::ffff:192.0.2.1"));
  CHECK(parse_address("[2001:db8::1]") == parse_address("2001:db8:0::1"));
  CHECK(parse_address("fe80::1%eth0"));
  for (const char* bad : {"", "192.0.2", "192.0.2.1:80", "0x7f.1", "host", "1.2.3.4.5", "uid:1000"})
    CHECK_FALSE(parse_address(bad));
  CHECK_FALSE(parse_address(std::string_view("::1\0x", 5)));
}

TEST_CASE("A network holds what its prefix says") {
  const auto network = parse_network("192.0.2.0/25").value();
  CHECK(network.contains(*parse_address("192.0.2.127")));
  CHECK_FALSE(network.contains(*parse_address("192.0.2.128")));
  CHECK(network.contains(*parse_address("::ffff:192.0.2.1")));
  CHECK(parse_network("2001:db8::/32")->contains(*parse_address("2001:db8:ffff::1")));
  CHECK(parse_network("0.0.0.0/0")->contains(*parse_address("203.0.113.9")));
  CHECK_FALSE(parse_network("0.0.0.0/0")->contains(*parse_address("2001:db8::1")));
  CHECK(parse_network("203.0.113.9")->contains(*parse_address("203.0.113.9")));
}

TEST_CASE("A network with bits behind its prefix is a mistake") {
  for (const char* bad : {"192.0.2.1/24", "2001:db8::1/32", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1",
                          "/8", "x/8", "::/129"})
    CHECK_FALSE(parse_network(bad));
}

TEST_CASE("Only a trusted proxy speaks for others") {
  const auto proxies = networks({"10.0.0.0/8"});
  const auto source = [&](const char* peer, std::vector<std::string> forwarded) {
    return source_of(peer, forwarded, proxies);
  };
  CHECK(source("203.0.113.1", {"198.51.100.1"}) == parse_address("203.0.113.1"));
  CHECK(source("10.0.0.1", {"198.51.100.1"}) == parse_address("198.51.100.1"));
  CHECK(source("10.0.0.1", {"1.1.1.1, 198.51.100.1, 10.0.0.2"}) == parse_address("198.51.100.1"));
  CHECK(source("10.0.0.1", {"1.1.1.1", "198.51.100.1"}) == parse_address("198.51.100.1"));
  CHECK(source("10.0.0.1", {"198.51.100.1:4711"}) == parse_address("198.51.100.1"));
  CHECK(source("10.0.0.1", {"[2001:db8::1]:443"}) == parse_address("2001:db8::1"));
  CHECK(source("10.0.0.1", {"garbage"}) == parse_address("10.0.0.1"));
  CHECK(source("10.0.0.1", {}) == parse_address("10.0.0.1"));
  CHECK(source("10.0.0.1", {std::string(5000, ',')}) == parse_address("10.0.0.1"));
  CHECK_FALSE(source("uid:0", {"1.1.1.1"}));
}

TEST_CASE("A rate limit counts an IPv6 network of one customer as one") {
  CHECK(rate_key(*parse_address("2001:db8::1")) == rate_key(*parse_address("2001:db8::ffff")));
  CHECK(rate_key(*parse_address("2001:db8::1")) != rate_key(*parse_address("2001:db8:0:1::1")));
  CHECK(rate_key(*parse_address("192.0.2.1")) != rate_key(*parse_address("192.0.2.2")));
}
