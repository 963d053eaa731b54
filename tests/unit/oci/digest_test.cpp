#include "oci/digest.hpp"

#include "core/error.hpp"
#include "core/random.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::oci;

namespace {
const std::string empty_sha256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
}

TEST_CASE("digests of known texts (FIPS 180-4 examples)") {
  CHECK(Digest::of("").text() == empty_sha256);
  CHECK(Digest::of("abc").text() ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Hasher hasher("sha512");
  hasher.update("abc");
  CHECK(hasher.finish().text() ==
        "sha512:"
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d"
        "4423"
        "643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("a digest knows its parts") {
  const auto digest = Digest::parse(empty_sha256);
  REQUIRE(digest);
  CHECK(digest->algorithm() == "sha256");
  CHECK(digest->hex() == empty_sha256.substr(7));
  CHECK(digest->shortened() == "sha256:e3b0c44298fc");
}

TEST_CASE("what is not exactly a sha256 or sha512 digest is refused") {
  const std::string hex(64, 'a');
  for (const std::string& text :
       {std::string(), std::string("sha256"), std::string("sha256:"), hex, "sha256:" + hex + "a",
        "sha256:" + hex.substr(1), "sha512:" + hex, "sha256:" + std::string(64, 'A'), "SHA256:" + hex,
        "md5:" + hex, " sha256:" + hex, "sha256:" + hex + "\n", "sha256:" + std::string(63, 'a') + "g",
        "sha256::" + hex.substr(1), "sha256:" + hex.substr(1) + std::string(1, '\0'), ":" + hex}) {
    CAPTURE(text);
    CHECK_FALSE(Digest::parse(text));
  }
}

TEST_CASE("a hash does not depend on how the bytes arrive") {
  SeededRandom random(23);
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    for (auto size = random.next() % 5000; size > 0; --size)
      bytes += static_cast<char>(random.next());
    Hasher hasher;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto size = std::min<std::size_t>(rest.size(), random.next() % 700 + 1);
      hasher.update(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    const auto digest = hasher.finish();
    REQUIRE(digest == Digest::of(bytes));
    REQUIRE(Digest::parse(digest.text()) == digest);
  }
}

TEST_CASE("a hasher of an unknown algorithm is refused") {
  try {
    Hasher hasher("md5");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
  }
}

TEST_CASE("a hasher can be moved in the middle") {
  Hasher first;
  first.update("a");
  Hasher second(std::move(first));
  second.update("bc");
  CHECK(second.finish() == Digest::of("abc"));
}
