#pragma once
// Writing with the minimum-progress rule. Room-internal.

#include "net/bandwidth.hpp"
#include "net/progress.hpp"
#include "net/stream.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::net {

/// Writes all of `bytes`; `left` counts them and what will follow. Throws system_error, timed_out when the
/// peer takes them too slowly.
Task<> write_all(Clock& clock, Stream& stream, Progress& progress, std::string_view bytes,
                 std::uint64_t left);

/// The limits that the bodies of one request keep to.
struct Throttle {
  Clock& clock;
  std::shared_ptr<Bandwidth> everybody;  // null: no limit
  std::shared_ptr<Bandwidth> own;

  /// How many of `wanted` bytes to move at once.
  std::size_t piece(std::size_t wanted) const {
    if (everybody) wanted = everybody->piece(wanted);
    return own ? own->piece(wanted) : wanted;
  }
  /// Returns when `bytes` may have moved; at once when there are none, or no limit.
  Task<> pay(std::uint64_t bytes) const;
};

}  // namespace sluice::net
