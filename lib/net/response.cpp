#include "net/response.hpp"

#include "core/error.hpp"
#include "net/failure.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <spdlog/fmt/fmt.h>

namespace sluice::net {

LiveResponse::LiveResponse(Clock& clock, std::shared_ptr<const Request> request, ResponseHead head,
                           std::unique_ptr<Connection> connection, std::weak_ptr<Pool> pool, bool reusable,
                           std::shared_ptr<Bandwidth> bandwidth)
    : clock_(clock),
      request_(std::move(request)),
      reached_at_(connection->reached_at),
      head_(std::move(head)),
      connection_(std::move(connection)),
      pool_(std::move(pool)),
      reusable_(reusable && head_.minor >= 1 && !has_token(head_.headers, "Connection", "close")),
      framing_(response_framing(head_, request_->method == "HEAD")),
      left_(framing_.length),
      progress_(request_->idle_timeout, minimum_progress),
      throttle_{clock, std::move(bandwidth), request_->bandwidth} {
  if (framing_.kind == Framing::Kind::until_close) reusable_ = false;
  if (framing_.kind == Framing::Kind::none) finish();
}

std::optional<std::uint64_t> LiveResponse::content_length() const {
  if (framing_.kind == Framing::Kind::length) return framing_.length;
  if (framing_.kind != Framing::Kind::none) return std::nullopt;
  // HEAD and 304 tell the length of the body that they leave out.
  const auto announced = head_.headers.get("Content-Length");
  if (!announced) return request_->method == "HEAD" ? std::nullopt : std::optional<std::uint64_t>(0);
  return std::stoull(*announced);  // response_framing() has checked its grammar
}

Task<std::size_t> LiveResponse::read(std::span<char> buffer) {
  if (done_ || buffer.empty()) co_return 0;
  std::exception_ptr failure;
  if (!connection_)
    failure = std::make_exception_ptr(Error(ErrorKind::unavailable, "an earlier read failed"));
  while (!failure && !done_) {
    try {
      const std::size_t count = co_await receive(buffer);
      const std::size_t payload = unpack(buffer.first(count));
      if (payload > 0) co_return payload;
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (!failure) co_return 0;
  const std::string via = connection_ ? connection_->via() : std::string();
  connection_.reset();
  throw failed(*request_, Phase::reading, request_->idle_timeout, failure, via);
}

// Raw bytes of the body: what came along with the head first, then straight from the socket into the caller's
// buffer. 0 at the end of the stream.
Task<std::size_t> LiveResponse::receive(std::span<char> buffer) {
  if (framing_.kind == Framing::Kind::length)
    buffer = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_)));
  buffer = buffer.first(throttle_.piece(buffer.size()));
  std::string& received = connection_->received;
  if (!received.empty()) {
    const std::size_t count = std::min(buffer.size(), received.size());
    std::memcpy(buffer.data(), received.data(), count);
    received.erase(0, count);
    co_await throttle_.pay(count);
    co_return count;
  }
  progress_.resume(clock_.steady(), outstanding());
  std::size_t count = 0;
  try {
    const boost::asio::mutable_buffer space(buffer.data(), buffer.size());
    count = co_await connection_->stream.read_some(space, progress_.deadline());
  } catch (const boost::system::system_error& error) {
    // A TLS stream that was cut is not a proper end (RFC 8446 6.1).
    if (error.code() != boost::asio::error::eof) throw;
  }
  progress_.add(count, clock_.steady(), outstanding());
  progress_.pause(clock_.steady());
  co_await throttle_.pay(count);  // our own pause: the peer's time does not run
  co_return count;
}

std::uint64_t LiveResponse::outstanding() const {
  return framing_.kind == Framing::Kind::length ? left_ : std::numeric_limits<std::uint64_t>::max();
}

// Takes the framing off `piece`, in place; finishes at the end of the body.
std::size_t LiveResponse::unpack(std::span<char> piece) {
  const std::size_t count = piece.size();
  if (framing_.kind == Framing::Kind::until_close) {
    if (count == 0) finish();
    return count;
  }
  if (framing_.kind == Framing::Kind::length) {
    if (count == 0)
      throw Error(ErrorKind::unavailable, fmt::format("the peer closed the connection after {} of {} bytes",
                                                      framing_.length - left_, framing_.length));
    left_ -= count;
    if (left_ == 0) finish();
    return count;
  }
  if (count == 0)
    throw Error(ErrorKind::unavailable, "the peer closed the connection in the middle of a chunked body");
  const auto step = chunks_.decode(piece);
  if (chunks_.done()) {
    // Bytes behind the end answer nothing that we asked.
    if (step.consumed < count) reusable_ = false;
    finish();
  }
  return step.payload;
}

void LiveResponse::finish() {
  done_ = true;
  auto pool = pool_.lock();
  if (pool && reusable_ && connection_->received.empty()) pool->give(std::move(connection_));
  connection_.reset();
}

Task<std::string> Response::read_all(std::size_t limit) {
  const auto too_long = [&] {
    return Error(ErrorKind::corrupt,
                 fmt::format("the answer of {} is longer than {} bytes", url().without_query(), limit));
  };
  constexpr std::size_t first = 16 * 1024;
  std::string text;
  std::size_t size = 0;
  while (true) {
    // One byte more than allowed tells "exactly the limit" from "longer".
    if (size == text.size()) text.resize(std::min(std::max(first, size * 2), limit + 1));
    const std::size_t count = co_await read(std::span<char>(text.data() + size, text.size() - size));
    size += count;
    // A body that announces too much is given up at its first bytes; HEAD announces a body that never comes.
    if (size > limit || (count > 0 && content_length().value_or(0) > limit)) throw too_long();
    if (count == 0) break;
  }
  text.resize(size);
  co_return text;
}

}  // namespace sluice::net
