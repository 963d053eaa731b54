#include "net/session.hpp"

#include "core/text.hpp"
#include "net/deadline.hpp"
#include "net/framing.hpp"
#include "net/target.hpp"
#include "net/tls.hpp"
#include "net/transfer.hpp"

#include <algorithm>

#include <boost/asio/cancellation_state.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace sluice::net {
namespace {

constexpr std::size_t receive_piece = 16 * 1024;
/// Bodies up to this size have room even when others took all there is: large ones shall not keep them out.
constexpr std::size_t always_welcome = 64 * 1024;
/// A reader must take this part of an answer within each body_timeout.
constexpr std::uint64_t parts_of_answer = 16;
/// After the last answer, what the peer still sends is read for so long, else the kernel would reset the
/// connection and the peer would never see the answer.
constexpr Milliseconds linger_time{std::chrono::seconds(1)};
constexpr std::size_t linger_bytes = 256 * 1024;

Framing framing_of(const RequestHead& head) {
  try {
    return request_framing(head);
  } catch (const Error& error) {
    throw Refusal{400, error.what()};
  }
}

void check_head(const RequestHead& head) {
  if (head.minor >= 1 && head.headers.all("Host").size() != 1)
    throw Refusal{400, "a request needs exactly one Host field"};
  if (const auto expected = head.headers.get("Expect");
      expected && !has_token(head.headers, "Expect", "100-continue"))
    throw Refusal{417, fmt::format("the expectation \"{}\" is not supported", printable(*expected, 40))};
}

// What is unexpected may hold anything: it goes to the log, not to the peer.
ServerResponse answer_to(std::exception_ptr failure, const std::string& request) {
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& error) {
    return net::answer_to(error);
  } catch (...) {
    spdlog::error("{}: {}", request, printable(current_error().what()));
    return net::answer_to(Error(ErrorKind::internal, "an unexpected error; the log tells more"));
  }
}

RequestHead parse(std::string_view bytes) {
  try {
    return parse_request_head(bytes);
  } catch (const Error& error) {
    throw Refusal{400, error.what()};
  }
}

}  // namespace

Session::Session(Clock& clock, const Handler& handler, const ServerLimits& limits, Load& load, Socket socket,
                 std::string peer, std::shared_ptr<ServerTls> tls)
    : clock_(clock),
      handler_(handler),
      limits_(limits),
      load_(load),
      stream_(clock, std::move(socket)),
      peer_(std::move(peer)),
      tls_(std::move(tls)) {}

Task<> Session::run() {
  bool open = co_await shake_hands();
  if (open) open = co_await serve_one(true);
  while (open)
    open = co_await serve_one(false);
}

// False when the peer was too slow. What it did wrong otherwise is thrown.
Task<bool> Session::shake_hands() {
  if (!tls_) co_return true;
  waiting_since_ = clock_.steady();
  try {
    auto shaking = stream_.secure_as_server(tls_);
    co_await before(std::move(shaking), clock_.sleep_until(*waiting_since_ + limits_.header_timeout));
    co_return true;
  } catch (const boost::system::system_error& error) {
    if (error.code() != boost::asio::error::timed_out) throw;
  }
  co_return false;
}

// False when the connection is to be closed.
Task<bool> Session::serve_one(bool first) {
  std::optional<Refusal> refusal;
  std::optional<RequestHead> head;
  ServerRequest request;
  bool keep = true;
  try {
    head = co_await read_head(first);
    if (!head) co_return false;
    keep = head->minor >= 1 && !has_token(head->headers, "Connection", "close");
    check_head(*head);
    request = co_await read_request(*head);
  } catch (const Refusal& refused) {
    refusal = refused;
  }
  body_since_.reset();
  const bool with_body = request.method != "HEAD";
  ServerResponse response;
  if (refusal)
    response = answer_to(*refusal);
  else
    response = co_await answer(std::move(request));
  release();
  keep =
      keep && !refusal && !ending_ && !load_.crowded && !has_token(response.headers, "Connection", "close");
  std::string bytes;
  try {
    bytes = serialize_answer(response, clock_.now(), with_body, keep);
  } catch (const Error& error) {
    spdlog::error("an answer could not be sent: {}", error.what());
    const Error shown(ErrorKind::internal, "the answer could not be built; the log tells more");
    bytes = serialize_answer(answer_to(shown), clock_.now(), with_body, keep);
  }
  co_await write(std::move(bytes));
  if (!keep) co_await close_gently();
  co_return keep;
}

