#pragma once
// Content digests: "sha256:<64 hex>" or "sha512:<128 hex>" (OCI image specification, descriptor.md,
// "Digests").

#include <compare>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::oci {

class Digest {
 public:
  /// Nullopt when the text is not a sha256 or sha512 digest in lower-case hexadecimal.
  static std::optional<Digest> parse(std::string_view text);
  /// sha256 of the bytes.
  static Digest of(std::string_view bytes);

  const std::string& text() const { return text_; }
  std::string_view algorithm() const;
  std::string_view hex() const;
  /// "sha256:0123456789ab", for tables.
  std::string shortened() const;
  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// Incremental hash; give it Digest::algorithm() to verify against that digest. Movable, one thread at a
/// time.
class Hasher {
 public:
  /// Throws Error(invalid) when the algorithm is neither sha256 nor sha512.
  explicit Hasher(std::string_view algorithm = "sha256");
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::string_view bytes);
  /// The hash as it is now, to go on from here once more.
  Hasher copy() const;
  /// Ends the hash; the object must not be used afterwards.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::oci
