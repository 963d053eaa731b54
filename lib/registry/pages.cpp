#include "registry/pages.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/link.hpp"

#include <set>

namespace sluice::registry {
namespace {

// A registry behind a TLS proxy may write http:// and a port of its own: what counts is the path.
net::Url next_page(const Endpoint& endpoint, const net::Url& answered, const std::string& link) {
  net::Url url = answered.resolve(link);
  if (url.host != endpoint.base.host)
    throw Error(ErrorKind::corrupt, endpoint.registry + " continues its list at " +
                                        printable(url.without_query(), 200) + ", another host: not followed");
  url.scheme = endpoint.base.scheme;
  url.port = endpoint.base.port;
  return url;
}

}  // namespace

Task<> read_pages(Session& session, oci::Repository repository, Call first,
                  std::function<bool(const net::Response& page, std::string body)> take) {
  std::set<std::string> seen;
  const Endpoint endpoint = session.endpoint(repository);
  Call call = first;
  for (int page = 1;; ++page) {
    const auto response = co_await session.send(repository, call);
    std::string body = co_await response->read_all(max_page);
    const auto link = next_link(response->headers().all("Link"));
    if (!take(*response, std::move(body)) || !link) co_return;
    call.url = next_page(endpoint, response->url(), *link);
    call.url_from = response->reached_at();
    if (page == max_pages || !seen.insert(call.url->target).second)
      throw Error(ErrorKind::corrupt, "the " + first.what + " of " + repository.text() +
                                          (page == max_pages ? " has no end" : " comes back to itself"));
  }
}

}  // namespace sluice::registry
