#pragma once
// Push events of git servers, which are much alike. Private to the room.

#include "watch/payload.hpp"

#include <vector>

namespace sluice::watch {

/// Adds the push, unless the branch or tag was deleted. `push` has `ref` and `after`, `repository` its
/// addresses under these names and `default_branch`. Throws Error(invalid) when one is missing.
void add_git_push(Parsed& parsed, const Fields& push, const Fields& repository,
                  const std::vector<const char*>& addresses);

}  // namespace sluice::watch
