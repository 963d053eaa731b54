#include "net/redirect.hpp"

#include "core/error.hpp"

#include <spdlog/fmt/fmt.h>

namespace sluice::net {

std::optional<Request> follow(const Request& request, int status, const Headers& headers, AddressClass at) {
  const bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (!is_redirect || (request.method != "GET" && request.method != "HEAD")) return std::nullopt;
  const auto location = headers.get("Location");
  if (!location) return std::nullopt;

  Request next = request;
  next.url = request.url.resolve(*location);
  if (request.url.scheme == "https" && next.url.scheme == "http")
    throw Error(ErrorKind::denied, fmt::format("{} redirects from https to http ({}): not followed",
                                               request.url.without_query(), next.url.without_query()));
  if (!next.url.same_origin(request.url)) {
    for (const char* credential : {"Authorization", "Cookie", "Proxy-Authorization"})
      next.headers.remove(credential);
    // The certificate identifies us too; trusting `ca` for one more host gives nothing away.
    next.tls.certificate.reset();
    next.tls.key.reset();
    next.reach = request.reach.naming(next.url.host, next.url.port, request.url.authority(), at);
  }
  return next;
}

}  // namespace sluice::net
