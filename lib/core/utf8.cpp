#include "core/utf8.hpp"

namespace sluice {

Decoded decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t code = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  if (length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return {};
  if (length == 4 && (code < 0x10000 || code > 0x10ffff)) return {};
  return {code, length};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = decode_utf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_deceptive(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||       // C0, DEL, C1
         code == 0x061c || code == 0x200e || code == 0x200f ||  // directional marks
         (code >= 0x202a && code <= 0x202e) ||                  // embeddings and overrides
         (code >= 0x2066 && code <= 0x2069) ||                  // isolates
         code == 0x2028 || code == 0x2029 ||                    // line and paragraph separators
         code == 0x200b || code == 0xfeff;                      // zero width
}

}  // namespace sluice
