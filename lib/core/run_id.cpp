#include "core/run_id.hpp"

#include <algorithm>
#include <charconv>

namespace sluice {
namespace {
constexpr std::int64_t before_first = 572877;  // "ca19" in base 36
}

std::string RunId::text() const {
  char buffer[16];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number_ + before_first, 36);
  return {buffer, result.ptr};
}

std::optional<RunId> RunId::parse(std::string_view text) {
  std::int64_t value = 0;
  if (text.empty() || text.size() > 12 || text.front() == '-') return std::nullopt;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, 36);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value <= before_first)
    return std::nullopt;
  return RunId(value - before_first);
}

}  // namespace sluice
