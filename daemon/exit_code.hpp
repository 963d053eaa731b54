#pragma once
// What the program's exit codes mean, and the exception that carries one.

#include "core/error.hpp"

#include <stdexcept>
#include <string>

namespace sluice::daemon {

namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int failed =
    1;  // what was asked about went wrong: a run that did not succeed, a daemon that failed
inline constexpr int usage = 2;        // wrong arguments, wrong configuration
inline constexpr int unreachable = 3;  // no daemon answers, or no registry
inline constexpr int not_found = 4;    // the daemon knows no such run, pipeline or promotion
inline constexpr int refused =
    5;  // the daemon refuses: the state does not allow it, or the door does not; or the registry does
inline constexpr int interrupted = 130;  // SIGINT or SIGTERM ended the command, as shells say it
}  // namespace exit_code

/// The exit code that fits an error of a registry.
int exit_code_of(ErrorKind kind);

/// Ends the program with a message on stderr.
class Failure : public std::runtime_error {
 public:
  Failure(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

}  // namespace sluice::daemon
