#include "watch/git_push.hpp"

#include <utility>

namespace sluice::watch {

void add_git_push(Parsed& parsed, const Fields& push, const Fields& repository,
                  const std::vector<const char*>& addresses) {
  GitPush found;
  found.ref = push.required("ref");
  // All zeros: it is gone.
  if (push.text("after").find_first_not_of('0') == std::string::npos) {
    parsed.note = "a branch or tag was deleted";
    return;
  }
  found.is_default = found.ref == "refs/heads/" + repository.text("default_branch");
  for (const auto* name : addresses)
    if (auto url = repository.text(name); !url.empty()) found.urls.push_back(std::move(url));
  if (found.urls.empty()) repository.fail(addresses.front(), "is missing");
  parsed.pushes.push_back(std::move(found));
}

}  // namespace sluice::watch
