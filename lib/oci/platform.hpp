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

/// Whether an image for `platform` is what somebody wants who says `wanted`: any variant when that has none;
/// an image without one is for the usual one of its architecture.
bool fits(const Platform& platform, const Platform& wanted);

}  // namespace sluice::oci
