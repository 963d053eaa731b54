#include "net/exchange.hpp"

#include "core/text.hpp"
#include "net/deadline.hpp"
#include "net/failure.hpp"
#include "net/tunnel.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

constexpr std::size_t piece_size = 256 * 1024;
constexpr std::size_t head_piece = 16 * 1024;
/// Requests up to this size have room in the buffers of a socket that nothing waits in.
constexpr std::size_t small_message = 16 * 1024;
/// How long an answer is waited for after the peer stopped to take our body.
constexpr Milliseconds answer_after_failure{std::chrono::seconds(2)};
constexpr int most_interim_answers = 16;

/// Fields that a request cannot bring along: those of the framing, and the one that only proxies get.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 4> ours{"Content-Length", "Transfer-Encoding", "Connection",
                                                 "Proxy-Authorization"};
  return std::any_of(ours.begin(), ours.end(),
                     [&](std::string_view known) { return same_without_case(known, name); });
}

std::string serialize_request(const Request& request, const Connection& connection,
                              const ClientOptions& options) {
  const bool absolute = speaks_absolute(connection);
  std::string head = request.method;
  head.append(" ").append(absolute ? request.url.text() : request.url.target).append(" HTTP/1.1\r\n");
  append_field(head, "Host", request.url.authority());
  if (!request.headers.get("User-Agent")) append_field(head, "User-Agent", options.user_agent);
  // Nobody here unpacks a content coding, so none may be applied.
  if (!request.headers.get("Accept-Encoding")) append_field(head, "Accept-Encoding", "identity");
  for (const auto& [name, value] : request.headers.fields())
    if (!is_ours(name)) append_field(head, name, value);
  const std::uint64_t length = request.stream != nullptr ? request.stream_length : request.body.size();
  const bool usual = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (length != 0 || usual) append_field(head, "Content-Length", std::to_string(length));
  if (absolute) {
    const Secret credentials = proxy_authorization(*connection.key.proxy);
    if (!credentials.empty()) append_field(head, "Proxy-Authorization", credentials.reveal());
  }
  head += "\r\n";
  return head;
}

}  // namespace

bool speaks_absolute(const Connection& connection) {
  const auto& proxy = connection.key.proxy;
  return proxy && proxy->kind == Proxy::Kind::http && connection.key.scheme == "http";
}

void Exchange::fail(std::exception_ptr cause) const {
  // The peer closed: when we could not write either, that came first.
  if (write_failure_ && !answered_)
    throw failed(request_, Phase::sending, request_.idle_timeout, write_failure_, connection_.via());
  throw failed(request_, sent_ ? Phase::waiting : Phase::sending, patience(), std::move(cause),
               connection_.via());
}

Exchange::Exchange(Clock& clock, Connection& connection, const Request& request, const ClientOptions& options)
    : clock_(clock),
      connection_(connection),
      request_(request),
      options_(options),
      message_(serialize_request(request, connection, options)),
      progress_(request.idle_timeout, minimum_progress),
      throttle_{clock, options.bandwidth, request.bandwidth} {}

Task<ResponseHead> Exchange::run() {
  const bool small = request_.stream == nullptr && message_.size() + request_.body.size() <= small_message;
  if (small)
    co_await send_then_listen();
  else
    co_await send_and_listen();
  co_return std::move(head_);
}

Task<> Exchange::send_then_listen() {
  message_ += request_.body;
  co_await throttle_.pay(request_.body.size());
  // After what else is ready now: requests that go out one after the other wake a server once.
  co_await boost::asio::post(boost::asio::use_awaitable);
  sent_ = co_await write(message_, message_.size());
  std::exception_ptr failure;
  try {
    co_await receive(clock_.steady() + patience());
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) fail(failure);
}

Task<> Exchange::send_and_listen() {
  namespace asio = boost::asio;
  auto executor = co_await asio::this_coro::executor;
  auto group =
      asio::experimental::make_parallel_group(asio::co_spawn(executor, receive(std::nullopt), asio::deferred),
                                              asio::co_spawn(executor, send(), asio::deferred));
  auto [order, receive_failure, send_failure] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (!receive_failure) co_return;
  if (order[0] != 0) std::rethrow_exception(send_failure);
  fail(receive_failure);
}

