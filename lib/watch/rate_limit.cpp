#include "watch/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::watch {

std::optional<Milliseconds> RateLimit::take(const std::string& key, Steady now) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  } else {
    if (buckets_.size() >= most_ && !buckets_.empty()) {
      index_.erase(buckets_.back().key);
      buckets_.pop_back();
    }
    buckets_.push_front({.key = key, .tokens = rate_.burst, .filled = now});
    index_[key] = buckets_.begin();
  }
  auto& bucket = buckets_.front();
  const std::chrono::duration<double> passed = std::max(now - bucket.filled, Steady::duration::zero());
  bucket.tokens = std::min(rate_.burst, bucket.tokens + passed.count() * rate_.per_second);
  bucket.filled = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  const double missing = (1 - bucket.tokens) / std::max(rate_.per_second, 1e-6);
  return Milliseconds(static_cast<std::int64_t>(std::ceil(std::min(missing, 3600.0) * 1000)));
}

}  // namespace sluice::watch
