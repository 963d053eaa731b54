#include "net/framing.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

[[noreturn]] void corrupt(std::string message) {
  throw Error(ErrorKind::corrupt, std::move(message));
}

bool is_chunked_alone(const std::string& value) {
  return same_without_case(value, "chunked");
}

std::uint64_t parse_length(const std::string& text) {
  std::uint64_t length = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, length);
  if (text.empty() || error != std::errc() || stop != end)
    corrupt(fmt::format("malformed Content-Length \"{}\"", printable(text, 40)));
  return length;
}

// Nullopt when the message says nothing about its body.
std::optional<Framing> declared(const Headers& headers, int minor) {
  const auto codings = headers.all("Transfer-Encoding");
  const auto lengths = headers.all("Content-Length");
  if (!codings.empty()) {
    if (!lengths.empty()) corrupt("both Content-Length and Transfer-Encoding");
    if (codings.size() != 1 || !is_chunked_alone(codings.front()))
      corrupt("a transfer coding other than \"chunked\"");
    if (minor == 0) corrupt("a transfer coding in HTTP/1.0");
    return Framing{Framing::Kind::chunked, 0};
  }
  if (lengths.size() > 1) corrupt("several Content-Length fields");
  if (lengths.empty()) return std::nullopt;
  const std::uint64_t length = parse_length(lengths.front());
  return Framing{length == 0 ? Framing::Kind::none : Framing::Kind::length, length};
}

}  // namespace

Framing request_framing(const RequestHead& head) {
  auto framing = declared(head.headers, head.minor);
  return framing ? *framing : Framing{};
}

Framing response_framing(const ResponseHead& head, bool to_head) {
  auto framing = declared(head.headers, head.minor);
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) return {};
  return framing ? *framing : Framing{Framing::Kind::until_close, 0};
}

ChunkDecoder::Step ChunkDecoder::decode(std::span<char> piece) {
  Step step;
  while (step.consumed < piece.size() && state_ != State::done) {
    if (state_ != State::data) {
      take_framing(piece[step.consumed++]);
      continue;
    }
    const auto left = static_cast<std::uint64_t>(piece.size() - step.consumed);
    const auto count = static_cast<std::size_t>(std::min(left, remaining_));
    std::memmove(piece.data() + step.payload, piece.data() + step.consumed, count);
    step.payload += count;
    step.consumed += count;
    remaining_ -= count;
    if (remaining_ == 0) state_ = State::data_return;
  }
  return step;
}

void ChunkDecoder::take_framing(char c) {
  switch (state_) {
    case State::size:
      if (c == '\r') {
        state_ = State::size_newline;
      } else {
        if (c == '\n' || c == '\0') corrupt("malformed chunk size line");
        if (line_.size() >= size_line_limit) corrupt("a chunk size line is longer than 256 bytes");
        line_ += c;
      }
      return;
    case State::size_newline:
      if (c != '\n') corrupt("malformed chunk size line");
      end_of_size_line();
      return;
    case State::data_return:
      if (c != '\r') corrupt("a chunk is longer than it said");
      state_ = State::data_newline;
      return;
    case State::data_newline:
      if (c != '\n') corrupt("a chunk is longer than it said");
      state_ = State::size;
      return;
    case State::trailer:
      if (++trailer_bytes_ > trailer_limit) corrupt("the trailer is longer than 8 KiB");
      if (c == '\n') corrupt("malformed trailer");
      if (c == '\r')
        state_ = State::trailer_newline;
      else
        trailer_line_empty_ = false;
      return;
    case State::trailer_newline:
      if (c != '\n') corrupt("malformed trailer");
      state_ = trailer_line_empty_ ? State::done : State::trailer;
      trailer_line_empty_ = true;
      return;
    case State::data:
    case State::done:
      return;
  }
}

void ChunkDecoder::end_of_size_line() {
  // chunk-size [ BWS ";" extension ]: digits only, then nothing, blanks or an extension.
  const char* end = line_.data() + line_.size();
  auto [stop, error] = std::from_chars(line_.data(), end, remaining_, 16);
  const auto rest = std::string_view(stop, static_cast<std::size_t>(end - stop));
  const auto next = rest.find_first_not_of(" \t");
  if (error != std::errc() || (!rest.empty() && (next == std::string_view::npos || rest[next] != ';')))
    corrupt(fmt::format("malformed chunk size \"{}\"", printable(line_, 40)));
  line_.clear();
  state_ = remaining_ == 0 ? State::trailer : State::data;
}

}  // namespace sluice::net
