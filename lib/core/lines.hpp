#pragma once
// The output of programs, line by line and in bounds.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

/// Makes lines of output that arrives in pieces and hands them on, at most `most_lines` of at most `longest`
/// bytes each; what comes after that is only counted as "there was more". Blank lines are left out, a
/// carriage return ends a line.
class LineFeed {
 public:
  using Sink = std::function<void(std::string_view)>;
  explicit LineFeed(Sink sink, std::size_t most_lines = 2000, std::size_t longest = 2000)
      : sink_(std::move(sink)), most_lines_(most_lines), longest_(longest) {}

  void take(std::string_view piece) {
    for (const char c : piece) {
      if (c == '\n' || c == '\r')
        end_line();
      else if (line_.size() < longest_)
        line_ += c;
    }
  }
  /// Ends the last line, which may lack its newline.
  void finish() { end_line(); }

 private:
  void end_line() {
    const auto line = std::exchange(line_, {});
    if (line.find_first_not_of(" \t") == std::string::npos || !sink_ || lines_ > most_lines_) return;
    ++lines_;
    sink_(lines_ <= most_lines_ ? std::string_view(line) : "[more output follows that is not kept]");
  }
  Sink sink_;
  std::size_t most_lines_;
  std::size_t longest_;
  std::size_t lines_ = 0;
  std::string line_;
};

/// The last `count` lines of a text that are not blank, in order, joined by "; ".
inline std::string last_lines(std::string_view text, std::size_t count) {
  std::string result;
  while (count > 0 && !text.empty()) {
    const auto start = text.find_last_of("\r\n");
    auto line = start == std::string_view::npos ? text : text.substr(start + 1);
    text = start == std::string_view::npos ? std::string_view{} : text.substr(0, start);
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    line = line.substr(first, line.find_last_not_of(" \t") - first + 1);
    result = result.empty() ? std::string(line) : std::string(line) + "; " + result;
    --count;
  }
  return result;
}

}  // namespace sluice
