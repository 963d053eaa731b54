#pragma once
// The one error type of the program. Expected absence is a std::optional; everything else is thrown as Error.

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

enum class ErrorKind {
  not_found,     // the peer says that the thing does not exist
  unauthorized,  // credentials are missing or refused
  denied,        // credentials are good, the action is not allowed
  rate_limited,  // the peer asks us to slow down; see Error::retry_after
  unavailable,   // the peer cannot be reached or answers with a server error
  timeout,       // a deadline passed or the peer made no progress
  corrupt,       // bytes that contradict their digest, size, type or grammar
  conflict,      // the state is not what the action needs (drift, lost lease, second daemon)
  invalid,       // what a person wrote (config, argument, request) cannot be used
  cancelled,     // we were asked to stop
  internal,      // a bug or an unexpected failure of the machine
};

/// Stable lower-case name for logs, JSON and the database, e.g. "rate_limited".
std::string_view to_string(ErrorKind kind);

/// Inverse of to_string; an unknown name is `internal`.
ErrorKind error_kind_from(std::string_view name);

/// True when the same action may succeed later without a person doing anything:
/// rate_limited, unavailable, timeout, and corrupt (a cut or garbled transfer). Retry policy looks only at
/// this.
bool is_transient(ErrorKind kind);

class Error : public std::exception {
 public:
  /// `message` says what was tried, on what, what came back and what to do; it must not hold a secret.
  Error(ErrorKind kind, std::string message,
        std::optional<std::chrono::milliseconds> retry_after = std::nullopt);

  ErrorKind kind() const { return kind_; }
  /// The full text: contexts, outermost first, then the message.
  const char* what() const noexcept override { return text_.c_str(); }
  /// How long the peer asked us to wait, if it did.
  std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }
  /// Puts "context: " in front of the text and returns *this, for `throw error.within("staging node:9")`.
  Error& within(std::string_view context);

 private:
  ErrorKind kind_;
  std::string text_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

/// Turns the exception in flight into an Error; the one place that knows foreign exception types
/// (boost::system::system_error becomes cancelled, timeout or unavailable; anything else internal).
/// Must be called inside a catch block.
Error current_error();

}  // namespace sluice
