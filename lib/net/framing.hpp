#pragma once
// Where the body of an HTTP/1.1 message ends (RFC 9112 6.3), strictly: what two readers could understand
// differently is refused. Pure.

#include "net/head.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::net {

struct Framing {
  enum class Kind { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
};

/// Throws Error(corrupt): both Content-Length and Transfer-Encoding, several or malformed Content-Length, any
/// transfer coding but a single "chunked", chunked in HTTP/1.0.
Framing request_framing(const RequestHead& head);
/// The same; `to_head` when the request was HEAD.
Framing response_framing(const ResponseHead& head, bool to_head);

/// Takes the chunked coding (RFC 9112 7.1) off a stream of bytes, piece by piece. Extensions and trailers are
/// dropped.
class ChunkDecoder {
 public:
  /// Limits of what is not payload.
  static constexpr std::size_t size_line_limit = 256;
  static constexpr std::size_t trailer_limit = 8 * 1024;

  struct Step {
    std::size_t payload = 0;   // bytes of payload, moved to the front of the piece
    std::size_t consumed = 0;  // bytes of the piece that belong to this body; less than all only at the end
  };
  /// Decodes in place. Throws Error(corrupt).
  Step decode(std::span<char> piece);
  bool done() const { return state_ == State::done; }
  /// Payload bytes outstanding in the current chunk.
  std::uint64_t remaining() const { return remaining_; }

 private:
  enum class State { size, size_newline, data, data_return, data_newline, trailer, trailer_newline, done };
  void take_framing(char c);
  void end_of_size_line();

  State state_ = State::size;
  std::string line_;
  std::size_t trailer_bytes_ = 0;
  bool trailer_line_empty_ = true;
  std::uint64_t remaining_ = 0;
};

}  // namespace sluice::net
