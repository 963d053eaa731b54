#include "registry/upload_notes.hpp"

#include <catch2/catch.hpp>

using sluice::oci::Digest;
using sluice::oci::Repository;
using sluice::registry::smaller_chunk;
using sluice::registry::UploadNotes;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

sluice::oci::Descriptor blob_of(const Digest& digest, std::int64_t size) {
  return {"application/octet-stream", digest, size, {}, {}, {}};
}

}  // namespace

TEST_CASE("what is refused by its size is sent in 32 MiB, then in half and half again, down to 1 MiB") {
  CHECK(smaller_chunk(9000 * mib, 0) == 32 * mib);
  CHECK(smaller_chunk(32 * mib + 1, 0) == 32 * mib);
  std::uint64_t refused = 32 * mib;
  for (const std::uint64_t next : {16, 8, 4, 2, 1}) {
    CHECK(smaller_chunk(refused, 0) == next * mib);
    refused = next * mib;
  }
  CHECK_FALSE(smaller_chunk(mib, 0));
  CHECK_FALSE(smaller_chunk(500, 0));
  CHECK(smaller_chunk(20 * mib, 0) == 16 * mib);
}

TEST_CASE("no chunk is smaller than the registry wants it") {
  CHECK(smaller_chunk(100 * mib, 5 * mib) == 32 * mib);
  CHECK(smaller_chunk(8 * mib, 5 * mib) == 5 * mib);
  CHECK_FALSE(smaller_chunk(5 * mib, 5 * mib));
  CHECK(smaller_chunk(100 * mib, 64 * mib) == 64 * mib);
  CHECK_FALSE(smaller_chunk(64 * mib, 64 * mib));
}

TEST_CASE("the last blob that was pushed to a repository is known there and nowhere else") {
  const Repository here{"registry.example.com", "a"}, beside{"registry.example.com", "b"};
  const Digest one = Digest::of("one"), other = Digest::of("other");
  UploadNotes notes;
  CHECK_FALSE(notes.pushed_besides(here, other));
  notes.holds(here, one);
  CHECK_FALSE(notes.pushed_besides(here, other));
  notes.pushed(here, blob_of(one, 3));
  CHECK(notes.pushed_besides(here, other) == one);
  CHECK_FALSE(notes.pushed_besides(here, one));
  CHECK_FALSE(notes.pushed_besides(beside, other));
}

TEST_CASE("an empty blob and one that is named by sha512 are no blobs to ask by") {
  const Repository here{"registry.example.com", "a"};
  UploadNotes notes;
  notes.pushed(here, blob_of(Digest::of(""), 0));
  notes.pushed(here, blob_of(sluice::oci::Hasher("sha512").finish(), 3));
  CHECK_FALSE(notes.pushed_besides(here, Digest::of("other")));
}
