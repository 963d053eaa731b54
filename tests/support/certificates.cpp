#include "support/certificates.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace sluice::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

File open(const std::filesystem::path& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), &std::fclose);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return file;
}

Key make_key() {
  return {EVP_EC_gen("P-256"), &EVP_PKEY_free};
}

void extend(X509* certificate, X509* issuer, int name, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, name, value);
  if (extension == nullptr) throw std::runtime_error(std::string("OpenSSL refuses the extension ") + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Null issuer: signed by itself.
Certificate make(EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, const CertificateWish& wish,
                 bool authority, int serial) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.valid_until);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const std::string name = authority ? "test authority" : "test " + std::to_string(serial);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  extend(certificate.get(), signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!authority) extend(certificate.get(), signer, NID_subject_alt_name, wish.names.c_str());
  if (X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0)
    throw std::runtime_error("OpenSSL cannot sign");
  return certificate;
}

void save(X509* certificate, EVP_PKEY* key, const std::filesystem::path& certificate_path,
          const std::filesystem::path& key_path) {
  PEM_write_X509(open(certificate_path, "w").get(), certificate);
  PEM_write_PrivateKey(open(key_path, "w").get(), key, nullptr, nullptr, 0, nullptr, nullptr);
}

}  // namespace

Authority::Authority() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sluice-ca-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("cannot make a directory for certificates");
  directory_ = pattern;
  const Key key = make_key();
  const Certificate certificate = make(key.get(), nullptr, key.get(), {}, true, 1);
  save(certificate.get(), key.get(), this->certificate(), directory_ / "ca.key");
}

Authority::~Authority() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

TlsFiles Authority::issue(const CertificateWish& wish) {
  const Certificate issuer(PEM_read_X509(open(certificate(), "r").get(), nullptr, nullptr, nullptr),
                           &X509_free);
  const Key issuer_key(PEM_read_PrivateKey(open(directory_ / "ca.key", "r").get(), nullptr, nullptr, nullptr),
                       &EVP_PKEY_free);
  const Key key = make_key();
  const int serial = ++issued_ + 1;
  const Certificate made = make(key.get(), issuer.get(), issuer_key.get(), wish, false, serial);
  const TlsFiles files{
      directory_ / (std::to_string(serial) + ".pem"), directory_ / (std::to_string(serial) + ".key"), {}};
  save(made.get(), key.get(), files.certificate, files.key);
  return files;
}

TlsFiles Authority::self_signed(const CertificateWish& wish) {
  const Key key = make_key();
  const int serial = ++issued_ + 1;
  const Certificate made = make(key.get(), nullptr, key.get(), wish, false, serial);
  const TlsFiles files{
      directory_ / (std::to_string(serial) + ".pem"), directory_ / (std::to_string(serial) + ".key"), {}};
  save(made.get(), key.get(), files.certificate, files.key);
  return files;
}

}  // namespace sluice::test
