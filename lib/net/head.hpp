#pragma once
// The head of an HTTP/1.1 message (RFC 9112): start line and fields, from bytes and back. Pure.

#include "net/http.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::net {

struct RequestHead {
  std::string method;
  std::string target;
  int minor = 1;  // HTTP/1.x
  Headers headers;
};

struct ResponseHead {
  int status = 0;
  int minor = 1;
  Headers headers;
};

/// Size of the head including its empty line, nullopt while that has not come. `searched` bytes are known to
/// lack it.
std::optional<std::size_t> head_size(std::string_view bytes, std::size_t searched = 0);

/// True when `bytes` can be the beginning of an HTTP/1.x response.
bool may_be_response(std::string_view bytes);

/// Reads one complete head. Throws Error(corrupt).
RequestHead parse_request_head(std::string_view bytes);
ResponseHead parse_response_head(std::string_view bytes);

bool is_token(std::string_view text);
/// True for a field value that cannot break out of its line.
bool is_field_value(std::string_view text);

/// Adds the line of one field. Throws Error(invalid) when the name or value would break the message apart.
void append_field(std::string& head, std::string_view name, std::string_view value);
/// Start line, fields, empty line. Throws Error(invalid) when a name or value would break the message apart.
std::string serialize(std::string_view start_line, const Headers& headers);

/// True when a comma-separated field of that name holds `token` (no case).
bool has_token(const Headers& headers, std::string_view name, std::string_view token);

}  // namespace sluice::net
