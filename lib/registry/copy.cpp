#include "registry/copy.hpp"

#include "core/error.hpp"
#include "registry/referrers.hpp"
#include "registry/tree.hpp"

#include <array>
#include <exception>
#include <set>

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace sluice::registry {

namespace {

Task<bool> has(Target& target, const TreeManifest& manifest) {
  if (manifest.is_missing) co_return false;
  const auto found = co_await target.resolve(manifest.digest.text());
  co_return found.has_value();
}

/// A manifest that the target has stands for all below it only when this copy wants no more than the usual.
bool looks_below(const Target& target, const CopyOptions& options) {
  return options.thorough || options.foreign_layers || !target.vouches();
}

void check_gaps(const Tree& tree, const Target& target) {
  if (tree.left_out.empty() || !target.needs_every_layer()) return;
  throw Error(ErrorKind::invalid,
              "the layer " + tree.left_out[0].digest.text() +
                  " is foreign and would be left out, but a docker archive needs every layer: bring it along "
                  "with --foreign-layers copy, or write an oci-archive");
}

class Copy {
 public:
  Copy(Clock& clock, KeyedLock& flights, Source& source, Target& target, CopyOptions options)
      : clock_(clock), flights_(flights), source_(source), target_(target), options_(std::move(options)) {}

  Task<CopyProgress> run(FetchedManifest root, std::optional<std::string> tag) {
    const oci::Digest digest = root.digest;
    std::string type = root.media_type;
    std::string bytes = root.bytes;
    co_await bring(std::move(root));
    if (options_.referrers) co_await bring_referrers();
    if (tag) co_await target_.tag(std::move(*tag), digest, std::move(type), std::move(bytes));
    co_await target_.finish();
    co_return progress_;
  }

 private:
  /// A manifest with all that it lists.
  Task<> bring(FetchedManifest root) {
    // Whoever wants referrers wants those of the children too: all manifests must be known.
    const bool all = options_.referrers || looks_below(target_, options_);
    tree_ = co_await read_tree(source_, std::move(root), all ? nullptr : &target_, options_.foreign_layers);
    check_gaps(tree_, target_);
    auto& left_out = progress_.layers_left_out;
    left_out.insert(left_out.end(), tree_.left_out.begin(), tree_.left_out.end());
    progress_.manifests_present += tree_.manifests_present;
    if (options_.watcher) options_.watcher->found(tree_.blobs);
    co_await bring_blobs();
    for (auto& manifest : tree_.manifests)
      co_await bring_manifest(manifest);
  }

  Task<> bring_blobs() {
    using namespace boost::asio::experimental::awaitable_operators;
    next_ = 0;
    failure_ = nullptr;
    auto first = lane(0);
    auto second = lane(1);
    auto third = lane(2);
    auto fourth = lane(3);
    auto fifth = lane(4);
    auto sixth = lane(5);
    try {
      co_await (std::move(first) && std::move(second) && std::move(third) && std::move(fourth) &&
                std::move(fifth) && std::move(sixth));
    } catch (...) {
      // The others ended by being cancelled: what failed first is what there is to say.
      if (failure_) std::rethrow_exception(failure_);
      throw;
    }
  }

  /// Takes one blob after the other until none is left.
  Task<> lane(int number) {
    if (number >= target_.lanes()) co_return;
    try {
      while (next_ < tree_.blobs.size()) {
        const oci::Descriptor& blob = tree_.blobs[next_++];
        co_await bring_blob(blob);
      }
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
      throw;
    }
  }

  Task<> bring_blob(oci::Descriptor blob) {
    const std::string key = target_.site() + "@" + blob.digest.text();
    co_await flights_.wait(key, clock_);
    const KeyedLock::Place place(flights_, key);
    std::uint64_t on_its_way = 0, kept = 0;
    const BlobMoved moved = [this, &blob, &on_its_way, &kept](std::uint64_t bytes, bool was_there) {
      on_its_way = bytes == 0 ? 0 : on_its_way + bytes;
      kept = bytes == 0 ? 0 : kept + (was_there ? bytes : 0);
      if (options_.watcher) options_.watcher->moved(blob, on_its_way);
    };
    std::optional<Arrival> arrival;
    while (!arrival)
      arrival = co_await try_to_bring(blob, moved);
    count(blob, *arrival, kept);
  }

  /// Nullopt when a mirror gave wrong bytes and the blob may come from somewhere else.
  Task<std::optional<Arrival>> try_to_bring(oci::Descriptor blob, BlobMoved moved) {
    try {
      co_return co_await target_.bring(source_, blob, std::move(moved));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt || !source_.gave_wrong(blob)) throw;
    }
    co_return std::nullopt;
  }

  void count(const oci::Descriptor& blob, Arrival arrival, std::uint64_t kept) {
    switch (arrival) {
      case Arrival::present:
        ++progress_.blobs_present;
        break;
      case Arrival::mounted:
        ++progress_.blobs_mounted;
        break;
      case Arrival::moved:
        ++progress_.blobs_copied;
        progress_.bytes_moved += static_cast<std::uint64_t>(blob.size) - kept;
        break;
    }
    if (options_.watcher) options_.watcher->arrived(blob, arrival);
  }

  Task<> bring_manifest(TreeManifest& manifest) {
    if (!brought_.insert(manifest.digest).second) co_return;
    const bool there = co_await has(target_, manifest);
    if (there) {
      ++progress_.manifests_present;
      co_return;
    }
    co_await target_.put_manifest(manifest.digest, manifest.media_type, std::move(manifest.bytes));
    ++progress_.manifests_copied;
  }

  /// Of all manifests so far, then of what they brought, until there are none.
  Task<> bring_referrers() {
    std::set<oci::Digest> asked;
    for (int depth = 0; depth < max_referrer_depth; ++depth) {
      std::vector<oci::Digest> subjects;
      for (const auto& digest : brought_)
        if (asked.insert(digest).second) subjects.push_back(digest);
      for (auto& subject : subjects)
        co_await bring_referrers_of(std::move(subject));
    }
  }

  Task<> bring_referrers_of(oci::Digest subject) {
    const auto referrers = co_await source_.referrers(subject);
    for (const auto& referrer : referrers) {
      if (brought_.contains(referrer.digest)) continue;
      co_await bring_referrer(referrer.digest.text());
    }
    // cosign's older way: ordinary tags whose names hold the digest.
    const std::string base = referrers_tag(subject);
    for (const std::string_view kind : {".sig", ".att", ".sbom"}) {
      const std::string tag = base + std::string(kind);
      const auto found = co_await source_.resolve(tag);
      if (!found) continue;
      auto manifest = co_await bring_referrer(found->digest.text());
      co_await target_.tag(tag, manifest.digest, manifest.media_type, manifest.bytes);
    }
  }

  Task<FetchedManifest> bring_referrer(std::string digest) {
    if (static_cast<std::size_t>(++progress_.referrers) > max_referring)
      throw Error(ErrorKind::invalid, "more than " + std::to_string(max_referring) + " manifests of " +
                                          source_.text() + " refer to this image: not copied");
    FetchedManifest manifest = co_await source_.manifest(std::move(digest));
    co_await bring(manifest);
    co_return manifest;
  }

  Clock& clock_;
  KeyedLock& flights_;
  Source& source_;
  Target& target_;
  CopyOptions options_;
  Tree tree_;
  std::size_t next_ = 0;
  std::set<oci::Digest> brought_;
  std::exception_ptr failure_;
  CopyProgress progress_;
};

}  // namespace

