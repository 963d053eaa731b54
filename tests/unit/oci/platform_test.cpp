#include "oci/platform.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::oci;

TEST_CASE("platforms are read and shown") {
  CHECK(Platform::parse("linux/amd64") == Platform{"linux", "amd64", ""});
  CHECK(Platform::parse("linux/arm/v7") == Platform{"linux", "arm", "v7"});
  CHECK(Platform::parse("linux/arm/v7").text() == "linux/arm/v7");
  CHECK(Platform::parse("windows/amd64").text() == "windows/amd64");
}

TEST_CASE("machine names of the kernel are taken for the architectures that they are") {
  CHECK(Platform::parse("linux/x86_64").text() == "linux/amd64");
  CHECK(Platform::parse("linux/aarch64").text() == "linux/arm64");
  CHECK(Platform::parse("linux/armv7l").text() == "linux/arm/v7");
}

TEST_CASE("what is not a platform is refused") {
  const auto* text = GENERATE("", "linux", "linux/", "/amd64", "linux//v7", "Linux/amd64", "linux/amd64/v1/x",
                              "linux/amd 64", "linux/arm/", "a/b/c/d/e/f", "linux/\x1b[m");
  CAPTURE(text);
  try {
    Platform::parse(text);
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK(std::string(error.what()).find('\x1b') == std::string::npos);
  }
}

TEST_CASE("the platform of this machine can be read back") {
  const auto host = Platform::host();
  CHECK(host.os == "linux");
  CHECK(Platform::parse(host.text()) == host);
  CHECK(host.architecture != "x86_64");
}

TEST_CASE("an image fits a platform of its system and architecture, and of its variant where one is wanted") {
  const std::tuple<const char*, const char*, bool> rows[] = {
      {"linux/amd64", "linux/amd64", true},    {"linux/amd64", "linux/arm64", false},
      {"linux/amd64", "windows/amd64", false}, {"linux/arm/v6", "linux/arm", true},
      {"linux/arm/v6", "linux/arm/v7", false}, {"linux/arm", "linux/arm/v7", true},
      {"linux/arm64", "linux/arm64/v8", true},
  };
  for (const auto& [image, wanted, good] : rows) {
    CAPTURE(image, wanted);
    CHECK(fits(Platform::parse(image), Platform::parse(wanted)) == good);
  }
}
