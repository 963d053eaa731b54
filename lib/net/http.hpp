#pragma once
// HTTP messages as plain values, shared by client and server.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::net {

/// Header fields in order; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  void reserve(std::size_t count) { fields_.reserve(count); }
  void add(std::string name, std::string value);
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);
  /// First value, nullopt when absent.
  std::optional<std::string> get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Equality for credentials and signatures: the time taken depends on the lengths only.
bool equal_secret(std::string_view left, std::string_view right);
std::string base64_encode(std::string_view bytes);
/// Nullopt when malformed (standard alphabet, padding required unless absent altogether).
std::optional<std::string> base64_decode(std::string_view text);
std::string hex_encode(std::string_view bytes);
/// Percent-encodes everything but unreserved characters (RFC 3986).
std::string percent_encode(std::string_view text);
/// Nullopt when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace sluice::net
