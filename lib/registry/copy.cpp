#include "registry/copy.hpp"

#include "core/error.hpp"
#include "registry/referring.hpp"
#include "registry/tree.hpp"

#include <algorithm>
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

bool refers(const TreeManifest& manifest) {
  return oci::parse_manifest(manifest.bytes, manifest.media_type).subject.has_value();
}

/// A manifest that the target has stands for all below it only when this copy wants no more than the usual.
/// Whoever wants referrers wants those of the children too: all manifests must be known.
bool looks_below(const Target& target, const CopyOptions& options) {
  return options.thorough || options.foreign_layers || options.referrers || !target.vouches();
}

void check_gaps(const Tree& tree, const Target& target) {
  if (tree.left_out.empty() || !target.needs_every_layer()) return;
  throw Error(ErrorKind::invalid,
              "the layer " + tree.left_out[0].digest.text() +
                  " is foreign and would be left out, but a docker archive needs every layer: bring it along "
                  "with --foreign-layers copy, or write an oci-archive");
}

/// Each of many manifests that refer to an image is a tree of its own, with limits of its own; so that they
/// stay bounded together, too, they are counted over the whole copy.
class CopyBounds {
 public:
  /// Throws Error(invalid).
  void add(const Tree& tree, const Source& source) {
    for (const auto& manifest : tree.manifests)
      bytes_ += manifest.bytes.size();
    left_out_ += tree.left_out.size();
    if (bytes_ > max_copied_manifests)
      too_much("manifests of more than " + std::to_string(max_copied_manifests) + " bytes", source);
    if (left_out_ > max_blobs) too_much("more than " + std::to_string(max_blobs) + " foreign layers", source);
  }

 private:
  [[noreturn]] void too_much(const std::string& what, const Source& source) const {
    throw Error(ErrorKind::invalid,
                source.text() + " holds an image that, with what refers to it, has " + what + ": not copied");
  }

  std::size_t bytes_ = 0;
  std::size_t left_out_ = 0;
};

class Copy {
 public:
  Copy(Traffic& traffic, Source& source, Target& target, CopyOptions options)
      : traffic_(traffic), source_(source), target_(target), options_(std::move(options)) {}

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
    const bool all = looks_below(target_, options_);
    tree_ = co_await read_tree(source_, std::move(root), all ? nullptr : &target_, options_.foreign_layers);
    check_gaps(tree_, target_);
    bounds_.add(tree_, source_);
    auto& left_out = progress_.layers_left_out;
    left_out.insert(left_out.end(), tree_.left_out.begin(), tree_.left_out.end());
    progress_.manifests_present += tree_.manifests_present;
    // Referrers share their empty config, and may share more.
    std::erase_if(tree_.blobs, [this](const auto& blob) { return arrived_.contains(blob.digest); });
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
    co_await traffic_.flights.wait(key, traffic_.clock);
    const KeyedLock::Place flight(traffic_.flights, key);
    const auto ends = this->ends();
    co_await traffic_.transfers.wait(ends, traffic_.clock);
    const Transfers::Place place(traffic_.transfers, ends);
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

  Transfers::Ends ends() const {
    Transfers::Ends ends;
    for (const auto& limit : {source_.limit(), target_.limit()})
      if (limit) ends.emplace(limit->registry, limit->most);
    return ends;
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
    arrived_.insert(blob.digest);
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
    ++(there ? progress_.manifests_present : progress_.manifests_copied);
    // Listed under its subject only after it came: a copy that was cut in between goes on by putting it
    // again.
    const bool whole = there && !(options_.referrers && refers(manifest));
    if (!whole)
      co_await target_.put_manifest(manifest.digest, manifest.media_type, std::move(manifest.bytes));
  }

  /// Of all manifests so far, then of what they brought, until there are none.
  Task<> bring_referrers() {
    Referring referring(source_);
    for (const auto& digest : brought_)
      referring.add(digest);
    for (;;) {
      auto referrer = co_await referring.next();
      if (!referrer) co_return;
      ++progress_.referrers;
      const std::string what = "referrer " + referrer->manifest.digest.text();
      try {
        co_await bring_referrer(*referrer);
      } catch (const Error& error) {
        throw Error(error).within(what);
      }
      for (const auto& manifest : tree_.manifests)
        referring.add(manifest.digest, referrer->depth);
    }
  }

