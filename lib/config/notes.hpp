#pragma once
// Collects what is wrong while a file is read. Private to the room.

#include "config/diagnostics.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace sluice::config {

class Notes {
 public:
  /// A mistake that an alias repeats is told once. Hostile files do not grow the list without end.
  void add(Position at, std::string message, std::string advice = {}, bool may_pass = false) {
    if (!told_.emplace(at.line, at.column, message).second || told_.size() > most) return;
    diagnostics_.errors.push_back({at, std::move(message), std::move(advice), may_pass});
    if (told_.size() == most)
      diagnostics_.errors.push_back({at, "there are more mistakes than are shown", {}});
  }
  /// More would not be shown.
  bool full() const { return told_.size() > most; }
  /// In file order.
  Diagnostics take() {
    std::ranges::stable_sort(diagnostics_.errors, {}, &Diagnostic::at);
    return std::move(diagnostics_);
  }

 private:
  static constexpr std::size_t most = 1000;
  Diagnostics diagnostics_;
  std::set<std::tuple<int, int, std::string>> told_;
};

}  // namespace sluice::config
