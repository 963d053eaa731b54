#include "target.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sluice::fuzz {
namespace {

/// Longest text of an error: messages quote the beginning of what was wrong, never all of it.
constexpr std::size_t longest_error = 8 * 1024;

std::vector<Target>& table() {
  static std::vector<Target> all;
  return all;
}

}  // namespace

Registered::Registered(Target target) {
  auto& all = table();
  all.insert(std::ranges::upper_bound(all, target.name, {}, &Target::name), target);
}

const std::vector<Target>& targets() {
  return table();
}

const Target* find_target(std::string_view name) {
  const auto found = std::ranges::find(table(), name, &Target::name);
  return found == table().end() ? nullptr : &*found;
}

void broken(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
  std::abort();
}

void judge_error() {
  try {
    throw;
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (text.empty() || text.size() > longest_error || !is_showable(text)) {
      std::fprintf(stderr, "the error says: %s\n", printable(text, 2000).c_str());
      broken(__FILE__, __LINE__, "an error has a bounded text that is safe to show");
    }
    if (error.kind() == ErrorKind::internal)
      broken(__FILE__, __LINE__, "bytes from outside are no internal error");
  }
}

std::string_view take_until(std::string_view& rest, std::string_view mark) {
  const auto at = rest.find(mark);
  const auto taken = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + mark.size());
  return taken;
}

std::vector<std::string> lines_of(std::string_view text, std::size_t most) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < most)
    lines.emplace_back(take_line(text));
  return lines;
}

bool is_showable(std::string_view text, bool newlines) {
  return printable(text, text.size() * 6 + 1, newlines) == text;
}

}  // namespace sluice::fuzz
