#include "core/certificate.hpp"

#include "support/certificates.hpp"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a certificate and its own key are a pair, in two files or in one") {
  Authority authority;
  const auto files = authority.issue();
  const auto certificate = content_of(files.certificate);
  const auto key = content_of(files.key);
  CHECK_FALSE(fault_of_pair(certificate, Secret(key)));
  CHECK_FALSE(fault_of_pair(key + certificate, Secret(certificate + key)));
  CHECK_FALSE(fault_of_pair(certificate + content_of(authority.certificate()), Secret(key)));
}

TEST_CASE("what is no pair is told by which of the two is wrong, and what to do") {
  Authority authority;
  const auto one = authority.issue();
  const auto other = authority.issue();
  const auto certificate = content_of(one.certificate);
  const auto key = content_of(one.key);
  const auto fault = [](const std::string& first, const std::string& second) {
    const auto found = fault_of_pair(first, Secret(second));
    REQUIRE(found);
    CHECK_FALSE(found->advice.empty());
    return (found->in_key ? "key: " : "certificate: ") + found->why;
  };
  CHECK(fault("", key) == "certificate: it holds no certificate");
  CHECK(fault(key, key) == "certificate: it holds no certificate");
  CHECK(fault(certificate.substr(0, certificate.size() / 2), key) == "certificate: it holds no certificate");
  const auto chain = certificate + content_of(authority.certificate());
  CHECK(fault(chain.substr(0, chain.size() - 100), key) ==
        "certificate: a certificate after the first is damaged");
  CHECK(fault(certificate, "") == "key: it holds no private key");
  CHECK(fault(certificate, certificate) == "key: it holds no private key");
  CHECK(fault(certificate,
              "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n") ==
        "key: the key has a passphrase");
  CHECK(fault(certificate, content_of(other.key)) == "key: this is not the key of the certificate");
  // The server's own must be the first.
  CHECK(fault(content_of(authority.certificate()) + certificate, key) ==
        "key: this is not the key of the certificate");
}

TEST_CASE("the end of a certificate is that of the first one of a file") {
  Authority authority;
  const auto soon = content_of(authority.issue({.valid_from = -10, .valid_until = 100}).certificate);
  const auto late = content_of(authority.issue({.valid_from = -10, .valid_until = 100'000}).certificate);
  REQUIRE(end_of_certificate(soon));
  CHECK(*end_of_certificate(late) - *end_of_certificate(soon) > std::chrono::seconds(90'000));
  CHECK(end_of_certificate(soon + late) == end_of_certificate(soon));
  CHECK_FALSE(end_of_certificate("nothing"));
}
