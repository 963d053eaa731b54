#pragma once
// Checking what others signed: keyed hashes and RSA signatures. Pure.

#include "core/clock.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::net {

enum class Hash { sha1, sha256, sha512 };

/// HMAC (RFC 2104), raw bytes.
std::string hmac(Hash hash, std::string_view key, std::string_view message);
/// Raw bytes.
std::string hash_of(Hash hash, std::string_view message);

/// An RSA public key of 2048 to 8192 bits. Weaker ones are refused.
class PublicKey {
 public:
  /// Of a PEM certificate that is valid at `at`. Throws Error(invalid). Says nothing about who issued it:
  /// that is for the connection it came over to prove.
  static PublicKey from_certificate(std::string_view pem, Time at);
  /// Modulus and exponent as big-endian bytes (RFC 7518 6.3.1). Throws Error(invalid).
  static PublicKey from_numbers(std::string_view modulus, std::string_view exponent);
  /// RSASSA-PKCS1-v1_5 (RFC 8017 8.2).
  bool verifies(Hash hash, std::string_view message, std::string_view signature) const;

 private:
  explicit PublicKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;
};

}  // namespace sluice::net