Task<CopyProgress> copy_image(Clock& clock, KeyedLock& flights, Source& source, Target& target,
                              FetchedManifest root, std::optional<std::string> tag, CopyOptions options) {
  const std::string what = "copy of " + source.text() + "@" + root.digest.text() + " to " + target.text();
  Copy copy(clock, flights, source, target, std::move(options));
  try {
    co_return co_await copy.run(std::move(root), std::move(tag));
  } catch (const Error& error) {
    throw Error(error).within(what);
  }
}

Task<CopyPlan> plan_image(Source& source, Target& target, FetchedManifest root, CopyOptions options) {
  CopyPlan plan{root.digest, root.digest, {}, {}, {}, 0};
  Tree tree = co_await read_tree(source, std::move(root), looks_below(target, options) ? nullptr : &target,
                                 options.foreign_layers);
  check_gaps(tree, target);
  plan.layers_left_out = std::move(tree.left_out);
  for (auto& blob : tree.blobs) {
    const bool there = co_await target.has(blob);
    const bool mounts = !there && target.can_mount(source, blob);
    const Arrival arrival = there ? Arrival::present : mounts ? Arrival::mounted : Arrival::moved;
    plan.blobs.push_back({std::move(blob), arrival});
  }
  for (const auto& manifest : tree.manifests) {
    const bool there = co_await has(target, manifest);
    if (!there) ++plan.manifests;
  }
  co_return plan;
}

std::uint64_t CopyPlan::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [blob, arrival] : blobs)
    if (arrival == Arrival::moved) sum += static_cast<std::uint64_t>(blob.size);
  return sum;
}

}  // namespace sluice::registry
