// D1 for each hop that a registry can send us on. 127.0.0.1, where the registry is, stands for a global
// address here; 127.0.0.9 is what it should not lead us to.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const TestImage image = make_image("amd64", 47, {100});
const Piece& config = image.blobs.front();

net::ClientOptions world(net::AddressClass inside) {
  net::ClientOptions options;
  options.classify = [inside](const boost::asio::ip::address& address) {
    return address.to_string() == "127.0.0.1" ? net::AddressClass::global : inside;
  };
  return options;
}

/// A server inside; what it would give to whoever reaches it.
struct Inside {
  ScriptedServer server{answer_all([](Exchange& x, const RecordedRequest&) {
                          x.answer(200, R"({"token":"from the inside"})");
                        }),
                        std::nullopt, "127.0.0.9"};
};

/// Runs `hop` as a registry at a global address, for every kind of address that it may not lead to, when the
/// place is trusted, and when the registry itself is inside too.
template <class Hop>
void try_hop(FakeRegistry& registry, Inside& inside, Hop hop) {
  for (const auto kind :
       {net::AddressClass::loopback, net::AddressClass::private_network, net::AddressClass::metadata}) {
    INFO(net::name_of(kind));
    const int before = inside.server.connections();
    const auto error = run([&]() -> Task<std::optional<Error>> {
      Rig rig(world(kind));
      co_return co_await failure_of(hop(rig));
    });
    INFO(error->what());
    CHECK(error->kind() == ErrorKind::denied);
    CHECK_THAT(error->what(), Catch::Contains("127.0.0.9") &&
                                  Catch::Contains("named by " + registry.host()) &&
                                  Catch::Contains(std::string(net::name_of(kind))));
    if (kind != net::AddressClass::metadata)
      CHECK_THAT(error->what(), Catch::Contains("registries." + registry.host() + ".trusted_hosts"));
    CHECK(inside.server.connections() == before);
  }
  const auto gets_there = [&](net::ClientOptions options, std::vector<std::string> trusted) {
    const int before = inside.server.connections();
    run([&]() -> Task<> {
      Rig rig(options);
      rig.access[registry.host()].trusted_hosts = trusted;
      try {
        co_await hop(rig);
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::denied) throw;  // what comes of a strange answer is not the question
      }
    });
    return inside.server.connections() > before;
  };
  CHECK(gets_there(world(net::AddressClass::private_network), {inside.server.authority()}));
  net::ClientOptions all_inside;
  all_inside.classify = [](const boost::asio::ip::address&) { return net::AddressClass::private_network; };
  CHECK(gets_there(all_inside, {}));
}

}  // namespace

TEST_CASE("D1: the redirect of a blob leads nowhere inside") {
  Inside inside;
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/")) return false;
    x.answer(307, "", "Location: " + inside.server.url("/blob") + "\r\n");
    return true;
  });
  try_hop(registry, inside,
          [&](Rig& rig) { return rig.client.small_blob(registry.repository("a"), config.digest()); });
}

TEST_CASE("D1: a token realm leads nowhere inside") {
  Inside inside;
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    read_body(x, request);
    x.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + inside.server.url("/token") + "\"\r\n");
    return true;
  });
  try_hop(registry, inside, [&](Rig& rig) { return rig.client.resolve(registry.repository("a"), "1"); });
}

TEST_CASE("D1: an upload location leads nowhere inside") {
  Inside inside;
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    if (!is(request, "POST", "/uploads/")) return false;
    read_body(x, request);
    x.answer(202, "", "Location: " + inside.server.url("/upload") + "\r\n");
    return true;
  });
  try_hop(registry, inside, [&](Rig& rig) {
    return rig.client.copy(source.repository("a"), image.manifest.digest(), registry.repository("b"));
  });
}

TEST_CASE("D1: a token realm that is asked by POST leads nowhere inside") {
  Inside inside;
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    read_body(x, request);
    x.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + inside.server.url("/token") + "\"\r\n");
    return true;
  });
  try_hop(registry, inside, [&](Rig& rig) {
    registry::Credentials credentials;
    credentials.identity_token = Secret("canary");
    rig.access[registry.host()].credentials = credentials;
    return rig.client.resolve(registry.repository("a"), "1");
  });
}

TEST_CASE("D1: the location where a broken upload is said to go on leads nowhere inside") {
  Inside inside;
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    if (is(request, "GET", "/uploads/")) {
      x.answer(204, "", "Range: 0-49\r\nLocation: " + inside.server.url("/upload") + "\r\n");
      return true;
    }
    if (!is(request, "PUT", "/uploads/")) return false;
    x.read_bytes(50);
    x.reset();
    return true;
  });
  try_hop(registry, inside, [&](Rig& rig) {
    return rig.client.copy(source.repository("a"), image.manifest.digest(), registry.repository("b"));
  });
}

TEST_CASE("D1: the location of the next piece of an upload leads nowhere inside") {
  constexpr std::size_t mib = 1024 * 1024;
  const TestImage large = make_image("amd64", 48, {33 * mib});
  Inside inside;
  FakeRegistry source;
  source.add("a", large);
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    if (is(request, "PATCH", "/uploads/")) {
      read_body(x, request);
      x.answer(202, "", "Location: " + inside.server.url("/upload") + "\r\n");
      return true;
    }
    const auto length = request.headers.find("content-length");
    if (length == request.headers.end() || std::stoull(length->second) <= 32 * mib) return false;
    x.answer(413);
    x.stall();
    return true;
  });
  try_hop(registry, inside, [&](Rig& rig) {
    return rig.client.copy(source.repository("a"), large.manifest.digest(), registry.repository("b"));
  });
}

TEST_CASE("D1: another port of the registry's own name is a place that it named as well") {
  Inside inside;
  const auto port_of = [](const std::string& authority) { return authority.substr(authority.find(':')); };
  FakeRegistry registry([&](Exchange& x, const RecordedRequest& request) {
    read_body(x, request);
    const std::string realm = "http://registry.test" + port_of(inside.server.authority()) + "/token";
    x.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + realm + "\"\r\n");
    return true;
  });
  // The registry's name leads to the registry first, and then inside.
  auto options = world(net::AddressClass::loopback);
  int asked = 0;
  options.lookup = [&](const std::string&) -> std::vector<boost::asio::ip::address> {
    return {boost::asio::ip::make_address(++asked == 1 ? "127.0.0.1" : "127.0.0.9")};
  };
  const std::string host = "registry.test" + port_of(registry.host());
  const auto error = run([&]() -> Task<std::optional<Error>> {
    Rig rig(options);
    rig.access[host].plain_http = true;
    oci::Repository repository{host, "a"};
    co_return co_await failure_of(rig.client.resolve(std::move(repository), "1"));
  });
  INFO(error->what());
  CHECK(error->kind() == ErrorKind::denied);
  CHECK(inside.server.connections() == 0);
}
