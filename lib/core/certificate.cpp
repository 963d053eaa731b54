#include "core/certificate.hpp"

#include <ctime>
#include <memory>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace sluice {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio bio_on(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

X509Ptr first_certificate(std::string_view text) {
  const auto bio = bio_on(text);
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr), &X509_free);
  ERR_clear_error();
  return certificate;
}

/// Whether everything in the text that says to be a certificate is one.
bool chain_is_whole(std::string_view text) {
  const auto bio = bio_on(text);
  while (X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr), &X509_free)) {
  }
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// What TLS libraries take today, security level 2 of OpenSSL (SSL_CTX_set_security_level(3)).
constexpr int least_security_bits = 112;

}  // namespace

std::optional<PairFault> fault_of_pair(std::string_view certificate, const Secret& key) {
  const auto x509 = first_certificate(certificate);
  if (!x509)
    return PairFault{
        .in_key = false,
        .why = "it holds no certificate",
        .advice =
            "a PEM file is wanted: -----BEGIN CERTIFICATE-----, the server's own first, then those "
            "between it and the authority"};
  if (!chain_is_whole(certificate))
    return PairFault{.in_key = false,
                     .why = "a certificate after the first is damaged",
                     .advice = "was the file cut off? Write it anew"};
  const auto bio = bio_on(key.reveal());
  const KeyPtr private_key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr),
                           &EVP_PKEY_free);
  ERR_clear_error();
  if (!private_key) {
    const bool encrypted = key.reveal().find("ENCRYPTED") != std::string_view::npos;
    return PairFault{
        .in_key = true,
        .why = encrypted ? "the key has a passphrase" : "it holds no private key",
        .advice = encrypted ? "keep it without one, readable for sluice only: openssl pkey -in KEY -out NEW"
                            : "a PEM file is wanted: -----BEGIN PRIVATE KEY-----"};
  }
  const bool fits = X509_check_private_key(x509.get(), private_key.get()) == 1;
  ERR_clear_error();
  if (!fits)
    return PairFault{
        .in_key = true,
        .why = "this is not the key of the certificate",
        .advice =
            "the first certificate of the file must be the server's own; was only one of the two "
            "files renewed?"};
  if (EVP_PKEY_get_security_bits(private_key.get()) < least_security_bits)
    return PairFault{.in_key = true,
                     .why = "the key is too weak",
                     .advice = "RSA needs 2048 bits at least; a curve such as P-256 is shorter and quicker"};
  return std::nullopt;
}

std::optional<Time> end_of_certificate(std::string_view certificate) {
  const auto x509 = first_certificate(certificate);
  std::tm end{};
  if (!x509 || ASN1_TIME_to_tm(X509_get0_notAfter(x509.get()), &end) != 1) return std::nullopt;
  return Time(std::chrono::seconds(::timegm(&end)));
}

}  // namespace sluice
