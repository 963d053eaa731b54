#include "oci/digest.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace sluice::oci {
namespace {

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 0xf];
  }
  return text;
}

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

[[noreturn]] void throw_hash_failure() {
  throw Error(ErrorKind::internal, "the hash function of OpenSSL failed");
}

}  // namespace

std::optional<Digest> Digest::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto algorithm = text.substr(0, colon);
  const auto hex = text.substr(colon + 1);
  const std::size_t length = algorithm == "sha256" ? 64 : algorithm == "sha512" ? 128 : 0;
  if (length == 0 || hex.size() != length || !is_lower_hex(hex)) return std::nullopt;
  return Digest(std::string(text));
}

Digest Digest::of(std::string_view bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

std::string_view Digest::algorithm() const {
  return std::string_view(text_).substr(0, text_.find(':'));
}

std::string_view Digest::hex() const {
  return std::string_view(text_).substr(text_.find(':') + 1);
}

std::string Digest::shortened() const {
  return text_.substr(0, text_.find(':') + 13);
}

struct Hasher::State {
  struct Free {
    void operator()(EVP_MD_CTX* unused) const { EVP_MD_CTX_free(unused); }
  };
  std::string algorithm;
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Hasher::Hasher(std::string_view algorithm) : state_(std::make_unique<State>()) {
  const EVP_MD* function = algorithm == "sha256"   ? EVP_sha256()
                           : algorithm == "sha512" ? EVP_sha512()
                                                   : nullptr;
  if (!function)
    throw Error(ErrorKind::invalid,
                fmt::format("digest algorithm '{}' is neither sha256 nor sha512", printable(algorithm, 40)));
  state_->algorithm = algorithm;
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), function, nullptr) != 1)
    throw_hash_failure();
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1) throw_hash_failure();
}

Hasher Hasher::copy() const {
  Hasher other(state_->algorithm);
  if (EVP_MD_CTX_copy_ex(other.state_->context.get(), state_->context.get()) != 1) throw_hash_failure();
  return other;
}

Digest Hasher::finish() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(state_->context.get(), bytes, &size) != 1) throw_hash_failure();
  // Every way to a Digest goes through parse, so its grammar holds always.
  auto digest = Digest::parse(state_->algorithm + ":" + to_hex({bytes, size}));
  if (!digest) throw_hash_failure();
  return *digest;
}

}  // namespace sluice::oci
