#pragma once
// How values are spread over fixed bounds: what a metric of durations is made of.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace sluice {

class Histogram {
 public:
  /// Upper bounds, growing; what is above the last one counts too.
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void add(double value) {
    const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(place)];
    sum_ += value;
  }
  const std::vector<double>& bounds() const { return bounds_; }
  /// Of each bound for itself (not those below it), then of what is above all.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

}  // namespace sluice
