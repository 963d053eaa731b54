#include "size.hpp"

#include <array>

#include <fmt/format.h>

namespace sluice::daemon {

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array units{"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  // 999.96 would be shown as "1000": that is the next unit's "1.0".
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit)
    value /= 1000;
  return value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit])
                      : fmt::format("{:.0f} {}", value, units[unit]);
}

}  // namespace sluice::daemon