  Task<> bring_referrer(Referrer& referrer) {
    tree_ = {};
    if (options_.keep_tags && !referrer.tag.empty()) {
      const auto there = co_await target_.resolve(referrer.tag);
      if (there) co_return;
    }
    co_await bring(referrer.manifest);
    if (referrer.tag.empty()) co_return;
    const auto& manifest = referrer.manifest;
    co_await target_.tag(referrer.tag, manifest.digest, manifest.media_type, manifest.bytes);
  }

  Traffic& traffic_;
  Source& source_;
  Target& target_;
  CopyOptions options_;
  CopyBounds bounds_;
  Tree tree_;
  std::size_t next_ = 0;
  std::set<oci::Digest> brought_;  // manifests
  std::set<oci::Digest> arrived_;  // blobs
  std::exception_ptr failure_;
  CopyProgress progress_;
};

class Plan {
 public:
  Plan(Source& source, Target& target, CopyOptions options)
      : source_(source), target_(target), options_(std::move(options)) {}

  Task<CopyPlan> run(FetchedManifest root) {
    CopyPlan plan{
        .digest = root.digest, .source = root.digest, .left_out = {}, .blobs = {}, .layers_left_out = {}};
    auto digests = co_await add(plan, std::move(root));
    if (!options_.referrers) co_return plan;
    Referring referring(source_);
    for (const auto& digest : digests)
      referring.add(digest);
    for (;;) {
      auto referrer = co_await referring.next();
      if (!referrer) co_return plan;
      ++plan.referrers;
      digests = co_await add(plan, std::move(referrer->manifest));
      for (const auto& digest : digests)
        referring.add(digest, referrer->depth);
    }
  }

 private:
  /// A manifest with all that it lists; the digests of all manifests.
  Task<std::vector<oci::Digest>> add(CopyPlan& plan, FetchedManifest root) {
    const bool all = looks_below(target_, options_);
    Tree tree =
        co_await read_tree(source_, std::move(root), all ? nullptr : &target_, options_.foreign_layers);
    check_gaps(tree, target_);
    bounds_.add(tree, source_);
    auto& left_out = plan.layers_left_out;
    left_out.insert(left_out.end(), tree.left_out.begin(), tree.left_out.end());
    for (auto& blob : tree.blobs) {
      if (!seen_.insert(blob.digest).second) continue;
      const auto arrival = co_await arrival_of(blob);
      plan.blobs.push_back({std::move(blob), arrival});
    }
    std::vector<oci::Digest> digests;
    for (const auto& manifest : tree.manifests) {
      digests.push_back(manifest.digest);
      if (!seen_.insert(manifest.digest).second) continue;
      const bool there = co_await has(target_, manifest);
      if (!there) ++plan.manifests;
    }
    co_return digests;
  }

  Task<Arrival> arrival_of(oci::Descriptor blob) {
    const bool there = co_await target_.has(blob);
    if (there) co_return Arrival::present;
    co_return target_.can_mount(source_, blob) ? Arrival::mounted : Arrival::moved;
  }

  Source& source_;
  Target& target_;
  CopyOptions options_;
  CopyBounds bounds_;
  std::set<oci::Digest> seen_;  // blobs and manifests
};

}  // namespace

Task<CopyProgress> copy_image(Traffic& traffic, Source& source, Target& target, FetchedManifest root,
                              std::optional<std::string> tag, CopyOptions options) {
  const std::string what = "copy of " + source.text() + "@" + root.digest.text() + " to " + target.text();
  Copy copy(traffic, source, target, std::move(options));
  try {
    co_return co_await copy.run(std::move(root), std::move(tag));
  } catch (const Error& error) {
    throw Error(error).within(what);
  }
}

Task<CopyPlan> plan_image(Source& source, Target& target, FetchedManifest root, CopyOptions options) {
  Plan plan(source, target, std::move(options));
  co_return co_await plan.run(std::move(root));
}

std::uint64_t CopyPlan::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [blob, arrival] : blobs)
    if (arrival == Arrival::moved) sum += static_cast<std::uint64_t>(blob.size);
  return sum;
}

}  // namespace sluice::registry
