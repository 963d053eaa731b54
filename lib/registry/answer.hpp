#pragma once
// What an answer means: error kinds, the registry's own words. Pure.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

/// As much of an error body as is read.
inline constexpr std::size_t max_error_body = 16 * 1024;
/// The longest Retry-After that is obeyed.
inline constexpr Milliseconds max_retry_after = std::chrono::hours(1);

/// 401 unauthorized, 403 denied, 404 not_found, 429 rate_limited, 408/499/5xx unavailable, other 4xx invalid;
/// a status that makes no sense here is corrupt.
ErrorKind kind_of_status(int status);

/// When the content of an answer was last changed, by our clock: Last-Modified, moved by the difference of
/// its Date to `now` (RFC 9110, sections 6.6.1 and 8.8.2). Nullopt when absent, nonsense or after its Date.
std::optional<Time> last_modified(const net::Headers& headers, Time now);

/// The codes of a JSON error body {"errors": [{"code", "message"}]} (distribution specification, "Error
/// Codes").
std::vector<std::string> error_codes(std::string_view body);

/// "who answered 404 (MANIFEST_UNKNOWN: manifest unknown)" with advice where there is some; text from outside
/// is escaped and cut.
Error error_from(std::string_view who, int status, const net::Headers& headers, std::string_view body,
                 Time now);

/// Whether a registry failed at one request in a way that may be over in a moment (unavailable). Trying again
/// then costs one blob that moment, and those beside it nothing. Not where it has said when to come back, or
/// is not asked at all: that is for whoever has the whole image in hand.
bool is_hiccup(const Error& error);

/// What may be behind a refusal of this URL that the status alone does not tell, to stand behind the error's
/// text; empty when nothing is known. `codes` are those of its body.
std::string hint(const net::Url& asked, int status, const std::vector<std::string>& codes);

/// Content-Type in lower case without parameters, empty when absent.
std::string content_type(const net::Headers& headers);
/// The beginning of something that was not expected, escaped, in quotes.
std::string quoted_beginning(std::string_view body);

}  // namespace sluice::registry
