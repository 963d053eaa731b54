#pragma once
// Upload locations (distribution specification, "Pushing blobs"). Pure.

#include "oci/digest.hpp"
#include "registry/endpoint.hpp"

#include <string>
#include <string_view>

namespace sluice::registry {

/// Where an upload goes on: `location` resolved against the URL that answered. A registry behind a TLS proxy
/// may name itself with http://; that is read as https. Another host without TLS is refused (Error(corrupt))
/// unless the registry itself speaks plain HTTP.
net::Url upload_location(const Endpoint& endpoint, const net::Url& answered, std::string_view location);

/// The location with "digest=" added to the query that it has (never rebuilt: registries keep state there).
net::Url with_digest(net::Url location, const oci::Digest& digest);

}  // namespace sluice::registry
