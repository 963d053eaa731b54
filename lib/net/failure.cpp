#include "net/failure.hpp"

#include "core/text.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/system/system_error.hpp>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::resolving:
      return "resolving the name";
    case Phase::connecting:
      return "connecting";
    case Phase::tunnel:
      return "asking for the way to the target";
    case Phase::tls:
      return "TLS handshake";
    case Phase::sending:
      return "sending the request";
    case Phase::waiting:
      return "waiting for the answer";
    case Phase::reading:
      return "reading the body";
  }
  return "";
}

std::string reason_of(const boost::system::error_code& code) {
  if (code == boost::asio::error::eof) return "the peer closed the connection";
  if (code == boost::asio::ssl::error::stream_truncated)
    return "the peer closed the connection without ending TLS";
  // What OpenSSL says of an answer that is no TLS record, an HTTP answer above all.
  const bool no_tls = code.category() == boost::asio::error::get_ssl_category() &&
                      ERR_GET_REASON(static_cast<unsigned long>(code.value())) == SSL_R_WRONG_VERSION_NUMBER;
  if (no_tls) return "the peer does not speak TLS on this port (plain HTTP, perhaps)";
  return code.message();
}

}  // namespace

std::string reason_of(std::exception_ptr cause) {
  try {
    std::rethrow_exception(std::move(cause));
  } catch (const boost::system::system_error& error) {
    return reason_of(error.code());
  } catch (...) {
    return current_error().what();
  }
}

Error failed(const Request& request, Phase phase, Milliseconds limit, std::exception_ptr cause,
             std::string_view via) {
  ErrorKind kind = ErrorKind::internal;
  std::optional<Milliseconds> retry_after;
  std::string reason = reason_of(cause);
  try {
    std::rethrow_exception(cause);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    kind = current_error().kind();
    if (kind == ErrorKind::timeout)
      reason =
          fmt::format("{} within {} ms", phase == Phase::waiting ? "none" : "no progress", limit.count());
  } catch (...) {
    const Error error = current_error();
    if (error.kind() == ErrorKind::cancelled) throw;
    kind = error.kind();
    retry_after = error.retry_after();
  }
  return {kind,
          fmt::format("{} {}: {}{}{}: {}", printable(request.method, 20), request.url.without_query(),
                      name_of(phase), via.empty() ? "" : ", proxy ", via, reason),
          retry_after};
}

}  // namespace sluice::net
