#pragma once
// The beginning and the end of an output of any length, in bounded memory. Private to core.

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace sluice {

class KeptOutput {
 public:
  explicit KeptOutput(std::size_t limit) : first_(limit / 2), last_(limit - first_) {}

  void append(std::string_view piece) {
    const auto taken = std::min(piece.size(), first_ - std::min(first_, head_.size()));
    head_ += piece.substr(0, taken);
    piece.remove_prefix(taken);
    if (piece.size() > last_) {
      dropped_ += tail_.size() + piece.size() - last_;
      tail_ = piece.substr(piece.size() - last_);
      return;
    }
    tail_ += piece;
    // Trimmed only when it has doubled, so that many small pieces do not move the whole each time.
    if (tail_.size() > 2 * last_) trim();
  }
  /// True when something in the middle is missing.
  bool truncated() const { return dropped_ > 0 || tail_.size() > last_; }
  /// Ends the collection.
  std::string take() {
    trim();
    if (dropped_ == 0) return head_ + tail_;
    return head_ + fmt::format("\n[... {} bytes left out ...]\n", dropped_) + tail_;
  }

 private:
  void trim() {
    if (tail_.size() <= last_) return;
    const auto excess = tail_.size() - last_;
    dropped_ += excess;
    tail_.erase(0, excess);
  }
  std::size_t first_;
  std::size_t last_;
  std::size_t dropped_ = 0;
  std::string head_;
  std::string tail_;
};

}  // namespace sluice
