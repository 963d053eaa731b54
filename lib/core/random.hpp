#pragma once
// Randomness as a parameter, so that tests and simulations decide.

#include <cstdint>
#include <random>
#include <string>

namespace sluice {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

/// Seeded generator (not for secrets). Seed from entropy() in production.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

/// 64 bits from the operating system; only daemon/ calls it.
std::uint64_t entropy();

/// `bytes` random bytes in lower-case hexadecimal.
std::string random_hex(Random& random, std::size_t bytes);

}  // namespace sluice
