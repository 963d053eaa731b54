#include "net/head.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;

namespace {

template <class F>
ErrorKind kind_of(F action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::internal;
}

}  // namespace

TEST_CASE("the end of a head is found wherever the pieces were cut") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string bytes = head + "body";
  for (std::size_t cut = 0; cut < head.size(); ++cut) {
    CHECK_FALSE(head_size(std::string_view(bytes).substr(0, cut)));
    CHECK(head_size(bytes, cut) == head.size());
  }
}

TEST_CASE("a request head is read into its parts") {
  const auto head =
      parse_request_head("M-SEARCH /a?b HTTP/1.0\r\nHost: x\r\nX-Empty:\r\nx-two: 1\r\nX-Two: 2\r\n\r\n");
  CHECK(head.method == "M-SEARCH");
  CHECK(head.target == "/a?b");
  CHECK(head.minor == 0);
  CHECK(head.headers.get("x-empty") == "");
  CHECK(head.headers.all("X-Two") == std::vector<std::string>{"1", "2"});
}

TEST_CASE("a response head is read into its parts, with or without a reason") {
  CHECK(parse_response_head("HTTP/1.1 200 OK\r\n\r\n").status == 200);
  CHECK(parse_response_head("HTTP/1.1 429 \r\nA: b\r\n\r\n").headers.get("a") == "b");
  CHECK(parse_response_head("HTTP/1.0 204 x\r\n\r\n").minor == 0);
}

TEST_CASE("malformed heads are corrupt") {
  for (const char* bytes : {"\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
                            "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost a\r\n\r\n",
                            "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
                            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
                            "GET /\x7f HTTP/1.1\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
                            "GET  / HTTP/1.1\r\n\r\n"}) {
    CAPTURE(bytes);
    CHECK(kind_of([&] { parse_request_head(bytes); }) == ErrorKind::corrupt);
  }
  for (const char* bytes :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/3 200 OK\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 abc x\r\n\r\n", "ICY 200 OK\r\n\r\n", "\r\n\r\n"}) {
    CAPTURE(bytes);
    CHECK(kind_of([&] { parse_response_head(bytes); }) == ErrorKind::corrupt);
  }
}

TEST_CASE("D8: a malformed head is quoted bounded and escaped") {
  const std::string bytes = "\x1b[31mHELLO " + std::string(10000, 'x') + "\r\n\r\n";
  try {
    parse_response_head(bytes);
    FAIL("accepted");
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.size() < 300);
    CHECK(text.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("the beginning of a response is recognised from its first byte on") {
  for (const char* bytes : {"", "H", "HTTP/1", "HTTP/1.1 200"})
    CHECK(may_be_response(bytes));
  for (const char* bytes : {"h", "HTTP/2", "<html>", "\x15\x03\x01", "SSH-2.0"})
    CHECK_FALSE(may_be_response(bytes));
}

TEST_CASE("fields that would break out of their line cannot be sent") {
  CHECK(serialize("GET / HTTP/1.1", {{"A", "b\tc"}}) == "GET / HTTP/1.1\r\nA: b\tc\r\n\r\n");
  CHECK(kind_of([] { serialize("x", {{"A", "b\r\nC: d"}}); }) == ErrorKind::invalid);
  CHECK(kind_of([] { serialize("x", {{"A", std::string("b\0", 2)}}); }) == ErrorKind::invalid);
  CHECK(kind_of([] { serialize("x", {{"A:", "b"}}); }) == ErrorKind::invalid);
  CHECK(kind_of([] { serialize("x", {{"", "b"}}); }) == ErrorKind::invalid);
}

TEST_CASE("tokens are found in lists, without case") {
  const Headers headers{{"Connection", "keep-alive, CLOSE"}, {"Connection", "te"}};
  CHECK(has_token(headers, "connection", "close"));
  CHECK(has_token(headers, "connection", "TE"));
  CHECK_FALSE(has_token(headers, "connection", "clos"));
  CHECK_FALSE(has_token(headers, "connection", ""));
}
