#pragma once
// Who is built from what: pure planning of waves.

#include <string>
#include <vector>

#include "oci/reference.hpp"

namespace sluice::dependents {

struct Node {
  std::string name;
  oci::Reference image;
  std::vector<oci::Reference> from;
};

struct Planned {
  std::string name;
  int wave = 0;
  oci::Reference base;  // the `from` entry through which it is reached: the promoted tag, or another dependent's image
  bool operator==(const Planned&) const = default;
};

/// Every dependent of `promoted` (repository and tag), direct or through others; wave = longest distance - 1, ordered by wave, name.
/// A cycle (which config refuses) ends the walk instead of looping.
std::vector<Planned> plan(const std::vector<Node>& nodes, const oci::Reference& promoted);

}  // namespace sluice::dependents
