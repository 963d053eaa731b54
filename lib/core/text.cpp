#include "core/text.hpp"

#include "core/utf8.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace sluice {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
  std::vector<std::size_t> before, previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    c = lower(c);
  return result;
}

bool same_without_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text, std::string_view characters) {
  const auto first = text.find_first_not_of(characters);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(characters) - first + 1);
}

std::string printable(std::string_view text, std::size_t limit, bool keep_newlines) {
  std::string shown;
  shown.reserve(std::min(text.size(), limit) + 3);
  while (!text.empty()) {
    const auto [code, length] = decode_utf8(text);
    std::string piece;
    if (length == 0 || (length == 1 && is_deceptive(code)))
      piece = fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text.front()));
    else if (is_deceptive(code))
      piece = fmt::format("\\u{:04x}", code);
    else
      piece = text.substr(0, length);
    // Tabs come with lines: both are what the output of a program is made of.
    if (keep_newlines && length == 1 && (code == '\n' || code == '\t')) piece = text.substr(0, 1);
    if (shown.size() + piece.size() > limit) return shown + "...";
    shown += piece;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 128;  // no option of ours is longer, and the work grows with the square
  if (word.empty() || word.size() > longest) return {};
  const std::string wanted = lower(word);
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const auto& candidate : candidates) {
    if (candidate.size() > longest) continue;
    const auto distance = edit_distance(wanted, lower(candidate));
    const auto length = std::max(word.size(), candidate.size());
    const auto allowed = std::min({std::max<std::size_t>(length / 3, 1), std::size_t{3}, length - 1});
    if (distance > allowed || (best && distance >= best_distance)) continue;
    best = &candidate;
    best_distance = distance;
  }
  return best ? *best : std::string();
}

}  // namespace sluice
