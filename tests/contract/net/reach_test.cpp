// Where connections may go, decided on the address that was connected to. 127.0.0.2 stands for a global
// address, 127.0.0.3 for one of a private network, 127.0.0.4 for a metadata service.

#include "fixture.hpp"

#include <atomic>
#include <map>

using namespace sluice;
using namespace sluice::test;

namespace {

using net::AddressClass;

AddressClass pretend(const boost::asio::ip::address& address) {
  const std::map<std::string, AddressClass> roles{{"127.0.0.2", AddressClass::global},
                                                  {"127.0.0.3", AddressClass::private_network},
                                                  {"127.0.0.4", AddressClass::metadata}};
  const auto role = roles.find(address.to_string());
  return role == roles.end() ? net::classify(address) : role->second;
}

/// Names of the tests: "public.test" and so on; "both.test" has a metadata and a global address.
std::vector<boost::asio::ip::address> look_up(const std::string& host) {
  const std::map<std::string, std::vector<const char*>> names{{"public.test", {"127.0.0.2"}},
                                                              {"private.test", {"127.0.0.3"}},
                                                              {"metadata.test", {"127.0.0.4"}},
                                                              {"here.test", {"127.0.0.1"}},
                                                              {"both.test", {"127.0.0.4", "127.0.0.2"}}};
  std::vector<boost::asio::ip::address> addresses;
  for (const char* address : names.at(host))
    addresses.push_back(boost::asio::ip::make_address(address));
  return addresses;
}

net::ClientOptions world() {
  net::ClientOptions options;
  options.lookup = look_up;
  options.classify = pretend;
  return options;
}

ScriptedServer at(const std::string& address, std::string location = "") {
  return ScriptedServer(answer_all([location](Exchange& x, const RecordedRequest&) {
                          if (location.empty())
                            x.answer(200, "secret of the inside");
                          else
                            x.answer(307, "", "Location: " + location + "\r\n");
                        }),
                        std::nullopt, address);
}

std::string url_of(const ScriptedServer& server, const std::string& name) {
  return "http://" + name + ":" + std::to_string(server.port()) + "/x";
}

/// A server at `from`, reached as `from_name`, redirects to one at `to` by the name `to_name`.
Outcome redirected(const std::string& from, const std::string& from_name, const std::string& to,
                   const std::string& to_name, int& reached, std::vector<std::string> trusted = {}) {
  ScriptedServer inside = at(to);
  ScriptedServer outside = at(from, url_of(inside, to_name));
  auto request = get(url_of(outside, from_name));
  request.max_redirects = 3;
  request.reach.trusted = std::move(trusted);
  const Outcome outcome = fetch_once(request, world());
  reached = inside.connections();
  return outcome;
}

}  // namespace

TEST_CASE(
    "D1: a redirect by a public server to this machine, private networks or metadata is not connected to") {
  const std::pair<const char*, const char*> goals[] = {
      {"127.0.0.1", "here.test"}, {"127.0.0.1", "127.0.0.1"},     {"127.0.0.1", "localhost"},
      {"127.0.0.1", "127.1"},     {"127.0.0.1", "2130706433"},    {"127.0.0.3", "private.test"},
      {"127.0.0.3", "127.0.0.3"}, {"127.0.0.4", "metadata.test"}, {"127.0.0.4", "127.0.0.4"}};
  for (const auto& [address, name] : goals) {
    INFO(name);
    // Names that the fixture does not know are asked of the system, as in the daemon.
    ScriptedServer inside = at(address);
    ScriptedServer outside = at("127.0.0.2", url_of(inside, name));
    auto request = get(url_of(outside, "127.0.0.2"));
    request.max_redirects = 3;
    auto options = world();
    if (name == std::string("localhost") || name == std::string("127.1") || name == std::string("2130706433"))
      options.lookup = nullptr;
    const Outcome outcome = fetch_once(request, options);
    CHECK(outcome.error == ErrorKind::denied);
    CHECK(mentions(outcome, address));
    CHECK(mentions(outcome, "named by 127.0.0.2"));
    CHECK(inside.connections() == 0);
  }
}

