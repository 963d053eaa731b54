#include "prompt.hpp"

#include "exit_code.hpp"
#include "read_file.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <optional>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace sluice::daemon {
namespace {

constexpr std::size_t longest = 64 * 1024;
constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

volatile std::sig_atomic_t caught = 0;
// A signal that comes just before read() would not end it: it writes here, where it is seen in any order.
// -1: signals are not kept.
int signal_writes = -1;
int signal_shows = -1;

// The terminal of the process, wherever standard input and output lead.
class Terminal {
 public:
  Terminal() : file_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
  ~Terminal() {
    if (file_ >= 0) ::close(file_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool open() const { return file_ >= 0; }
  int get() const { return file_; }
  void show(const std::string& text) const {
    if (::write(file_, text.data(), text.size()) < 0)
      throw Failure(exit_code::failed, "cannot write to the terminal");
  }
  /// Nullopt at the end of input, or when a signal came.
  std::optional<std::string> line() const {
    std::string text;
    char c = 0;
    while (true) {
      std::array<pollfd, 2> awaited{{{file_, POLLIN, 0}, {signal_shows, POLLIN, 0}}};
      const int ready = ::poll(awaited.data(), awaited.size(), -1);
      if (caught != 0) return std::nullopt;
      if (ready < 0 && errno == EINTR) continue;
      const auto size = ::read(file_, &c, 1);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return std::nullopt;
      if (c == '\n') return text;
      if (text.size() == longest) return std::nullopt;
      text += c;
    }
  }

 private:
  int file_;
};

// No echo, and a signal that ends the program is first kept until the echo is back.
class Hidden {
 public:
  explicit Hidden(int file) : file_(file) {
    caught = 0;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
      throw Failure(exit_code::failed, "cannot make a pipe");
    signal_shows = ends[0];
    signal_writes = ends[1];
    struct sigaction note {};
    note.sa_handler = [](int number) {
      caught = number;
      const char mark = 0;
      if (::write(signal_writes, &mark, 1) < 0) return;  // full: it is seen already
    };
    for (std::size_t i = 0; i < ending_signals.size(); ++i)
      ::sigaction(ending_signals[i], &note, &before_[i]);
    known_ = ::tcgetattr(file_, &shown_) == 0;
    termios hidden = shown_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (!known_ || ::tcsetattr(file_, TCSAFLUSH, &hidden) != 0) {
      restore();
      throw Failure(exit_code::usage, "the terminal does not hide what is typed: use --password-stdin");
    }
  }
  ~Hidden() { restore(); }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  void restore() {
    if (known_) ::tcsetattr(file_, TCSAFLUSH, &shown_);
    for (std::size_t i = 0; i < ending_signals.size(); ++i)
      ::sigaction(ending_signals[i], &before_[i], nullptr);
    ::close(std::exchange(signal_shows, -1));
    ::close(std::exchange(signal_writes, -1));
    if (caught != 0) ::raise(caught);
  }

  int file_;
  bool known_ = false;
  termios shown_{};
  std::array<struct sigaction, ending_signals.size()> before_{};
};

std::string answer(const Terminal& terminal, const std::string& question) {
  terminal.show(question);
  auto line = terminal.line();
  if (!line || line->empty()) throw Failure(exit_code::usage, "nothing was typed");
  return std::move(*line);
}

}  // namespace

bool can_ask() {
  return Terminal().open();
}

std::string ask(const std::string& question) {
  const Terminal terminal;
  return answer(terminal, question);
}

Secret ask_secret(const std::string& question) {
  const Terminal terminal;
  const Hidden hidden(terminal.get());
  Secret secret(answer(terminal, question));
  terminal.show("\n");
  return secret;
}

Secret secret_from_stdin() {
  auto text = read_some(std::cin, longest);
  if (text.size() > longest)
    throw Failure(exit_code::usage, "standard input is larger than 64 KiB, which is no password");
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) throw Failure(exit_code::usage, "standard input is empty where a password was expected");
  return Secret(std::move(text));
}

}  // namespace sluice::daemon
