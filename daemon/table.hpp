#pragma once
// Tables for people: columns padded to their widest cell, two spaces between them, nothing at the end of a
// line. Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::daemon {

enum class Colour { none, green, yellow, red, grey, bold };

/// The text between the escape sequences of the colour (ECMA-48, SGR), or as it is.
std::string paint(std::string_view text, Colour colour, bool colours);

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};

struct Column {
  std::string title;
  std::size_t least = 0;  // narrowest width, for tables that grow line by line
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells at the end are empty. Texts must be printable already.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// Header and rows, without newlines; `width` > 0 cuts lines that are longer.
  std::vector<std::string> lines(bool colours, std::size_t width = 0) const;

 private:
  std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths, bool colours,
                   std::size_t width) const;
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Characters of a UTF-8 text (code points; wide characters count as one).
std::size_t shown_width(std::string_view text);

}  // namespace sluice::daemon
