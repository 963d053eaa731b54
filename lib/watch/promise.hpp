#pragma once
// How fresh the tags of one registry can be, from how many they are and what may be asked: pure.

#include "core/clock.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::watch {

/// What may be asked of a registry. What is not known does not limit.
struct Supply {
  std::size_t at_once = 4;                 // looks out at a time
  std::optional<Milliseconds> look_takes;  // one look, in the mean
  std::optional<double> budget;            // looks a second that we allow ourselves
  std::optional<double> limit;             // looks a second that the registry allows by its own word
};

enum class HeldBackBy { nothing, concurrency, budget, limit };
std::string_view to_string(HeldBackBy by);  // "nothing", "concurrency", "budget", "limit"

/// Each watch is looked at once in `from` to `to`, whatever its own pace is.
struct Promise {
  std::size_t watches = 0;
  Milliseconds from{}, to{};  // the paces of the most and the least watched; 0 when there are none
  double per_hour = 0;        // looks
  HeldBackBy held_back_by = HeldBackBy::nothing;
};

/// `paces` are those that the watches want. When they want more looks than may be made, all wait
/// longer, in proportion: with one pace for all it is max(pace, watches / rate).
Promise promise(std::span<const Milliseconds> paces, const Supply& supply);

}  // namespace sluice::watch
