#pragma once
// Lines and brackets of a YAML text, for inserting at places that the loader found. Private to the room.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A text by lines, from 0. Refers to the text.
class Lines {
 public:
  explicit Lines(std::string_view text);
  std::size_t count() const { return begins_.size(); }
  /// Offset of the first byte of a line; the end of the text for the line behind the last one.
  std::size_t begin(std::size_t line) const;
  /// Without the line end.
  std::string_view line(std::size_t number) const;
  /// Nothing but white space and, perhaps, a comment.
  bool is_blank_or_comment(std::size_t number) const;
  bool is_blank(std::size_t number) const;
  /// Columns before the first character that is no space.
  std::size_t indentation(std::size_t number) const;
  /// The line end that the text uses.
  std::string_view line_end() const { return line_end_; }

 private:
  std::string_view text_;
  std::vector<std::size_t> begins_;
  std::string_view line_end_ = "\n";
};

/// Where the '[' or '{' at `open` is closed, and the last byte before that which is neither white space nor
/// comment
/// (`open` itself when there is none). npos in `close` when it is not.
struct Brackets {
  std::size_t close = std::string_view::npos;
  std::size_t last = 0;
};
Brackets brackets_at(std::string_view text, std::size_t open);

/// A scalar that reads as this text whatever it looks like (1.0, null, on); always in one line.
std::string double_quoted(std::string_view text);
/// A name or an image as a block scalar: in quotes only where YAML would take it for something else.
std::string plain_or_quoted(const std::string& text);

}  // namespace sluice::config
