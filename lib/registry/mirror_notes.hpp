#pragma once
// Where mirrors have things, and which of them were of no use lately. Pure: time comes in.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "oci/reference.hpp"
#include "registry/client.hpp"

#include <map>

namespace sluice::registry {

/// Where a mirror has what is in the repository.
oci::Repository at_mirror(const Mirror& mirror, const oci::Repository& repository);

/// Which mirrors were of no use lately.
class MirrorNotes {
 public:
  /// Passes a mirrored repository over for a while: minutes for what it does not have or does not give, an
  /// hour for wrong bytes, as long as it asked when it asked for a pause.
  void failed(const oci::Repository& at, const Error& error, Steady now);
  bool is_passed_over(const oci::Repository& at, Steady now) const;

 private:
  std::map<oci::Repository, Steady> until_;
};

}  // namespace sluice::registry
