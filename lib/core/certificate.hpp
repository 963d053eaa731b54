#pragma once
// Certificates and keys as PEM texts (RFC 7468), judged before anybody listens with them.

#include "core/clock.hpp"
#include "core/secret.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// What is wrong with a certificate and its key.
struct PairFault {
  bool in_key = false;  // else in the certificate
  std::string why;
  std::string advice;
};

/// Nullopt when a server can prove itself with them: a certificate (its own first, then those that lead to an
/// authority), and the key that belongs to it, without a passphrase. Other things in the texts do not matter,
/// so one file may hold both. Nothing of the key is in the answer.
std::optional<PairFault> fault_of_pair(std::string_view certificate, const Secret& key);

/// When the first certificate of a text ends to be valid; nullopt when there is none.
std::optional<Time> end_of_certificate(std::string_view certificate);

}  // namespace sluice
