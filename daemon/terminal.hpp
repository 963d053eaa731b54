#pragma once
// The terminal on stdout, if there is one.

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::daemon {

bool stdout_is_terminal();
/// A terminal that shows colours, and no NO_COLOR (no-color.org).
bool wants_colours();

struct Size {
  std::size_t rows = 24;
  std::size_t columns = 80;
};
Size terminal_size();

/// Writes lines to stdout.
void print(const std::vector<std::string>& lines);
void print(const std::string& line);

/// The alternate screen of a terminal, left again by the destructor.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  /// Shows these lines from the top, and nothing else.
  void draw(const std::vector<std::string>& lines);
};

}  // namespace sluice::daemon
