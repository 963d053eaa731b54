#pragma once
// What is wrong in a configuration file: all of it at once.

#include <compare>
#include <string>
#include <vector>

namespace sluice::config {

/// 1-based; 0 when unknown.
struct Position {
  int line = 0;
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Diagnostic {
  Position at;
  std::string message;
  std::string advice;  // what to do, may be empty
  /// Not the file is wrong: something that it refers to cannot be had now.
  bool may_pass = false;
};

struct Diagnostics {
  std::string file;
  std::vector<Diagnostic> errors;
  bool ok() const { return errors.empty(); }
  /// There are errors, and all of them may pass without a person doing anything.
  bool may_pass() const;
  /// "sluice.yaml:12:5: unknown key 'chekcs'\n    did you mean 'checks'?" per error, in file order.
  std::string text() const;
};

}  // namespace sluice::config
