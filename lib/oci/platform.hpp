#pragma once
// os/architecture[/variant] (OCI image index specification, "platform").

#include <compare>
#include <string>
#include <string_view>

namespace sluice::oci {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string text() const;
  /// Throws Error(invalid).
  static Platform parse(std::string_view text);
  /// The platform that this program runs on.
  static Platform host();
  auto operator<=>(const Platform&) const = default;
};

}  // namespace sluice::oci
