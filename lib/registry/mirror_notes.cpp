#include "registry/mirror_notes.hpp"

#include <algorithm>

namespace sluice::registry {
namespace {

constexpr std::size_t most_notes = 1024;

Milliseconds pass_over_for(const Error& error) {
  using namespace std::chrono_literals;
  switch (error.kind()) {
    case ErrorKind::corrupt:
      return 1h;
    case ErrorKind::rate_limited:
      return std::clamp<Milliseconds>(error.retry_after().value_or(1min), 1s, 1h);
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
      return 1min;
    default:
      return 5min;
  }
}

}  // namespace

oci::Repository at_mirror(const Mirror& mirror, const oci::Repository& repository) {
  return {mirror.registry, mirror.path.empty() ? repository.path : mirror.path + "/" + repository.path};
}

void MirrorNotes::failed(const oci::Repository& at, const Error& error, Steady now) {
  if (until_.size() >= most_notes)
    std::erase_if(until_, [&](const auto& note) { return note.second <= now; });
  if (until_.size() >= most_notes) until_.clear();
  auto& until = until_[at];
  until = std::max(until, now + pass_over_for(error));
}

bool MirrorNotes::is_passed_over(const oci::Repository& at, Steady now) const {
  const auto found = until_.find(at);
  return found != until_.end() && now < found->second;
}

}  // namespace sluice::registry
