// The server, seen from outside.

#include "core/signal.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "server_fixture.hpp"
#include "support/fake_clock.hpp"

#include <fcntl.h>
#include <fstream>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/detached.hpp>

using namespace sluice;
using namespace sluice::test;
using std::chrono::milliseconds;

namespace {

bool starts(const std::string& text, std::string_view with) {
  UNSCOPED_INFO("got: " << text.substr(0, 300));
  return text.starts_with(with);
}

std::string post(std::string_view body, std::string_view headers = "") {
  return "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-net-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Clients that send the next request as soon as they have an answer, and connect again when the server
/// closes.
struct Flood {
  bool over = false;
  std::size_t running = 0;
  std::size_t connected = 0;  // times
  int broken = 0;             // connections that ended without a whole answer that says so

  Task<> connect_again_and_again(std::uint16_t port) {
    ++running;
    while (!over) {
      auto peer = co_await RawPeer::connect(port);
      bool open = true;
      bool first = true;
      while (open && !over) {
        co_await peer->send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string answer = co_await peer->read_until("GET /flood ");
        if (answer.empty()) ++broken;
        open = !answer.empty() && answer.find("Connection: close") == std::string::npos;
        if (first) ++connected;
        first = false;
      }
    }
    --running;
  }
};

net::Request get_on(const std::filesystem::path& socket, std::string target) {
  net::Request request;
  request.url = net::Url::on_socket(socket.string(), target);
  return request;
}

}  // namespace

TEST_CASE("a handler sees method, path, query, fields, body and peer") {
  net::ServerRequest seen;
  auto handler = [&](net::ServerRequest request) -> Task<net::ServerResponse> {
    seen = std::move(request);
    co_return net::ServerResponse{};
  };
  with_server(handler, {}, [&](net::Server& server) -> Task<> {
    std::string bytes =
        "PUT /a%20b?x=1&y=a+b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\nConnection: close\r\nContent-Length: "
        "3\r\n\r\nabc";
    const std::string answer = co_await exchange(server.port(), bytes);
    CHECK(starts(answer, "HTTP/1.1 200 OK\r\n"));
  });
  CHECK(seen.method == "PUT");
  CHECK(seen.target == "/a%20b?x=1&y=a+b");
  CHECK(seen.path == "/a b");
  CHECK(seen.parameter("y") == "a b");
  CHECK_FALSE(seen.parameter("z"));
  CHECK(seen.headers.get("x-y") == "z");
  CHECK(seen.body == "abc");
  CHECK(seen.peer == "127.0.0.1");
}

TEST_CASE("requests follow each other on one connection, pipelined or not, chunked or not") {
  with_server(echo, {}, [](net::Server& server) -> Task<> {
    auto peer = co_await RawPeer::connect(server.port());
    std::string chunked =
        "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    std::string two = chunked + post("two");
    co_await peer->send(std::move(two));
    const std::string first = co_await peer->read_until("POST /1 abc");
    const std::string second = co_await peer->read_until("POST /x two");
    std::string again = "\r\n" + post("three");
    co_await peer->send(std::move(again));
    const std::string third = co_await peer->read_until("POST /x three");
    CHECK(starts(first, "HTTP/1.1 200"));
    CHECK(starts(second, "HTTP/1.1 200"));
    CHECK(starts(third, "HTTP/1.1 200"));
  });
}

TEST_CASE("HEAD is answered without a body, HTTP/1.0 and Connection: close end the connection") {
  with_server(echo, {}, [](net::Server& server) -> Task<> {
    std::string head = "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const std::string to_head = co_await exchange(server.port(), head);
    CHECK(to_head.ends_with("\r\n\r\n"));
    CHECK(to_head.find("Content-Length: 8\r\n") != std::string::npos);
    std::string old = "GET /x HTTP/1.0\r\n\r\n";
    const std::string to_old = co_await exchange(server.port(), old);
    CHECK(to_old.ends_with("GET /x "));
  });
}

TEST_CASE("what a handler throws becomes an answer, and the connection lives on") {
  auto handler = [](net::ServerRequest request) -> Task<net::ServerResponse> {
    if (request.path == "/limited") throw Error(ErrorKind::rate_limited, "slow down", milliseconds(3000));
    if (request.path == "/bug") throw std::runtime_error("password=secret");
    throw Error(ErrorKind::not_found, "no such run");
    co_return net::ServerResponse{};
  };
  with_server(handler, {}, [](net::Server& server) -> Task<> {
    auto peer = co_await RawPeer::connect(server.port());
    for (const char* path : {"/", "/limited", "/bug"}) {
      std::string request = std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
      co_await peer->send(std::move(request));
      const std::string answer = co_await peer->read_until("}}\n");
      if (path == std::string("/")) {
        CHECK(starts(answer, "HTTP/1.1 404 Not Found"));
        CHECK(answer.ends_with("{\"error\":{\"kind\":\"not_found\",\"message\":\"no such run\"}}\n"));
      } else if (path == std::string("/limited")) {
        CHECK(starts(answer, "HTTP/1.1 429"));
        CHECK(answer.find("Retry-After: 3\r\n") != std::string::npos);
      } else {
        CHECK(starts(answer, "HTTP/1.1 500"));
        CHECK(answer.find("secret") == std::string::npos);
      }
    }
  });
}

TEST_CASE("an answer with broken header fields becomes an internal error") {
  auto handler = [](net::ServerRequest) -> Task<net::ServerResponse> {
    net::ServerResponse response;
    response.headers.add("X", "a\r\nSet-Cookie: b");
    co_return response;
  };
  with_server(handler, {}, [](net::Server& server) -> Task<> {
    const std::string answer = co_await exchange(server.port(), "GET / HTTP/1.0\r\n\r\n");
    CHECK(starts(answer, "HTTP/1.1 500"));
    CHECK(answer.find("Set-Cookie") == std::string::npos);
  });
}

TEST_CASE("D6: requests that could smuggle another are refused and the connection closed") {
  with_server(echo, {}, [](net::Server& server) -> Task<> {
    for (const char* request :
         {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET "
          "/evil HTTP/1.1\r\nHost: a\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET "
          "/evil HTTP/1.1\r\nHost: a\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nab\r\n0\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"}) {
      CAPTURE(request);
      const std::string answer = co_await exchange(server.port(), request);
      CHECK(starts(answer, "HTTP/1.1 400"));
      CHECK(answer.find("evil") == std::string::npos);
      CHECK(answer.find("Connection: close") != std::string::npos);
    }
  });
}

TEST_CASE("malformed requests are refused") {
  with_server(echo, {}, [](net::Server& server) -> Task<> {
    for (const char* request :
         {"\x16\x03\x01", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET nonsense HTTP/1.1\r\nHost: a\r\n\r\n", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
          "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
      CAPTURE(request);
      const std::string answer = co_await exchange(server.port(), request);
      CHECK(starts(answer, "HTTP/1.1 400"));
    }
    const std::string answer = co_await exchange(server.port(), post("a", "Expect: magic\r\n"));
    CHECK(starts(answer, "HTTP/1.1 417"));
  });
}

TEST_CASE("D6: headers and bodies over the limits are refused") {
  net::ServerLimits limits;
  limits.header_bytes = 1000;
  limits.body_bytes = 1000;
  with_server(echo, limits, [](net::Server& server) -> Task<> {
    std::string header = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x');
    const std::string to_header = co_await exchange(server.port(), header);
    CHECK(starts(to_header, "HTTP/1.1 431"));
    std::string announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n";
    const std::string to_announced = co_await exchange(server.port(), announced);
    CHECK(starts(to_announced, "HTTP/1.1 413"));
    std::string sent = post(std::string(300'000, 'x'));
    const std::string to_sent = co_await exchange(server.port(), sent);
    CHECK(starts(to_sent, "HTTP/1.1 413"));
    std::string chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n" + std::string(2000, 'x');
    const std::string to_chunked = co_await exchange(server.port(), chunked);
    CHECK(starts(to_chunked, "HTTP/1.1 413"));
  });
}

TEST_CASE("a client that waits for 100 Continue gets it, and none when its body is too large") {
  net::ServerLimits limits;
  limits.body_bytes = 10;
  with_server(echo, limits, [](net::Server& server) -> Task<> {
    auto peer = co_await RawPeer::connect(server.port());
    std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    co_await peer->send(std::move(head));
    const std::string go_on = co_await peer->read_until("\r\n\r\n");
    CHECK(go_on == "HTTP/1.1 100 Continue\r\n\r\n");
    std::string body = "abc";
    co_await peer->send(std::move(body));
    const std::string answer = co_await peer->read_until("POST /x abc");
    CHECK(starts(answer, "HTTP/1.1 200"));
    std::string large = "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    const std::string refused = co_await exchange(server.port(), large);
    CHECK(starts(refused, "HTTP/1.1 413"));
  });
}

TEST_CASE("D6: slow headers and bodies are ended by their deadlines, silence without a word") {
  net::ServerLimits limits;
  limits.header_timeout = milliseconds(100);
  limits.body_timeout = milliseconds(100);
  limits.keep_alive = milliseconds(100);
  with_server(echo, limits, [](net::Server& server) -> Task<> {
    const std::string silent = co_await exchange(server.port(), "");
    CHECK(silent.empty());
    const std::string header = co_await exchange(server.port(), "GET / HTTP/1.1\r\nHos");
    CHECK(starts(header, "HTTP/1.1 408"));
    const std::string body =
        co_await exchange(server.port(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    CHECK(starts(body, "HTTP/1.1 408"));
    const std::string idle = co_await exchange(server.port(), post("a"));
    CHECK(idle.ends_with("POST /x a"));
  });
}

TEST_CASE("D6: when slow connections take every place, an honest one still gets in") {
  net::ServerLimits limits;
  limits.connections = 4;
  limits.header_timeout = std::chrono::seconds(600);
  with_server(echo, limits, [](net::Server& server) -> Task<> {
    std::vector<std::unique_ptr<RawPeer>> slow;
    for (int i = 0; i < 20; ++i) {
      slow.push_back(co_await RawPeer::connect(server.port()));
      co_await slow.back()->send("GET / HT");
    }
    const std::string answer = co_await exchange(server.port(), "GET /honest HTTP/1.0\r\n\r\n");
    CHECK(answer.ends_with("GET /honest "));
  });
}

TEST_CASE("D6: when clients that send request after request take every place, an honest one still gets in") {
  net::ServerLimits limits;
  limits.connections = 4;
  FakeClock clock;  // stands still, so nobody is ever slow
  Flood flood;
  int answered = 0;
  auto use = [&](net::Server& server) -> Task<> {
    auto executor = co_await boost::asio::this_coro::executor;
    for (std::size_t i = 0; i < limits.connections; ++i)
      boost::asio::co_spawn(executor, flood.connect_again_and_again(server.port()), boost::asio::detached);
    const bool full = co_await eventually([&] { return flood.connected >= limits.connections; });
    CHECK(full);
    boost::asio::co_spawn(executor, exchange(server.port(), "GET /honest HTTP/1.0\r\n\r\n"),
                          [&](std::exception_ptr, std::string answer) {
                            answered += answer.ends_with("GET /honest ") ? 1 : 0;
                          });
    const bool in = co_await eventually([&] { return answered == 1; });
    CHECK(in);
    flood.over = true;
    const bool over = co_await eventually([&] { return flood.running == 0; });
    CHECK(over);
  };
  with_server(clock, echo, limits, use, net::TcpEndpoint{"127.0.0.1", 0});
  CHECK(flood.broken == 0);
}

TEST_CASE("an answer may be the last of its connection because the handler says so") {
  auto handler = [](net::ServerRequest) -> Task<net::ServerResponse> {
    net::ServerResponse response;
    response.headers.set("Connection", "close");
    co_return response;
  };
  with_server(handler, {}, [](net::Server& server) -> Task<> {
    const std::string answer = co_await exchange(server.port(), post("x"));
    CHECK(starts(answer, "HTTP/1.1 200"));
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  });
}

TEST_CASE("while all places are busy with requests a new connection waits, and is served in its turn") {
  net::ServerLimits limits;
  limits.connections = 2;
  Signal open_gate;
  SystemClock clock;
  int in_hand = 0;
  int most = 0;
  auto handler = [&](net::ServerRequest) -> Task<net::ServerResponse> {
    most = std::max(most, ++in_hand);
    co_await open_gate.wait_past(0, clock, clock.steady() + std::chrono::seconds(30));
    --in_hand;
    co_return net::ServerResponse{};
  };
  with_server(handler, limits, [&](net::Server& server) -> Task<> {
    auto executor = co_await boost::asio::this_coro::executor;
    int answered = 0;
    for (int i = 0; i < 5; ++i)
      boost::asio::co_spawn(executor, exchange(server.port(), "GET / HTTP/1.0\r\n\r\n"),
                            [&](std::exception_ptr, std::string answer) {
                              answered += answer.starts_with("HTTP/1.1 200") ? 1 : 0;
                            });
    const bool full = co_await eventually([&] { return in_hand == 2; });
    CHECK(full);
    open_gate.notify();
    const bool all = co_await eventually([&] { return answered == 5; });
    CHECK(all);
  });
  CHECK(most == 2);
}

TEST_CASE("stop lets a request in hand finish, closes idle connections and then returns") {
  Signal open_gate;
  SystemClock clock;
  bool entered = false;
  auto handler = [&](net::ServerRequest request) -> Task<net::ServerResponse> {
    entered = true;
    co_await open_gate.wait_past(0, clock, clock.steady() + std::chrono::seconds(30));
    co_return co_await echo(std::move(request));
  };
  with_server(handler, {}, [&](net::Server& server) -> Task<> {
    auto idle = co_await RawPeer::connect(server.port());
    auto busy = co_await RawPeer::connect(server.port());
    co_await busy->send(post("last"));
    const bool in_hand = co_await eventually([&] { return entered; });
    CHECK(in_hand);
    const auto port = server.port();
    server.stop();
    const std::string nothing = co_await idle->read_to_end();
    CHECK(nothing.empty());
    CHECK_THROWS(co_await RawPeer::connect(port));
    open_gate.notify();
    const std::string answer = co_await busy->read_to_end();
    CHECK(answer.ends_with("POST /x last"));
    CHECK(answer.find("Connection: close") != std::string::npos);
  });
}

TEST_CASE("stop cancels a handler that does not end within the grace") {
  FakeClock clock;
  bool entered = false;
  auto handler = [&](net::ServerRequest) -> Task<net::ServerResponse> {
    entered = true;
    co_await clock.sleep_for(std::chrono::hours(1));
    co_return net::ServerResponse{};
  };
  auto use = [&](net::Server& server) -> Task<> {
    auto peer = co_await RawPeer::connect(server.port());
    co_await peer->send(post("x"));
    const bool in_hand = co_await eventually([&] { return entered; });
    CHECK(in_hand);
    const std::size_t before = clock.sleepers();
    server.stop();
    const bool waits = co_await eventually([&] { return clock.sleepers() > before; });
    CHECK(waits);
    clock.advance(net::stop_grace);
    const std::string nothing = co_await peer->read_to_end();
    CHECK(nothing.empty());
  };
  with_server(clock, handler, {}, use, net::TcpEndpoint{"127.0.0.1", 0});
}

TEST_CASE("a handler whose peer went away does no harm") {
  Signal open_gate;
  SystemClock clock;
  int entered = 0;
  auto handler = [&](net::ServerRequest) -> Task<net::ServerResponse> {
    ++entered;
    co_await open_gate.wait_past(0, clock, clock.steady() + std::chrono::seconds(30));
    net::ServerResponse response;
    response.body = std::string(10 << 20, 'x');
    co_return response;
  };
  with_server(handler, {}, [&](net::Server& server) -> Task<> {
    {
      auto peer = co_await RawPeer::connect(server.port());
      co_await peer->send(post("x"));
      const bool in_hand = co_await eventually([&] { return entered == 1; });
      CHECK(in_hand);
    }
    open_gate.notify();
    const std::string answer = co_await exchange(server.port(), "GET / HTTP/1.0\r\n\r\n");
    CHECK(answer.size() > 10 << 20);
  });
}

TEST_CASE("an address in use and one that is none are told apart") {
  with_server(echo, {}, [](net::Server& server) -> Task<> {
    auto executor = co_await boost::asio::this_coro::executor;
    SystemClock clock;
    try {
      net::listen(executor, clock, net::TcpEndpoint{"127.0.0.1", server.port()}, echo);
      FAIL("listens twice");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::unavailable);
      CHECK(std::string(error.what())
                .find("127.0.0.1:" + std::to_string(server.port()) + ": Address already in use") !=
            std::string::npos);
    }
    try {
      net::listen(executor, clock, net::TcpEndpoint{"nonsense", 0}, echo);
      FAIL("listens on nonsense");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid);
    }
  });
}

TEST_CASE("a Unix socket has its mode, knows its peer and goes away at stop") {
  Directory directory;
  const auto path = directory / "s.sock";
  std::string peer;
  auto handler = [&](net::ServerRequest request) -> Task<net::ServerResponse> {
    peer = request.peer;
    co_return co_await echo(std::move(request));
  };
  const mode_t before = ::umask(0077);
  Workers workers(1);
  SystemClock clock;
  with_server(
      handler, {},
      [&](net::Server& server) -> Task<> {
        CHECK(server.port() == 0);
        struct stat status {};
        ::stat(path.c_str(), &status);
        CHECK((status.st_mode & 0777) == 0660);
        auto client = net::make_client(clock, workers);
        for (int i = 0; i < 2; ++i) {
          auto response = co_await client->send(get_on(path, "/api?x=1"));
          const std::string body = co_await response->read_all(100);
          CHECK(body == "GET /api ");
        }
      },
      net::UnixEndpoint{path, 0660});
  ::umask(before);
  CHECK(peer == "uid:" + std::to_string(::getuid()));
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a Unix socket left behind is replaced; one that is in use and other files are not") {
  Directory directory;
  const auto path = directory / "s.sock";
  const net::UnixEndpoint endpoint{path, 0600};
  {
    // Bound and closed without unlink, as a killed daemon leaves it.
    boost::asio::io_context loop;
    SystemClock clock;
    auto killed = net::listen(loop.get_executor(), clock, endpoint, echo);
    std::filesystem::rename(path, directory / "kept.sock");
    killed.reset();
    std::filesystem::rename(directory / "kept.sock", path);
  }
  REQUIRE(std::filesystem::exists(path));
  with_server(
      echo, {},
      [&](net::Server&) -> Task<> {
        auto executor = co_await boost::asio::this_coro::executor;
        SystemClock clock;
        CHECK_THROWS_WITH(net::listen(executor, clock, endpoint, echo), Catch::Contains("already in use"));
      },
      endpoint);
  std::ofstream(path) << "precious";
  boost::asio::io_context loop;
  SystemClock clock;
  CHECK_THROWS_WITH(net::listen(loop.get_executor(), clock, endpoint, echo), Catch::Contains("not a socket"));
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("E4: out of file descriptors the server rests, keeps what it has and goes on") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  with_server(echo, {}, [&](net::Server& server) -> Task<> {
    auto kept = co_await RawPeer::connect(server.port());
    co_await kept->send(post("before"));
    const std::string first = co_await kept->read_until("POST /x before");
    CHECK(starts(first, "HTTP/1.1 200"));
    // Leaves exactly one descriptor: for the client's end, and none for the server's.
    std::vector<int> used;
    rlimit tight = before;
    tight.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &tight);
    for (int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0;
         fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC))
      used.push_back(fd);
    REQUIRE_FALSE(used.empty());
    ::close(used.back());
    used.pop_back();
    auto waiting = co_await RawPeer::connect(server.port());
    co_await waiting->send(post("waiting"));
    co_await kept->send(post("meanwhile"));
    const std::string second = co_await kept->read_until("POST /x meanwhile");
    CHECK(starts(second, "HTTP/1.1 200"));
    for (int fd : used)
      ::close(fd);
    const std::string third = co_await waiting->read_until("POST /x waiting");
    CHECK(starts(third, "HTTP/1.1 200"));
  });
  ::setrlimit(RLIMIT_NOFILE, &before);
}
