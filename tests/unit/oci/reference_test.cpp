#include "oci/reference.hpp"

#include "core/error.hpp"
#include "core/random.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::oci;

namespace {

const std::string hex64(64, '5');
const std::string digest_text = "sha256:" + hex64;

struct Completion {
  std::string written;
  std::string full;
};

/// The message with which a text is refused, empty when it is not.
template <class T>
std::string reference_refusal(const std::string& text) {
  try {
    T::parse(text);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
}

}  // namespace

TEST_CASE("short names are completed as Docker does") {
  const auto [written, full] = GENERATE(
      Completion{"node", "docker.io/library/node:latest"},
      Completion{"node:9-alpine", "docker.io/library/node:9-alpine"},
      Completion{"bitnami/redis", "docker.io/bitnami/redis:latest"},
      Completion{"docker.io/node:9", "docker.io/library/node:9"},
      Completion{"index.docker.io/node", "docker.io/library/node:latest"},
      Completion{"registry-1.docker.io/a/b:c", "docker.io/a/b:c"},
      Completion{"Docker.IO/node", "docker.io/library/node:latest"},
      Completion{"localhost/a", "localhost/a:latest"}, Completion{"localhost:5000/a:1", "localhost:5000/a:1"},
      Completion{"localhost:5000", "docker.io/library/localhost:5000"},
      Completion{"127.0.0.1:5000/staging/node:9", "127.0.0.1:5000/staging/node:9"},
      Completion{"[::1]:5000/a", "[::1]:5000/a:latest"}, Completion{"[fe80::1]/a:t", "[fe80::1]/a:t"},
      Completion{"Registry.Example.com/a/b/c/d:Tag_1.x-", "registry.example.com/a/b/c/d:Tag_1.x-"},
      Completion{"a--b/c__d/e.f_g:x", "docker.io/a--b/c__d/e.f_g:x"});
  CAPTURE(written);
  CHECK(Reference::parse(written).text() == full);
  CHECK(Reference::parse(full).text() == full);
}

TEST_CASE("a digest makes the tag optional") {
  const auto only = Reference::parse("node@" + digest_text);
  CHECK_FALSE(only.tag);
  CHECK(only.text() == "docker.io/library/node@" + digest_text);
  const auto both = Reference::parse("localhost:5000/node:9@" + digest_text);
  CHECK(both.tag == "9");
  CHECK(both.digest == Digest::parse(digest_text));
  CHECK(both.text() == "localhost:5000/node:9@" + digest_text);
}

TEST_CASE("a malformed reference is refused") {
  const auto text = GENERATE(
      std::string(), std::string(":tag"), std::string("@") + digest_text, std::string("node:"),
      std::string("node@"), std::string("node@sha256:12"),
      std::string("node:9@") + digest_text + "@" + digest_text, std::string("/node"), std::string("node/"),
      std::string("a//b"), std::string("a/./b"), std::string("a/../b"), std::string("-a"), std::string("a-"),
      std::string("a..b"), std::string("a___b"), std::string("a._b"), std::string("a b"),
      std::string("node:-x"), std::string("node:.x"), "node:" + std::string(129, 'x'),
      std::string("node:a:b"), std::string("example.com:0/a"), std::string("example.com:65536/a"),
      std::string("example.com:99999999999/a"), std::string("example.com:/a"), std::string("-x.com/a"),
      std::string("x-.com/a"), std::string("x..com/a"), std::string(".com/a"), std::string("x_y.com/a"),
      std::string("[::1/a"), std::string("[]/a"), std::string("[::1]x/a"), std::string("[::1]:/a"),
      std::string("[1]/a"), std::string("user@host.com/a"), std::string("example.com/"), std::string("a\nb"),
      std::string("a\0b", 3), std::string("n\xc3\xb6"), std::string("node?x"), std::string("a/b#c"),
      std::string("a%2fb"), "example.com/" + std::string(256, 'a'), std::string(300, 'a') + ".com/a");
  CAPTURE(text);
  CHECK_FALSE(reference_refusal<Reference>(text).empty());
}

TEST_CASE("a path has at most 255 characters, with the library that a short name leaves out") {
  const std::string fits(255 - std::string("library/").size(), 'a');
  CHECK(Repository::parse(fits).path == "library/" + fits);
  for (const std::string host : {"", "docker.io/", "index.docker.io/"})
    CHECK(reference_refusal<Repository>(host + fits + "a").find("longer than 255") != std::string::npos);
  CHECK(Repository::parse("example.com/" + std::string(255, 'a')).path.size() == 255);
}

TEST_CASE("a refusal says what is wrong and how to put it right") {
  CHECK(reference_refusal<Reference>("example.com/Node").find("lower case") != std::string::npos);
  CHECK(reference_refusal<Reference>("Node").find("lower case") != std::string::npos);
  CHECK(reference_refusal<Reference>("https://example.com/node").find("scheme") != std::string::npos);
  CHECK(reference_refusal<Repository>("https://example.com/node").find("scheme") != std::string::npos);
  CHECK(reference_refusal<Reference>(hex64).find("image id") != std::string::npos);
  CHECK(reference_refusal<Reference>("evil\x1b[2J:x").find('\x1b') == std::string::npos);
  CHECK(reference_refusal<Reference>(std::string(1'000'000, '/')).size() < 1000);
}

TEST_CASE("64 hexadecimal digits are a fine name where they cannot be an image id") {
  CHECK(reference_refusal<Reference>("example.com/" + hex64).empty());
}

TEST_CASE("a repository has neither tag nor digest") {
  CHECK(Repository::parse("node").text() == "docker.io/library/node");
  CHECK(Repository::parse("localhost:5000/a/b").text() == "localhost:5000/a/b");
  CHECK(reference_refusal<Repository>("node:9").find("tag is not allowed") != std::string::npos);
  CHECK(reference_refusal<Repository>("node@" + digest_text).find("digest is not allowed") !=
        std::string::npos);
}

TEST_CASE("tags and paths follow the distribution grammar") {
  CHECK(is_valid_tag("9-alpine"));
  CHECK(is_valid_tag("_x"));
  CHECK(is_valid_tag(std::string(128, 'x')));
  CHECK_FALSE(is_valid_tag(""));
  CHECK_FALSE(is_valid_tag("a/b"));
  CHECK(is_valid_path("a/b-c/d"));
  CHECK_FALSE(is_valid_path(""));
  CHECK_FALSE(is_valid_path("a/"));
  CHECK_FALSE(is_valid_path("A"));
}

TEST_CASE("any well-formed reference survives being written and read again") {
  SeededRandom random(29);
  const auto pick = [&](std::string_view alphabet, std::size_t most) {
    std::string text;
    for (auto size = random.next() % most + 1; size > 0; --size)
      text += alphabet[random.next() % alphabet.size()];
    return text;
  };
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const std::vector<std::string> separators{".", "_", "__", "-", "--", "---"};
  const std::vector<std::string> hosts{"localhost",   "localhost:1", "example.com", "a.b:65535",
                                       "10.0.0.1:80", "[::1]:443",   "docker.io"};
  for (int i = 0; i < 5'000; ++i) {
    std::string path = pick(letters, 8);
    for (auto parts = random.next() % 5; parts > 0; --parts)
      path += (random.next() % 2 ? "/" : separators[random.next() % separators.size()]) + pick(letters, 8);
    auto text = hosts[random.next() % hosts.size()] + "/" + path;
    const auto form = random.next() % 3;
    if (form != 0) text += ":" + pick("abcXYZ019_", 1) + pick("abcXYZ019_.-", 20);
    if (form != 1) text += "@" + Digest::of(text).text();
    CAPTURE(text);
    const auto reference = Reference::parse(text);
    REQUIRE(Reference::parse(reference.text()) == reference);
    REQUIRE(Repository::parse(reference.repository.text()) == reference.repository);
    if (!text.starts_with("docker.io/")) REQUIRE(reference.text() == text);
  }
}

TEST_CASE("a random text is either refused or means the same when read again") {
  SeededRandom random(31);
  constexpr std::string_view alphabet = "ab0.:/@-_[]A% \xff";
  for (int i = 0; i < 5'000; ++i) {
    std::string text;
    for (auto size = random.next() % 16; size > 0; --size)
      text += alphabet[random.next() % alphabet.size()];
    std::optional<Reference> reference;
    try {
      reference = Reference::parse(text);
    } catch (const Error&) {
      continue;
    }
    CAPTURE(text);
    REQUIRE(Reference::parse(reference->text()) == *reference);
  }
}