// Nullopt when the peer left or was silent for too long.
Task<std::optional<RequestHead>> Session::read_head(bool first) {
  waiting_since_ = clock_.steady();
  Steady deadline = *waiting_since_ + (first ? limits_.header_timeout : limits_.keep_alive);
  bool begun = first;
  std::size_t searched = 0;
  while (true) {
    // An empty line ahead of a request is ignored (RFC 9112 2.2).
    if (received_.starts_with("\r\n")) received_.erase(0, 2);
    const auto size = head_size(received_, searched);
    if (size.value_or(received_.size()) > limits_.header_bytes)
      throw Refusal{431, fmt::format("the request header is larger than {} bytes", limits_.header_bytes)};
    if (size) {
      waiting_since_.reset();
      RequestHead head = parse(std::string_view(received_).substr(0, *size));
      received_.erase(0, *size);
      co_return head;
    }
    if (!received_.empty() && received_.front() != '\r' &&
        !is_token(std::string_view(received_).substr(0, 1)))
      throw Refusal{400, "this is not HTTP"};
    if (!received_.empty() && !begun) {
      begun = true;
      deadline = clock_.steady() + limits_.header_timeout;
    }
    searched = received_.size();
    const Wait outcome = co_await receive(deadline);
    if (outcome == Wait::closed) co_return std::nullopt;
    if (outcome == Wait::timeout) {
      if (received_.empty()) co_return std::nullopt;
      throw Refusal{408, "the request header did not come in time"};
    }
  }
}

Task<ServerRequest> Session::read_request(RequestHead head) {
  auto target = parse_target(head.target);
  if (!target) throw Refusal{400, "the request target is malformed"};
  ServerRequest request;
  request.body = co_await read_body(head);
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.headers = std::move(head.headers);
  request.peer = peer_;
  co_return request;
}

Task<std::string> Session::read_body(const RequestHead& head) {
  const Framing framing = framing_of(head);
  if (framing.kind == Framing::Kind::none) co_return std::string();
  body_since_ = clock_.steady();
  if (framing.length > limits_.body_bytes)
    throw Refusal{413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)};
  if (head.headers.get("Expect") && received_.empty()) {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await write(std::move(go_on));
  }
  try {
    const bool chunked = framing.kind == Framing::Kind::chunked;
    co_return co_await read_rest(framing.length, chunked, clock_.steady() + limits_.body_timeout);
  } catch (const boost::system::system_error& error) {
    if (error.code() != boost::asio::error::timed_out) throw;
  } catch (const Error& error) {
    throw Refusal{400, error.what()};
  }
  throw Refusal{408, "the request body did not come in time"};
}

Task<std::string> Session::read_rest(std::uint64_t length, bool chunked, Steady deadline) {
  std::string body;
  ChunkDecoder chunks;
  while (chunked ? !chunks.done() : body.size() < length) {
    if (received_.empty()) co_await receive_some(deadline);
    if (chunked) {
      const auto step = chunks.decode(std::span<char>(received_.data(), received_.size()));
      hold(step.payload);
      body.append(received_, 0, step.payload);
      received_.erase(0, step.consumed);
      if (body.size() > limits_.body_bytes)
        throw Refusal{413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)};
    } else {
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(received_.size(), length - body.size()));
      hold(count);
      body.append(received_, 0, count);
      received_.erase(0, count);
    }
  }
  co_return body;
}

void Session::hold(std::size_t bytes) {
  if (held_ + bytes > always_welcome && load_.bodies + bytes > limits_.all_bodies_bytes)
    throw Refusal{503, "too many large requests at once"};
  load_.bodies += bytes;
  held_ += bytes;
}

void Session::release() {
  load_.bodies -= held_;
  held_ = 0;
}

// Whatever a handler throws becomes an answer, unless it is us who were cancelled.
Task<ServerResponse> Session::answer(ServerRequest request) {
  const std::string what = request.method + " " + printable(request.path, 200);
  std::exception_ptr failure;
  try {
    co_return co_await handler_(std::move(request));
  } catch (...) {
    failure = std::current_exception();
  }
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none)
    throw boost::system::system_error(boost::asio::error::operation_aborted);
  co_return answer_to(failure, what);
}

Task<> Session::write(std::string bytes) {
  Progress progress(limits_.body_timeout, std::max<std::uint64_t>(1, bytes.size() / parts_of_answer));
  co_await write_all(clock_, stream_, progress, bytes, bytes.size());
}

Task<> Session::close_gently() {
  const Steady deadline = clock_.steady() + linger_time;
  try {
    auto closing = stream_.end_tls();
    co_await before(std::move(closing), clock_.sleep_until(deadline));
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    // What comes from here on is only taken off the wire.
  }
  boost::system::error_code ignored;
  stream_.socket().shutdown(boost::asio::socket_base::shutdown_send, ignored);
  for (std::size_t count = 0; count < linger_bytes; count += received_.size()) {
    received_.clear();
    const Wait outcome = co_await receive(deadline);
    if (outcome != Wait::data) co_return;
  }
}

Task<Session::Wait> Session::receive(Steady deadline) {
  try {
    co_await receive_some(deadline);
    co_return Wait::data;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    co_return error.code() == boost::asio::error::timed_out ? Wait::timeout : Wait::closed;
  }
}

// Appends to received_.
Task<std::size_t> Session::receive_some(Steady deadline) {
  const std::size_t before_read = received_.size();
  received_.resize(before_read + receive_piece);
  std::size_t count = 0;
  std::exception_ptr failure;
  try {
    const boost::asio::mutable_buffer buffer(received_.data() + before_read, receive_piece);
    count = co_await stream_.read_some(buffer, deadline);
  } catch (...) {
    failure = std::current_exception();
  }
  received_.resize(before_read + count);
  if (failure) std::rethrow_exception(failure);
  co_return count;
}

}  // namespace sluice::net
