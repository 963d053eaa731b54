#include "registry/tree.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/manifest.hpp"

#include <algorithm>
#include <map>

namespace sluice::registry {
namespace {

// An index may list things that are no manifests (buildkit's cache lists layers); they are blobs.
bool names_manifest(const oci::Descriptor& child) {
  return child.media_type.empty() || is_manifest_type(child.media_type) ||
         child.media_type.find("manifest") != std::string::npos ||
         child.media_type.find("index") != std::string::npos;
}

class Walk {
 public:
  Walk(Source& source, Target* target, bool foreign_layers)
      : source_(source), target_(target), foreign_layers_(foreign_layers) {}

  /// A manifest that was read already.
  Task<> enter(FetchedManifest fetched, int depth, bool is_missing) {
    seen_.insert(fetched.digest);
    total_ += fetched.bytes.size();
    if (total_ > max_manifest_total)
      too_much("manifests of more than " + std::to_string(max_manifest_total) + " bytes");
    for (const auto& child : fetched.manifest.manifests) {
      if (names_manifest(child))
        co_await visit_child(fetched.digest, child, depth + 1);
      else
        add_blob(child);
    }
    if (fetched.manifest.config) add_blob(*fetched.manifest.config);
    for (const auto& layer : fetched.manifest.layers)
      add_blob(layer);
    for (const auto& blob : fetched.manifest.blobs)
      add_blob(blob);
    tree_.manifests.push_back(
        {std::move(fetched.digest), std::move(fetched.media_type), std::move(fetched.bytes), is_missing});
  }

  Tree finish() {
    std::stable_sort(tree_.blobs.begin(), tree_.blobs.end(),
                     [](const auto& left, const auto& right) { return left.size > right.size; });
    return std::move(tree_);
  }

 private:
  Task<> visit_child(oci::Digest parent, oci::Descriptor child, int depth) {
    // Seen before: shared by two indexes. (A digest cannot contain itself.)
    if (!seen_.insert(child.digest).second) co_return;
    if (seen_.size() > max_manifests) too_much("more than " + std::to_string(max_manifests) + " manifests");
    if (depth > max_index_depth) too_much("indexes nested deeper than " + std::to_string(max_index_depth));
    const bool there = co_await is_there(child.digest);
    if (there) co_return;
    FetchedManifest fetched = co_await fetch(std::move(parent), child.digest);
    if (child.size != static_cast<std::int64_t>(fetched.bytes.size()))
      throw Error(ErrorKind::corrupt, "manifest " + child.digest.text() + " of " + source_.text() + " has " +
                                          std::to_string(fetched.bytes.size()) + " bytes, its index says " +
                                          std::to_string(child.size));
    co_await enter(std::move(fetched), depth, target_ != nullptr);
  }

  Task<bool> is_there(oci::Digest digest) {
    if (!target_) co_return false;
    const auto found = co_await target_->resolve(digest.text());
    if (found) ++tree_.manifests_present;
    co_return found.has_value();
  }

  Task<FetchedManifest> fetch(oci::Digest parent, oci::Digest digest) {
    try {
      co_return co_await source_.manifest(digest.text());
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
      throw Error(error).within("index " + parent.text() + " lists what the registry no longer has");
    }
  }

  void add_blob(const oci::Descriptor& blob) {
    const auto [known, added] = sizes_.emplace(blob.digest, blob.size);
    if (!added && known->second != blob.size)
      throw Error(ErrorKind::corrupt, "blob " + blob.digest.text() + " of " + source_.text() +
                                          " is listed with " + std::to_string(known->second) + " and with " +
                                          std::to_string(blob.size) + " bytes");
    if (sizes_.size() > max_blobs) too_much("more than " + std::to_string(max_blobs) + " blobs");
    if (!added) return;
    const bool stays = !foreign_layers_ && is_foreign_layer(blob);
    (stays ? tree_.left_out : tree_.blobs).push_back(blob);
  }

  [[noreturn]] void too_much(const std::string& what) const {
    throw Error(ErrorKind::invalid, source_.text() + " holds an image with " + what + ": not copied");
  }

  Source& source_;
  Target* target_;
  bool foreign_layers_;
  std::set<oci::Digest> seen_;
  std::map<oci::Digest, std::int64_t> sizes_;
  std::size_t total_ = 0;
  Tree tree_;
};

}  // namespace

bool is_foreign_layer(const oci::Descriptor& layer) {
  const std::string_view type = layer.media_type;
  return !layer.urls.empty() && (type.starts_with("application/vnd.docker.image.rootfs.foreign.") ||
                                 type.starts_with("application/vnd.oci.image.layer.nondistributable."));
}

Task<Tree> read_tree(Source& source, FetchedManifest root, Target* target, bool foreign_layers) {
  Walk walk(source, target, foreign_layers);
  co_await walk.enter(std::move(root), 0, false);
  co_return walk.finish();
}

}  // namespace sluice::registry