TEST_CASE("D1: redirects within this machine, within private networks and outwards are followed") {
  int reached = 0;
  CHECK(redirected("127.0.0.1", "here.test", "127.0.0.1", "here.test", reached).status == 200);
  CHECK(redirected("127.0.0.3", "private.test", "127.0.0.3", "private.test", reached).status == 200);
  for (const char* from : {"127.0.0.1", "127.0.0.2", "127.0.0.3"})
    CHECK(redirected(from, from, "127.0.0.2", "public.test", reached).status == 200);
}

TEST_CASE("D1: a private server may not name this machine, nor this machine a private network") {
  int reached = 0;
  CHECK(redirected("127.0.0.3", "private.test", "127.0.0.1", "here.test", reached).error ==
        ErrorKind::denied);
  CHECK(reached == 0);
  CHECK(redirected("127.0.0.1", "here.test", "127.0.0.3", "private.test", reached).error ==
        ErrorKind::denied);
  CHECK(reached == 0);
}

TEST_CASE("D1: a host that the operator trusts is followed into a private network, never to metadata") {
  int reached = 0;
  CHECK(
      redirected("127.0.0.2", "public.test", "127.0.0.3", "private.test", reached, {"private.test"}).status ==
      200);
  CHECK(redirected("127.0.0.2", "public.test", "127.0.0.4", "metadata.test", reached, {"metadata.test"})
            .error == ErrorKind::denied);
  CHECK(reached == 0);
}

TEST_CASE("D1: of several addresses only permitted ones are tried") {
  ScriptedServer metadata = at("127.0.0.4");
  // Nobody listens at that port of the global address.
  const Outcome outcome = fetch_once(get(url_of(metadata, "both.test")), world());
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(metadata.connections() == 0);
}

TEST_CASE("D1: a configured host may be on this machine, but metadata is refused there too") {
  ScriptedServer here = at("127.0.0.1");
  CHECK(fetch_once(get(url_of(here, "here.test")), world()).status == 200);
  ScriptedServer metadata = at("127.0.0.4");
  const Outcome outcome = fetch_once(get(url_of(metadata, "metadata.test")), world());
  CHECK(outcome.error == ErrorKind::denied);
  CHECK(mentions(outcome, "never connects"));
  CHECK(metadata.connections() == 0);
}

TEST_CASE("D1: a name that leads inside only when it is looked up again is refused on what is connected to") {
  ScriptedServer inside = at("127.0.0.1");
  ScriptedServer outside = at("127.0.0.2", url_of(inside, "rebinding.test"));
  // The first answer is harmless, each later one is not.
  std::atomic<int> asked = 0;
  auto options = world();
  options.idle_connections_per_host = 0;
  options.lookup = [&](const std::string& host) -> std::vector<boost::asio::ip::address> {
    if (host != "rebinding.test") return look_up(host);
    return {boost::asio::ip::make_address(++asked == 1 ? "127.0.0.2" : "127.0.0.1")};
  };
  with_client(
      [&](net::Client& client) -> Task<> {
        auto request = get(url_of(outside, "public.test"));
        request.max_redirects = 1;
        const Outcome first = co_await fetch(client, request);
        CHECK(first.error == ErrorKind::unavailable);  // nobody listens there
        const Outcome second = co_await fetch(client, request);
        CHECK(second.error == ErrorKind::denied);
      },
      options);
  CHECK(inside.connections() == 0);
}

TEST_CASE("D1: a kept connection of a configured host is not handed to a peer that names the host") {
  ScriptedServer inside = at("127.0.0.1");
  ScriptedServer outside = at("127.0.0.2", url_of(inside, "here.test"));
  with_client(
      [&](net::Client& client) -> Task<> {
        const Outcome own = co_await fetch(client, get(url_of(inside, "here.test")));
        CHECK(own.status == 200);
        auto request = get(url_of(outside, "public.test"));
        request.max_redirects = 1;
        const Outcome named = co_await fetch(client, request);
        CHECK(named.error == ErrorKind::denied);
        const Outcome again = co_await fetch(client, get(url_of(inside, "here.test")));
        CHECK(again.status == 200);
      },
      world());
  CHECK(inside.connections() == 1);
  CHECK(inside.requests().size() == 2);
}
