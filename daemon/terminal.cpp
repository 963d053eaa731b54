#include "terminal.hpp"

#include "exit_code.hpp"

#include <cstdlib>
#include <iostream>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::daemon {

bool stdout_is_terminal() {
  static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  return terminal;
}

bool can_redraw(int descriptor) {
  const char* kind = std::getenv("TERM");
  return kind && std::string_view(kind) != "dumb" && ::isatty(descriptor) == 1;
}

bool wants_colours() {
  const char* refused = std::getenv("NO_COLOR");
  return !(refused && *refused) && can_redraw(STDOUT_FILENO);
}

Size terminal_size(int descriptor) {
  winsize window{};
  if (::ioctl(descriptor, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return {};
  return {.rows = window.ws_row, .columns = window.ws_col};
}

void flush_output() {
  if (!std::cout.flush()) throw Failure(exit_code::failed, "cannot write to standard output");
}

void print(const std::vector<std::string>& lines) {
  for (const auto& line : lines)
    std::cout << line << '\n';
  flush_output();
}

void print(const std::string& line) {
  std::cout << line << '\n';
  flush_output();
}

// xterm control sequences: alternate screen (DECSET 1049), cursor visibility (DECTCEM), erase (EL, ED).
Screen::Screen() {
  std::cout << "\x1b[?1049h\x1b[?25l" << std::flush;
}
Screen::~Screen() {
  std::cout << "\x1b[?25h\x1b[?1049l" << std::flush;
}

void Screen::draw(const std::vector<std::string>& lines) {
  std::cout << "\x1b[H";
  bool first = true;
  for (const auto& line : lines) {
    if (!first) std::cout << "\r\n";
    first = false;
    std::cout << line << "\x1b[K";
  }
  std::cout << "\x1b[J";
  flush_output();
}

}  // namespace sluice::daemon
