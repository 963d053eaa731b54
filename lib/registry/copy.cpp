#include "registry/copy.hpp"

#include "core/error.hpp"
#include "registry/manifest.hpp"
#include "registry/tree.hpp"
#include "registry/upload.hpp"

#include <exception>

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace sluice::registry {

namespace {

class Copy {
 public:
  Copy(Session& session, KeyedLock& flights, oci::Repository source, oci::Repository target)
      : session_(session), flights_(flights), source_(std::move(source)), target_(std::move(target)) {}

  Task<CopyProgress> run(oci::Digest digest) {
    tree_ = co_await read_tree(session_, source_, std::move(digest));
    co_await bring_blobs();
    for (auto& manifest : tree_.manifests)
      co_await bring_manifest(manifest);
    co_return progress_;
  }

 private:
  Task<> bring_blobs() {
    using namespace boost::asio::experimental::awaitable_operators;
    static_assert(blobs_at_once == 4);
    auto first = lane();
    auto second = lane();
    auto third = lane();
    auto fourth = lane();
    try {
      co_await (std::move(first) && std::move(second) && std::move(third) && std::move(fourth));
    } catch (...) {
      // The others ended by being cancelled: what failed first is what there is to say.
      if (failure_) std::rethrow_exception(failure_);
      throw;
    }
  }

  /// Takes one blob after the other until none is left.
  Task<> lane() {
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
    const std::string key = target_.text() + "@" + blob.digest.text();
    co_await flights_.wait(key, session_.clock());
    const KeyedLock::Place place(flights_, key);
    const Arrival arrival =
        co_await move_blob(session_, source_, target_, std::move(blob), progress_.bytes_moved);
    switch (arrival) {
      case Arrival::present:
        ++progress_.blobs_present;
        break;
      case Arrival::mounted:
        ++progress_.blobs_mounted;
        break;
      case Arrival::moved:
        ++progress_.blobs_copied;
        break;
    }
  }

  Task<> bring_manifest(TreeManifest& manifest) {
    const std::string digest = manifest.digest.text();
    const auto there = co_await resolve_manifest(session_, target_, digest);
    if (there) co_return;
    co_await put_manifest(session_, target_, digest, manifest.media_type, std::move(manifest.bytes));
    ++progress_.manifests_copied;
  }

  Session& session_;
  KeyedLock& flights_;
  oci::Repository source_;
  oci::Repository target_;
  Tree tree_;
  std::size_t next_ = 0;
  std::exception_ptr failure_;
  CopyProgress progress_;
};

}  // namespace

Task<CopyProgress> copy_image(Session& session, KeyedLock& flights, oci::Repository source,
                              oci::Digest digest, oci::Repository target) {
  const std::string what = "copy of " + source.text() + "@" + digest.text() + " to " + target.text();
  Copy copy(session, flights, std::move(source), std::move(target));
  try {
    co_return co_await copy.run(std::move(digest));
  } catch (const Error& error) {
    throw Error(error).within(what);
  }
}

}  // namespace sluice::registry
