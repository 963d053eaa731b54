#include "registry/upload_notes.hpp"

#include <algorithm>

namespace sluice::registry {
namespace {

// Only hints: when there are too many to keep, we begin anew.
constexpr std::size_t most_hints = 4096;

std::string blob_key(const std::string& registry, const oci::Digest& digest) {
  return registry + " " + digest.text();
}

}  // namespace

std::vector<std::string> UploadNotes::holders(const std::string& registry, const oci::Digest& digest) const {
  const auto found = holders_.find(blob_key(registry, digest));
  return found == holders_.end() ? std::vector<std::string>{} : found->second;
}

void UploadNotes::holds(const oci::Repository& repository, const oci::Digest& digest) {
  constexpr std::size_t most_places = 2;
  if (holders_.size() >= most_hints) holders_.clear();
  auto& paths = holders_[blob_key(repository.registry, digest)];
  std::erase(paths, repository.path);
  paths.insert(paths.begin(), repository.path);
  if (paths.size() > most_places) paths.pop_back();
}

void UploadNotes::forget(const oci::Repository& repository, const oci::Digest& digest) {
  const auto found = holders_.find(blob_key(repository.registry, digest));
  if (found == holders_.end()) return;
  std::erase(found->second, repository.path);
  if (found->second.empty()) holders_.erase(found);
}

std::uint64_t UploadNotes::chunk(const std::string& registry) const {
  const auto found = chunks_.find(registry);
  return found == chunks_.end() ? 0 : found->second;
}

void UploadNotes::set_chunk(const std::string& registry, std::uint64_t bytes) {
  chunks_[registry] = bytes;
}

std::optional<std::uint64_t> smaller_chunk(std::uint64_t refused, std::uint64_t least) {
  constexpr std::uint64_t mib = 1024 * 1024;
  for (std::uint64_t chunk = 32 * mib; chunk >= mib; chunk /= 2) {
    const auto allowed = std::max(chunk, least);
    if (allowed < refused) return allowed;
  }
  return std::nullopt;
}

}  // namespace sluice::registry
