#include "net/signature.hpp"

#include "core/error.hpp"

#include <array>
#include <memory>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace sluice::net {
namespace {

constexpr int least_bits = 2048;
constexpr int most_bits = 8192;

template <auto free_it>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free_it(object);
  }
};
template <class T, auto free_it>
using Owned = std::unique_ptr<T, Free<free_it>>;

const EVP_MD* algorithm(Hash hash) {
  switch (hash) {
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha256:
      return EVP_sha256();
    case Hash::sha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

[[noreturn]] void refuse_key(const char* why) {
  ERR_clear_error();
  throw Error(ErrorKind::invalid, why);
}

std::shared_ptr<void> checked(EVP_PKEY* key) {
  std::shared_ptr<void> owned(key, [](void* pointer) { EVP_PKEY_free(static_cast<EVP_PKEY*>(pointer)); });
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
    refuse_key("the public key is not an RSA key");
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < least_bits || bits > most_bits) refuse_key("the RSA key does not have 2048 to 8192 bits");
  return owned;
}

}  // namespace

std::string hmac(Hash hash, std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  // A null key pointer would mean "reuse the last key" to HMAC.
  const char* key_data = key.empty() ? "" : key.data();
  if (HMAC(algorithm(hash), key_data, static_cast<int>(key.size()), bytes(message), message.size(),
           out.data(), &size) == nullptr)
    throw Error(ErrorKind::internal, "this hash is not available in this OpenSSL");
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hash_of(Hash hash, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(message.data(), message.size(), out.data(), &size, algorithm(hash), nullptr) != 1)
    throw Error(ErrorKind::internal, "this hash is not available in this OpenSSL");
  return {reinterpret_cast<const char*>(out.data()), size};
}

PublicKey PublicKey::from_certificate(std::string_view pem, Time at) {
  const Owned<BIO, BIO_free_all> source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Owned<X509, X509_free> certificate(source ? PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)
                                                  : nullptr);
  if (!certificate) refuse_key("this is not a PEM certificate");
  auto seconds =
      static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count());
  if (X509_cmp_time(X509_get0_notBefore(certificate.get()), &seconds) >= 0 ||
      X509_cmp_time(X509_get0_notAfter(certificate.get()), &seconds) <= 0)
    refuse_key("the certificate is not valid now");
  return PublicKey(checked(X509_get_pubkey(certificate.get())));
}

PublicKey PublicKey::from_numbers(std::string_view modulus, std::string_view exponent) {
  const Owned<BIGNUM, BN_free> n(BN_bin2bn(bytes(modulus), static_cast<int>(modulus.size()), nullptr));
  const Owned<BIGNUM, BN_free> e(BN_bin2bn(bytes(exponent), static_cast<int>(exponent.size()), nullptr));
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || modulus.size() > most_bits / 8 || exponent.size() > 8 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    refuse_key("these are not the numbers of an RSA key");
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    refuse_key("these are not the numbers of an RSA key");
  return PublicKey(checked(key));
}

bool PublicKey::verifies(Hash hash, std::string_view message, std::string_view signature) const {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  const bool good = context &&
                    EVP_DigestVerifyInit(context.get(), nullptr, algorithm(hash), nullptr,
                                         static_cast<EVP_PKEY*>(key_.get())) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                                     message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace sluice::net
