#include "net/signature.hpp"

#include "core/error.hpp"
#include "net/http.hpp"
#include "support/rsa_signer.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;

TEST_CASE("HMAC gives what RFC 2202 and RFC 4231 print") {
  const std::string key = "Jefe";
  const std::string message = "what do ya want for nothing?";
  CHECK(hex_encode(hmac(Hash::sha1, key, message)) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  CHECK(hex_encode(hmac(Hash::sha256, key, message)) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac(Hash::sha512, key, message)).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
}

// RFC 4231 4.3 and 4.4.
TEST_CASE("HMAC-SHA256 agrees with the vectors of its specification") {
  CHECK(hex_encode(hmac(Hash::sha256, "Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac(Hash::sha256, std::string(20, '\xaa'), std::string(50, '\xdd'))) ==
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

TEST_CASE("HMAC works with an empty key and an empty message") {
  const std::string expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  CHECK(hex_encode(hmac(Hash::sha256, "", "")) == expected);
  CHECK(hex_encode(hmac(Hash::sha256, std::string_view{}, std::string_view{})) == expected);
}

TEST_CASE("A hash is what everybody gets") {
  CHECK(hex_encode(hash_of(Hash::sha1, "abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_encode(hash_of(Hash::sha256, "")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("A signature holds for its message, its hash and its key only") {
  const test::RsaSigner signer;
  const test::RsaSigner other;
  const auto key = PublicKey::from_numbers(signer.modulus(), signer.exponent());
  const auto signature = signer.sign(EVP_sha256(), "message");
  CHECK(key.verifies(Hash::sha256, "message", signature));
  CHECK_FALSE(key.verifies(Hash::sha256, "massage", signature));
  CHECK_FALSE(key.verifies(Hash::sha1, "message", signature));
  CHECK_FALSE(key.verifies(Hash::sha256, "message", other.sign(EVP_sha256(), "message")));
  CHECK_FALSE(key.verifies(Hash::sha256, "message", ""));
  CHECK_FALSE(key.verifies(Hash::sha256, "message", signature.substr(1)));
}

TEST_CASE("The key of a certificate counts while the certificate is valid") {
  const test::RsaSigner signer;
  const auto now = SystemClock().now();
  const auto key = PublicKey::from_certificate(signer.certificate(), now);
  CHECK(key.verifies(Hash::sha1, "m", signer.sign(EVP_sha1(), "m")));
  CHECK_THROWS_WITH(PublicKey::from_certificate(signer.certificate(-7200, -3600), now),
                    Catch::Contains("not valid now"));
  CHECK_THROWS_WITH(PublicKey::from_certificate(signer.certificate(3600, 7200), now),
                    Catch::Contains("not valid now"));
  CHECK_THROWS_AS(
      PublicKey::from_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", now),
      Error);
  CHECK_THROWS_AS(PublicKey::from_certificate("", now), Error);
}

TEST_CASE("Weak and absurd keys are refused") {
  const test::RsaSigner weak(1024);
  CHECK_THROWS_WITH(PublicKey::from_numbers(weak.modulus(), weak.exponent()), Catch::Contains("2048"));
  CHECK_THROWS_AS(PublicKey::from_numbers("", ""), Error);
  CHECK_THROWS_AS(PublicKey::from_numbers(std::string(5000, 'x'), "\x01\x00\x01"), Error);
  CHECK_THROWS_AS(PublicKey::from_numbers(std::string(256, 'x'), std::string(5000, 'x')), Error);
}
