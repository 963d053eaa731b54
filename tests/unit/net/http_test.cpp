#include "net/http.hpp"

#include <random>

#include <catch2/catch.hpp>

using namespace sluice::net;

TEST_CASE("header names compare without case and keep their order") {
  Headers headers{{"Content-Type", "a"}, {"Link", "1"}};
  headers.add("link", "2");
  CHECK(headers.get("CONTENT-TYPE") == "a");
  CHECK(headers.get("Link") == "1");
  CHECK(headers.all("LINK") == std::vector<std::string>{"1", "2"});
  CHECK_FALSE(headers.get("Content"));
  headers.set("LINK", "3");
  CHECK(headers.all("link") == std::vector<std::string>{"3"});
  headers.remove("content-TYPE");
  CHECK(headers.fields().size() == 1);
}

// RFC 4648 10.
TEST_CASE("base64 agrees with the vectors of its specification") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(base64_encode(plain) == encoded);
    CHECK(base64_decode(encoded) == plain);
  }
  CHECK(base64_decode("Zg") == "f");
  CHECK(base64_decode("Zm9vYmE") == "fooba");
}

TEST_CASE("malformed base64 is refused") {
  for (const char* text :
       {"Z", "Zg=", "Zg===", "=", "====", "Zm9v=", "Zm 9v", "Zm9v\n", "Zm9-", "Z=g=", "Zh==", "Zm9="})
    CHECK_FALSE(base64_decode(text));
}

TEST_CASE("base64 gives back any bytes") {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random());
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
  }
}

TEST_CASE("secrets are equal only when all bytes are") {
  CHECK(equal_secret("", ""));
  CHECK(equal_secret(std::string("a\0b", 3), std::string("a\0b", 3)));
  CHECK_FALSE(equal_secret("abc", "abd"));
  CHECK_FALSE(equal_secret("abc", "abcd"));
  CHECK_FALSE(equal_secret("", "a"));
}

TEST_CASE("percent encoding leaves unreserved characters alone and is undone by decoding") {
  CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encode("a b/c?d=e&f+\xc3\xa4") == "a%20b%2Fc%3Fd%3De%26f%2B%C3%A4");
  std::string all;
  for (int c = 0; c < 256; ++c)
    all += static_cast<char>(c);
  CHECK(percent_decode(percent_encode(all)) == all);
  CHECK(percent_decode("%2f%2F") == "//");
  for (const char* text : {"%", "%2", "a%", "%g0", "%0g", "%%20"})
    CHECK_FALSE(percent_decode(text));
}
