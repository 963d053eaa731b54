#include "net/framing.hpp"

#include "core/error.hpp"

#include <random>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;

namespace {

using Kind = Framing::Kind;

Framing framing(Headers headers, int status = 200, bool to_head = false, int minor = 1) {
  ResponseHead head;
  head.status = status;
  head.minor = minor;
  head.headers = std::move(headers);
  return response_framing(head, to_head);
}

// Decodes in pieces of `size` bytes; what follows the end is left out.
std::string decode(std::string_view bytes, std::size_t size, bool& done) {
  ChunkDecoder decoder;
  std::string payload;
  while (!bytes.empty() && !decoder.done()) {
    std::string piece(bytes.substr(0, size));
    const auto step = decoder.decode(std::span<char>(piece.data(), piece.size()));
    payload += piece.substr(0, step.payload);
    bytes.remove_prefix(step.consumed);
  }
  done = decoder.done();
  return payload;
}

bool is_corrupt(std::string_view bytes) {
  bool done = false;
  try {
    decode(bytes, 7, done);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::corrupt;
  }
  return false;
}

}  // namespace

TEST_CASE("a body ends where its header says") {
  CHECK(framing({{"Content-Length", "5"}}).length == 5);
  CHECK(framing({{"Content-Length", "5"}}).kind == Kind::length);
  CHECK(framing({{"Content-Length", "0"}}).kind == Kind::none);
  CHECK(framing({{"Transfer-Encoding", "Chunked"}}).kind == Kind::chunked);
  CHECK(framing({}).kind == Kind::until_close);
  CHECK(request_framing(RequestHead{}).kind == Kind::none);
}

TEST_CASE("answers to HEAD, 204 and 304 have no body whatever they announce") {
  CHECK(framing({{"Content-Length", "5"}}, 200, true).kind == Kind::none);
  CHECK(framing({{"Transfer-Encoding", "chunked"}}, 200, true).kind == Kind::none);
  CHECK(framing({{"Content-Length", "5"}}, 204).kind == Kind::none);
  CHECK(framing({{"Content-Length", "5"}}, 304).kind == Kind::none);
}

TEST_CASE("D6: framing that two readers could understand differently is corrupt") {
  for (const Headers& headers :
       {Headers{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
        Headers{{"Content-Length", "5"}, {"Content-Length", "5"}}, Headers{{"Content-Length", "5, 5"}},
        Headers{{"Content-Length", "+5"}}, Headers{{"Content-Length", "-5"}},
        Headers{{"Content-Length", "0x5"}}, Headers{{"Content-Length", ""}},
        Headers{{"Content-Length", " 5"}}, Headers{{"Content-Length", "18446744073709551616"}},
        Headers{{"Transfer-Encoding", "gzip, chunked"}}, Headers{{"Transfer-Encoding", "xchunked"}},
        Headers{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
        Headers{{"Transfer-Encoding", "identity"}}}) {
    CAPTURE(headers.fields().front());
    CHECK_THROWS_AS(framing(headers), Error);
    RequestHead request;
    request.headers = headers;
    CHECK_THROWS_AS(request_framing(request), Error);
  }
  CHECK_THROWS_AS(framing({{"Transfer-Encoding", "chunked"}}, 200, false, 0), Error);
}

TEST_CASE("chunks are put together wherever the pieces were cut") {
  const std::string bytes =
      "5\r\nhello\r\n1;ext=\"a\"\r\n \r\nA \t;x\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n";
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    bool done = false;
    CHECK(decode(bytes, size, done) == "hello 0123456789");
    CHECK(done);
  }
}

TEST_CASE("bytes behind the last chunk are left alone") {
  std::string bytes = "1\r\na\r\n0\r\n\r\nHTTP/1.1";
  ChunkDecoder decoder;
  const auto step = decoder.decode(std::span<char>(bytes.data(), bytes.size()));
  CHECK(decoder.done());
  CHECK(step.payload == 1);
  CHECK(bytes.substr(step.consumed) == "HTTP/1.1");
}

TEST_CASE("malformed chunks are corrupt") {
  for (const char* bytes : {"\r\n", "g\r\n", "-1\r\n", "+1\r\na\r\n", "0x1\r\na\r\n", "1 1\r\na", "1\na\n",
                            "1\r\nab\r\n", "1\r\na\rb", "1\r\na\n", "1\r\r\na", "11111111111111111\r\n",
                            "0\r\nA: b\n\r\n", "0\r\n\rX", " 1\r\na\r\n", "1 \r\na\r\n", "<html>\r\n"}) {
    CAPTURE(bytes);
    CHECK(is_corrupt(bytes));
  }
}

TEST_CASE("D4: endless chunk size lines and trailers are corrupt") {
  CHECK(is_corrupt("1;" + std::string(300, 'x')));
  CHECK(is_corrupt(std::string(300, '0')));
  CHECK(is_corrupt("0\r\n" + std::string(9000, 'x')));
  std::string lines = "0\r\n";
  for (int i = 0; i < 3000; ++i)
    lines += "a:b\r\n";
  CHECK(is_corrupt(lines));
}

TEST_CASE("random bytes neither crash the decoder nor make payload out of nothing") {
  std::mt19937 random(11);
  const std::string alphabet = "0123af;\r\n\r\n x";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes)
      c = alphabet[random() % alphabet.size()];
    bool done = false;
    try {
      const std::string payload = decode(bytes, 1 + random() % 9, done);
      REQUIRE(payload.size() <= bytes.size());
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::corrupt);
    }
  }
}
