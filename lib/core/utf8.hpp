#pragma once
// UTF-8 from outside, code point by code point.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

/// One code point at the front of a text; `length` 0 means that the first byte begins no valid UTF-8
/// sequence.
struct Decoded {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

/// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. `text` must not be
/// empty.
Decoded decode_utf8(std::string_view text);
bool is_utf8(std::string_view text);

/// Characters that move the cursor, hide, or change the order of what a person sees.
bool is_deceptive(std::uint32_t code);

}  // namespace sluice
