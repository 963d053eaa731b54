#include "terminal.hpp"

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

bool wants_colours() {
  const char* refused = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  return stdout_is_terminal() && !(refused && *refused) && kind && std::string_view(kind) != "dumb";
}

Size terminal_size() {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return {};
  return {.rows = window.ws_row, .columns = window.ws_col};
}

void print(const std::vector<std::string>& lines) {
  for (const auto& line : lines)
    std::cout << line << '\n';
  std::cout.flush();
}

void print(const std::string& line) {
  std::cout << line << '\n' << std::flush;
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
  std::cout << "\x1b[J" << std::flush;
}

}  // namespace sluice::daemon
