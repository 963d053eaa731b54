#pragma once
// Starting a child process: the part of the launcher that talks to the operating system. Private to core.

#include "core/launcher.hpp"

#include <sys/types.h>
#include <utility>

namespace sluice {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Descriptor() { reset(); }
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset(int number = -1);

 private:
  int number_ = -1;
};

/// A running child: leader of its own session and process group, whose id is `pid`.
struct Spawned {
  pid_t pid = -1;
  /// Readable once the child has ended (pidfd_open(2)).
  Descriptor ended;
  /// Read ends; `errors` is empty unless Command::separate_output.
  Descriptor output;
  Descriptor errors;
};

/// Starts the command. Its stdin is a file in memory with Command::input; it dies when the calling thread
/// does. Throws Error(invalid) for an unusable command, not_found for a missing program, unavailable for
/// anything else.
Spawned spawn(const Command& command);

}  // namespace sluice
