#pragma once
// The images that a Dockerfile is built from. Private to the room.

#include <map>
#include <string>
#include <vector>

namespace sluice::config {

struct DockerfileImage {
  int line = 0;
  std::string image;     // with its variables filled in, or as written when it is not `known`
  std::string platform;  // "linux/amd64", where the line names one
  bool known = true;     // false: a variable has no value here
};

/// What each FROM, `COPY --from` and `RUN --mount=from=` names, but stages and `scratch`; ARGs before the
/// first one give values, and names in `aliases` that stand before a '/' are replaced (Renovate's
/// registryAliases). https://docs.docker.com/reference/dockerfile/#from
std::vector<DockerfileImage> images_of_dockerfile(const std::string& text,
                                                  const std::map<std::string, std::string>& aliases);

}  // namespace sluice::config
