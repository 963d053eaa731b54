#pragma once
// Lists that come in pages (distribution specification, "Listing Tags", "Listing Referrers").

#include "registry/request.hpp"

#include <functional>
#include <string>

namespace sluice::registry {

/// Bytes of one page. Docker Hub sends thousands of tags in one.
inline constexpr std::size_t max_page = 16 * 1024 * 1024;
/// Pages of one list.
inline constexpr int max_pages = 10'000;

/// Sends `first`, and follows each page's Link as it stands (cursors are opaque) while it stays with the same
/// registry. `take` gets the body of each page and says whether to go on. Throws Error(corrupt) for a list
/// that points to itself, to somewhere else or has no end.
Task<> read_pages(Session& session, oci::Repository repository, Call first,
                  std::function<bool(const net::Response& page, std::string body)> take);

}  // namespace sluice::registry
