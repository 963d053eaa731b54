#pragma once
// One request and the head of its answer on one connection. Room-internal.

#include "core/error.hpp"
#include "net/connection.hpp"
#include "net/failure.hpp"
#include "net/head.hpp"
#include "net/progress.hpp"
#include "net/transfer.hpp"

#include <optional>

namespace sluice::net {

/// True when the peer is a proxy that takes requests in absolute form (RFC 9112 3.2.2).
bool speaks_absolute(const Connection& connection);

/// Sends and, when that may take long, listens at the same time, because a server may answer (401, 413) and
/// close long before it has read the whole body; that answer must not be hidden behind a "broken pipe".
class Exchange {
 public:
  Exchange(Clock& clock, Connection& connection, const Request& request, const ClientOptions& options);

  /// Throws Error that names the phase; what request.stream throws comes through unchanged.
  Task<ResponseHead> run();
  /// True when the peer sent anything at all.
  bool answered() const { return answered_; }
  /// True when the request went out whole, so that the connection may be used again.
  bool sent() const { return sent_; }

 private:
  Task<> send_then_listen();
  Task<> send_and_listen();
  Task<> send();
  Task<bool> send_body();
  Task<bool> send_stream();
  Milliseconds patience() const;
  [[noreturn]] void fail(std::exception_ptr cause) const;
  Task<bool> write(std::string_view bytes, std::uint64_t left);
  Task<> receive(std::optional<Steady> deadline);

  Clock& clock_;
  Connection& connection_;
  const Request& request_;
  const ClientOptions& options_;
  std::string message_;
  Progress progress_;
  Throttle throttle_;
  ResponseHead head_;
  bool answered_ = false;
  bool sent_ = false;
  std::exception_ptr write_failure_;
};

}  // namespace sluice::net
