#include "registry/location.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

namespace sluice::registry {

net::Url upload_location(const Endpoint& endpoint, const net::Url& answered, std::string_view location) {
  if (location.empty())
    throw Error(ErrorKind::corrupt, endpoint.registry + " answered an upload without a Location");
  net::Url url = answered.resolve(location);
  if (url.scheme == endpoint.base.scheme || url.scheme == "https") return url;
  if (url.scheme == "http" && url.host == endpoint.base.host) {
    url.scheme = endpoint.base.scheme;
    url.port = endpoint.base.port;
    return url;
  }
  throw Error(ErrorKind::corrupt, endpoint.registry + " sends an upload to " +
                                      printable(url.without_query(), 200) +
                                      ", another host without TLS: refused");
}

net::Url with_digest(net::Url location, const oci::Digest& digest) {
  location.target += location.target.find('?') == std::string::npos ? '?' : '&';
  location.target += "digest=" + net::percent_encode(digest.text());
  return location;
}

}  // namespace sluice::registry
