#pragma once
// What the HTTP answer of a rebuild target means.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "net/client.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::triggers {

/// The longest Retry-After that is obeyed.
inline constexpr Milliseconds max_retry_after = std::chrono::hours(24);

/// "204 No Content".
std::string status_line(int status);

/// The error for a status that is not 2xx: 401 unauthorized, 403 denied, 404 and 410 not_found, 429
/// rate_limited, 408, 425 and 5xx unavailable, all else (redirects too) invalid. `body` is the beginning of
/// what came back.
Error error_from(std::string_view target, int status, const net::Headers& headers, std::string_view body,
                 Time now);

/// The beginning of a body, read in bounded time; nothing when it cannot be read.
Task<std::string> beginning(net::Response& response);

}  // namespace sluice::triggers
