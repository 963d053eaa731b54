#pragma once
// How many requests each of many senders may make: pure token buckets.

#include "core/clock.hpp"

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace sluice::watch {

struct Rate {
  double per_second = 200;
  double burst = 2000;
  bool operator==(const Rate&) const = default;
};

/// One bucket for each key, at most `most` of them: the one that was used longest ago goes first, so a flood
/// of addresses costs no memory without end.
class RateLimit {
 public:
  explicit RateLimit(Rate rate, std::size_t most = 10'000) : rate_(rate), most_(most) {}
  /// Takes one token. Nullopt when there was one, else how long until there is.
  std::optional<Milliseconds> take(const std::string& key, Steady now);
  void change(Rate rate) { rate_ = rate; }
  std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::string key;
    double tokens = 0;
    Steady filled;
  };
  Rate rate_;
  std::size_t most_;
  std::list<Bucket> buckets_;  // the last used one first
  std::unordered_map<std::string, std::list<Bucket>::iterator> index_;
};

}  // namespace sluice::watch
