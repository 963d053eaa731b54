#pragma once
// Writing with the minimum-progress rule. Room-internal.

#include "net/progress.hpp"
#include "net/stream.hpp"

#include <cstdint>
#include <string_view>

namespace sluice::net {

/// Writes all of `bytes`; `left` counts them and what will follow. Throws system_error, timed_out when the
/// peer takes them too slowly.
Task<> write_all(Clock& clock, Stream& stream, Progress& progress, std::string_view bytes,
                 std::uint64_t left);

}  // namespace sluice::net
