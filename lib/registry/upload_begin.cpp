#include "registry/upload_begin.hpp"

#include "core/error.hpp"
#include "registry/presence.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::registry {
namespace {

/// A registry that wants larger pieces than this (OCI-Chunk-Min-Length) is not obeyed.
constexpr std::uint64_t largest_chunk = 1024 * 1024 * 1024;

std::uint64_t least_chunk_in(const net::Response& response) {
  const std::string text = response.headers().get("OCI-Chunk-Min-Length").value_or("");
  std::uint64_t least = 0;
  std::from_chars(text.data(), text.data() + text.size(), least);
  return least > largest_chunk ? 0 : least;
}

}  // namespace

Task<Begun> UploadBeginning::post(std::string query, std::vector<std::string> scopes) {
  Call call = requests_.call("POST");
  call.path = "blobs/uploads/" + query;
  call.scopes = std::move(scopes);
  call.expected = {201, 202};
  const auto response = co_await requests_.send(std::move(call));
  co_await drain(*response);
  Begun begun;
  if (response->status() == 201 && query.starts_with("?mount=")) {
    begun.arrival = Arrival::mounted;
    co_return begun;
  }
  begun.session = {requests_.location_in(*response), least_chunk_in(*response)};
  co_return begun;
}

Task<UploadSession> UploadBeginning::post() {
  std::vector<std::string> scopes{push_scope(target())};
  // Registries hash what they get by sha256 while it comes (distribution specification, "Pushing blobs").
  const auto algorithm = requests_.blob().digest.algorithm();
  std::string query;
  if (algorithm != "sha256") query = "?digest-algorithm=" + std::string(algorithm);
  Begun begun = co_await post(std::move(query), std::move(scopes));
  co_return std::move(begun.session);
}

// Quay refuses a mount without `from`, and `from` means a repository of the same registry. The token needs
// both repositories. Whoever does not mount answers 202 with an ordinary upload, or an error that a plain
// POST may not meet.
Task<std::optional<Begun>> UploadBeginning::mount(oci::Digest digest, std::string from) {
  const std::string query =
      "?mount=" + net::percent_encode(digest.text()) + "&from=" + net::percent_encode(from);
  std::vector<std::string> scopes{push_scope(target())};
  if (from != target().path) scopes.push_back(pull_scope({target().registry, from}));
  try {
    co_return co_await post(query, std::move(scopes));
  } catch (const Error& error) {
    if (is_transient(error.kind()) || error.kind() == ErrorKind::cancelled) throw;
  }
  co_return std::nullopt;
}

/// Repositories of the same registry that hold the blob, as far as is known.
std::vector<std::string> UploadBeginning::neighbours() const {
  std::vector<std::string> paths = notes_.holders(target().registry, requests_.blob().digest);
  const bool near = home_ && home_->registry == target().registry;
  if (near && std::find(paths.begin(), paths.end(), home_->path) == paths.end()) paths.push_back(home_->path);
  std::erase(paths, target().path);
  return paths;
}

/// What the first of them that does not refuse the mount makes of it; nullopt when there is none.
Task<std::optional<Begun>> UploadBeginning::mount_from_neighbour() {
  const auto& digest = requests_.blob().digest;
  for (const auto& path : neighbours()) {
    auto begun = co_await mount(digest, path);
    if (!begun) continue;
    if (!begun->arrival) notes_.forget({target().registry, path}, digest);
    co_return begun;
  }
  co_return std::nullopt;
}

// After an upload that broke the blob may be there.
Task<bool> UploadBeginning::is_there() {
  if (std::exchange(prospect_.lacks_blob, false)) co_return false;
  co_return co_await blob_is_at_target(requests_.session(), target(), requests_.blob().digest);
}

// Where images are pulled from, HEAD comes first though a mount would tell as much: CNCF distribution writes
// the link of a mounted blob anew, in place (storage/linkedblobstore.go and the filesystem driver of 2.8),
// and whoever pulls the blob from the target meanwhile is answered 500.
Task<std::optional<Begun>> UploadBeginning::find(Arrival when_there) {
  std::optional<Begun> begun;
  if (prospect_.is_new) begun = co_await mount_from_neighbour();
  if (begun && begun->arrival) co_return begun;
  const bool there = co_await is_there();
  if (there && begun) co_await requests_.abandon(std::move(begun->session.location));
  if (there) co_return Begun{when_there, {}};
  if (!prospect_.is_new) begun = co_await mount_from_neighbour();
  co_return begun;
}

}  // namespace sluice::registry
