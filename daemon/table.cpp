#include "table.hpp"

#include <algorithm>

namespace sluice::daemon {
namespace {

constexpr std::size_t gap = 2;

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::string_view cut(std::string_view text, std::size_t width) {
  std::size_t shown = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) continue;
    if (shown++ == width) return text.substr(0, i);
  }
  return text;
}

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::green:
      return "32";
    case Colour::yellow:
      return "33";
    case Colour::red:
      return "31";
    case Colour::grey:
      return "90";
    case Colour::bold:
      return "1";
    case Colour::none:
      break;
  }
  return "0";
}

}  // namespace

std::string paint(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::none || text.empty()) return std::string(text);
  return "\x1b[" + std::string(code_of(colour)) + "m" + std::string(text) + "\x1b[0m";
}

std::size_t shown_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::vector<std::string> Table::lines(bool colours, std::size_t width) const {
  std::vector<std::size_t> widths;
  std::vector<Cell> titles;
  for (const auto& column : columns_) {
    widths.push_back(std::max(column.least, shown_width(column.title)));
    titles.push_back({column.title, Colour::bold});
  }
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], shown_width(row[i].text));
  std::vector<std::string> result{line(titles, widths, colours, width)};
  for (const auto& row : rows_)
    result.push_back(line(row, widths, colours, width));
  return result;
}

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths, bool colours,
                        std::size_t width) const {
  std::string text;
  std::size_t at = 0;       // columns written
  std::size_t pending = 0;  // spaces that are written only if something follows
  for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
    std::string_view cell = row[i].text;
    if (!cell.empty()) {
      if (width > 0 && at + pending >= width) break;
      text.append(pending, ' ');
      at += pending;
      pending = 0;
      if (width > 0) cell = cut(cell, width - at);
      text += paint(cell, row[i].colour, colours);
      at += shown_width(cell);
    }
    pending += widths[i] - std::min(widths[i], shown_width(cell)) + gap;
  }
  return text;
}

}  // namespace sluice::daemon
