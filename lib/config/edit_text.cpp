#include "config/edit_text.hpp"

#include <fmt/format.h>

namespace sluice::config {
namespace {

// In flow style a quote opens a text only where a value may begin; in "it's" it does not.
bool may_begin_text(char before) {
  return std::string_view(" \t\r\n[{,:").find(before) != std::string_view::npos;
}

// The position behind a quoted text.
std::size_t behind_quotes(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 == text.size() || text[at + 1] != '\'') return at + 1;
      ++at;  // '' inside of '...'
    }
  }
  return text.size();
}

}  // namespace

Lines::Lines(std::string_view text) : text_(text) {
  for (std::size_t at = 0; at < text.size();) {
    begins_.push_back(at);
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    if (begins_.size() == 1 && end > 0 && text[end - 1] == '\r') line_end_ = "\r\n";
    at = end + 1;
  }
}

std::size_t Lines::begin(std::size_t line) const {
  return line < begins_.size() ? begins_[line] : text_.size();
}

std::string_view Lines::line(std::size_t number) const {
  auto line = text_.substr(begin(number), begin(number + 1) - begin(number));
  while (line.ends_with('\n') || line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

std::size_t Lines::indentation(std::size_t number) const {
  const auto text = line(number);
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? text.size() : first;
}

bool Lines::is_blank(std::size_t number) const {
  return line(number).find_first_not_of(" \t") == std::string_view::npos;
}

bool Lines::is_blank_or_comment(std::size_t number) const {
  const auto text = line(number);
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos || text[first] == '#';
}

Brackets brackets_at(std::string_view text, std::size_t open) {
  Brackets found{.last = open};
  int depth = 0;
  for (std::size_t at = open; at < text.size();) {
    const char c = text[at];
    const char before = at > 0 ? text[at - 1] : ' ';
    if (c == '#' && std::string_view(" \t\n").find(before) != std::string_view::npos) {
      at = text.find('\n', at);
      if (at == std::string_view::npos) break;
    } else if ((c == '"' || c == '\'') && may_begin_text(before)) {
      at = behind_quotes(text, at);
      found.last = at - 1;
    } else {
      if (c == '[' || c == '{') ++depth;
      if ((c == ']' || c == '}') && --depth == 0) {
        found.close = at;
        return found;
      }
      if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) found.last = at;
      ++at;
    }
  }
  return found;
}

std::string double_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') quoted += '\\';
    if (code < ' ')
      quoted += fmt::format("\\x{:02x}", code);
    else
      quoted += c;
  }
  return quoted + "\"";
}

std::string plain_or_quoted(const std::string& text) {
  const bool plain =
      text.find_first_of("-/") != std::string::npos && text.front() != '-' && text.front() != '[';
  return plain ? text : double_quoted(text);
}

}  // namespace sluice::config
