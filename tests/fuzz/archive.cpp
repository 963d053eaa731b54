// Tar archives, and the images in them.

#include "core/error.hpp"
#include "oci/reference.hpp"
#include "registry/docker_archive.hpp"
#include "registry/layout.hpp"
#include "registry/tar_headers.hpp"
#include "support/run.hpp"
#include "target.hpp"

#include <algorithm>

using namespace sluice;
using namespace sluice::fuzz;

namespace {

using Entries = std::map<std::string, registry::Tar::Entry>;

/// Reads an archive in memory as Tar::open reads a file.
Entries entries_of(std::string_view archive) {
  registry::TarIndex index;
  for (std::size_t at = 0; at + registry::tar_block <= archive.size() && !index.ended();) {
    const auto size = index.begin(archive.substr(at, registry::tar_block), at + registry::tar_block);
    at += registry::tar_block;
    if (size > archive.size() - at) throw Error(ErrorKind::corrupt, "an entry is longer than the archive");
    if (index.wants_content()) index.content(archive.substr(at, static_cast<std::size_t>(size)));
    at += static_cast<std::size_t>((size + registry::tar_block - 1) / registry::tar_block *
                                   registry::tar_block);
  }
  return index.finish();
}

class Bytes final : public net::BodySource {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}
  Task<std::size_t> read(std::span<char> buffer) override {
    const auto count = left_.copy(buffer.data(), buffer.size());
    left_.remove_prefix(count);
    co_return count;
  }

 private:
  std::string_view left_;
};

class Archive final : public registry::Files {
 public:
  Archive(std::string_view bytes, Entries entries) : bytes_(bytes), entries_(std::move(entries)) {}
  const std::filesystem::path& path() const override { return path_; }
  std::optional<std::uint64_t> size(const std::string& name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    return found->second.size;
  }
  std::unique_ptr<net::BodySource> open(const std::string& name, std::uint64_t from) const override {
    const auto& [begin, size] = entries_.at(name);
    return std::make_unique<Bytes>(bytes_.substr(begin, size).substr(std::min(from, size)));
  }

 private:
  std::filesystem::path path_ = "/images.tar";
  std::string_view bytes_;
  Entries entries_;
};

Task<> read_all(registry::Source& source) {
  std::vector<std::string> names = co_await source.tags();
  names.resize(std::min<std::size_t>(names.size(), 8));
  names.emplace_back();
  for (const auto& name : names) {
    std::string asked = name.substr(name.rfind(':') + 1);
    const auto fetched = co_await source.manifest(std::move(asked));
    HOLDS(oci::Digest::of(fetched.bytes) == fetched.digest || fetched.digest.algorithm() == "sha512");
    for (const auto& layer : fetched.manifest.layers)
      static_cast<void>(source.open(layer, 0));
    const auto referrers = co_await source.referrers(fetched.digest);
    HOLDS(referrers.size() <= oci::max_descriptors);
  }
}

template <class Source>
void read(std::string_view archive, const Entries& entries) {
  Source source(std::make_unique<Archive>(archive, entries), "archive:/images.tar");
  static_cast<void>(refuses([&] {
    test::run([&]() -> Task<> {
      co_await source.open();
      co_await read_all(source);
    });
    return true;
  }));
}

}  // namespace

SLUICE_FUZZ_TARGET(registry_tar) {
  if (const auto entries = attempt([&] { return entries_of(input); })) {
    for (const auto& [name, entry] : *entries) {
      HOLDS(entry.begin <= input.size() && entry.size <= input.size() - entry.begin);
      HOLDS(!name.starts_with('/') && name != ".." && !name.starts_with("../") &&
            name.find("/../") == std::string::npos);
    }
    HOLDS(entries->size() <= registry::max_tar_entries);
    read<registry::DockerArchiveSource>(input, *entries);
    read<registry::LayoutSource>(input, *entries);
  }
  // A name that has nothing to be cleaned up is read as it was written.
  const auto name = "blobs/" + std::string(input.substr(0, 300));
  const auto plain = std::ranges::none_of(name, [](char c) { return c == '\0' || c == '.' || c == '/'; });
  if (plain) HOLDS(entries_of(registry::tar_header(name, 0)).contains(name));
}
