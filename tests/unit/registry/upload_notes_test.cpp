#include "registry/upload_notes.hpp"

#include <catch2/catch.hpp>

using sluice::registry::smaller_chunk;
using sluice::registry::UploadNotes;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

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
