#pragma once
// What is written for a person: on a terminal, if there is one, or into a file or a pipe.

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::daemon {

bool stdout_is_terminal();
/// A terminal on which what was written can be changed afterwards: not one that is TERM=dumb or unknown.
bool can_redraw(int descriptor);
/// Stdout is a terminal that shows colours, and no NO_COLOR (no-color.org).
bool wants_colours();

struct Size {
  std::size_t rows = 24;
  std::size_t columns = 80;
};
Size terminal_size(int descriptor);

/// Throws Failure when what was written to stdout cannot get there: whatever goes on for as long as somebody
/// reads ends then.
void flush_output();
/// Writes lines to stdout. Throws as flush_output().
void print(const std::vector<std::string>& lines);
void print(const std::string& line);

/// The alternate screen of the terminal on stdout, left again by the destructor.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  /// Shows these lines from the top, and nothing else. Throws as flush_output().
  void draw(const std::vector<std::string>& lines);
};

}  // namespace sluice::daemon
