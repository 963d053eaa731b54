#pragma once
// Certificates made at test time.

#include "support/scripted_server.hpp"

#include <filesystem>
#include <string>

namespace sluice::test {

struct CertificateWish {
  /// subjectAltName, for instance "DNS:localhost,IP:127.0.0.1".
  std::string names = "DNS:localhost,IP:127.0.0.1";
  /// Seconds from now; both negative makes an expired one.
  long valid_from = -3600;
  long valid_until = 3600;
};

/// A certificate authority in a directory of its own, removed with it.
class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  /// PEM of the authority.
  std::filesystem::path certificate() const { return directory_ / "ca.pem"; }
  /// A certificate signed by this authority, with its key.
  TlsFiles issue(const CertificateWish& wish = {});
  /// One signed by itself.
  TlsFiles self_signed(const CertificateWish& wish = {});

 private:
  std::filesystem::path directory_;
  int issued_ = 0;
};

}  // namespace sluice::test