// Ends only by throwing; send_and_listen() stops it when the answer is there.
Task<> Exchange::send() {
  const bool open = co_await write(message_, message_.size());
  // Never true early, not even between two statements: an early answer may stop us at any co_await, and a
  // connection with an unfinished request on it must not be used again.
  if (open) sent_ = request_.stream == nullptr ? co_await send_body() : co_await send_stream();
  co_await clock_.sleep_for(patience());
  fail(std::make_exception_ptr(boost::system::system_error(boost::asio::error::timed_out)));
}

// False, as send_stream(), when the peer takes no more.
Task<bool> Exchange::send_body() {
  std::string_view left = request_.body;
  while (!left.empty()) {
    const std::string_view piece = left.substr(0, throttle_.piece(left.size()));
    co_await throttle_.pay(piece.size());
    if (!co_await write(piece, left.size())) co_return false;
    left.remove_prefix(piece.size());
  }
  co_return true;
}

Task<bool> Exchange::send_stream() {
  const std::size_t piece_limit = throttle_.piece(piece_size);
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(piece_limit, request_.stream_length)),
                     '\0');
  std::uint64_t left = request_.stream_length;
  while (left > 0) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left));
    const std::size_t count = co_await request_.stream->read(std::span<char>(buffer.data(), want));
    if (count == 0)
      throw Error(ErrorKind::corrupt,
                  fmt::format("{} {}: the body to send ended {} bytes before its announced length {}",
                              request_.method, request_.url.without_query(), left, request_.stream_length));
    co_await throttle_.pay(count);
    const std::string_view piece(buffer.data(), count);
    if (!co_await write(piece, left)) co_return false;
    left -= count;
  }
  co_return true;
}

Milliseconds Exchange::patience() const {
  return sent_ ? request_.header_timeout : std::min(request_.header_timeout, answer_after_failure);
}

// False when the peer takes no more; the reason is kept, for the answer may say more.
Task<bool> Exchange::write(std::string_view bytes, std::uint64_t left) {
  try {
    co_await write_all(clock_, connection_.stream, progress_, bytes, left);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    write_failure_ = std::current_exception();
  }
  co_return !write_failure_;
}

Task<> Exchange::receive(std::optional<Steady> deadline) {
  std::string& received = connection_.received;
  int answers = 0;
  std::size_t searched = 0;
  while (true) {
    if (const auto size = head_size(received, searched)) {
      head_ = parse_response_head(std::string_view(received).substr(0, *size));
      received.erase(0, *size);
      searched = 0;
      if (head_.status >= 200) co_return;
      // 100 Continue, 102, 103: the real answer follows (RFC 9110 15.2). 101 was never asked for.
      if (head_.status == 101 || ++answers > most_interim_answers)
        throw Error(ErrorKind::corrupt,
                    fmt::format("unexpected interim answers, the last with status {}", head_.status));
      continue;
    }
    searched = received.size();
    if (!may_be_response(received))
      throw Error(ErrorKind::corrupt,
                  fmt::format("the answer is not HTTP/1.1, it begins with \"{}\"", printable(received, 80)));
    if (received.size() >= options_.header_limit)
      throw Error(ErrorKind::corrupt,
                  fmt::format("the header of the answer is larger than {} bytes", options_.header_limit));
    received.resize(searched + std::min(head_piece, options_.header_limit - searched));
    const boost::asio::mutable_buffer buffer(received.data() + searched, received.size() - searched);
    std::size_t count = 0;
    try {
      auto reading =
          deadline ? connection_.stream.read_some(buffer, *deadline) : connection_.stream.read_some(buffer);
      count = co_await std::move(reading);
    } catch (...) {
      received.resize(searched);
      throw;
    }
    received.resize(searched + count);
    answered_ = true;
  }
}

}  // namespace sluice::net
