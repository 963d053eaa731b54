#include "diff.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace sluice::daemon {
namespace {

constexpr std::size_t diff_context = 3;
constexpr std::size_t longest_diff_line = 1000;

// With their line ends.
std::vector<std::string_view> diff_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

std::string diff_line(char sign, std::string_view line) {
  const bool whole = line.ends_with('\n');
  if (whole) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return sign + printable(line, longest_diff_line) + "\n" + (whole ? "" : "\\ No newline at end of file\n");
}

// "12,3"; a hunk without lines is named by the line before it.
std::string hunk_range(std::size_t begin, std::size_t count) {
  return fmt::format("{},{}", count == 0 ? begin : begin + 1, count);
}

}  // namespace

std::string unified_diff(const std::string& file, const std::string& before, const std::string& after) {
  if (before == after) return {};
  const auto old_lines = diff_lines(before);
  const auto new_lines = diff_lines(after);
  const auto fewest = std::min(old_lines.size(), new_lines.size());
  std::size_t front = 0;
  while (front < fewest && old_lines[front] == new_lines[front])
    ++front;
  std::size_t back = 0;
  while (back < fewest - front &&
         old_lines.end()[-1 - static_cast<long>(back)] == new_lines.end()[-1 - static_cast<long>(back)])
    ++back;
  const auto begin = front - std::min(front, diff_context);
  const auto behind = std::min(back, diff_context);
  const auto old_end = old_lines.size() - back;
  const auto new_end = new_lines.size() - back;
  auto diff =
      fmt::format("--- {0}\n+++ {0}\n@@ -{1} +{2} @@\n", printable(file, longest_diff_line),
                  hunk_range(begin, old_end + behind - begin), hunk_range(begin, new_end + behind - begin));
  for (auto i = begin; i < front; ++i)
    diff += diff_line(' ', old_lines[i]);
  for (auto i = front; i < old_end; ++i)
    diff += diff_line('-', old_lines[i]);
  for (auto i = front; i < new_end; ++i)
    diff += diff_line('+', new_lines[i]);
  for (auto i = old_end; i < old_end + behind; ++i)
    diff += diff_line(' ', old_lines[i]);
  return diff;
}

}  // namespace sluice::daemon
