#pragma once
// The request target of the server side (RFC 9112 3.2). Pure, room-internal.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::net {

struct Target {
  std::string path;                                        // percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // percent-decoded, '+' is a blank
};

/// Reads "/path?query" or "http://host/path?query"; nullopt when malformed (bad escapes, NUL, something
/// else).
std::optional<Target> parse_target(std::string_view text);

}  // namespace sluice::net
