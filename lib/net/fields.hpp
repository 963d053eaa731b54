#pragma once
// Header fields and status lines that mean the same to every room. Pure.

#include "core/clock.hpp"
#include "net/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::net {

/// "Not Found"; empty for a status that has no name here.
std::string_view reason_phrase(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale (RFC 9110, section 5.6.7).
std::string format_http_date(Time time);
/// Reads the three forms of RFC 9110, section 5.6.7; nullopt for everything else.
std::optional<Time> parse_http_date(std::string_view text);

/// Retry-After as seconds or as a date (RFC 9110, section 10.2.3), at most `longest`; nullopt when absent,
/// zero, past or nonsense.
std::optional<Milliseconds> retry_after(const Headers& headers, Time now, Milliseconds longest);

}  // namespace sluice::net
