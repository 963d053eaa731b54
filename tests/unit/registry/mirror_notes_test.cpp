#include "registry/mirror_notes.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace std::chrono_literals;

namespace {

constexpr Steady first_note{1h};
const oci::Repository one{"mirror.example.com", "hub/library/node"};

}  // namespace

TEST_CASE("a mirrored repository is found below the mirror's path") {
  CHECK(at_mirror({"m.example.com", "", false}, {"docker.io", "library/node"}) ==
        oci::Repository{"m.example.com", "library/node"});
  CHECK(at_mirror({"m.example.com:5000", "hub/x", false}, {"docker.io", "library/node"}) ==
        oci::Repository{"m.example.com:5000", "hub/x/library/node"});
}

TEST_CASE("how long a mirror is passed over follows what it did") {
  const std::pair<Error, Milliseconds> cases[] = {{{ErrorKind::not_found, "x"}, 5min},
                                                  {{ErrorKind::denied, "x"}, 5min},
                                                  {{ErrorKind::unavailable, "x"}, 1min},
                                                  {{ErrorKind::timeout, "x"}, 1min},
                                                  {{ErrorKind::corrupt, "x"}, 1h},
                                                  {{ErrorKind::rate_limited, "x"}, 1min},
                                                  {{ErrorKind::rate_limited, "x", 20min}, 20min},
                                                  {{ErrorKind::rate_limited, "x", 24h}, 1h}};
  for (const auto& [error, time] : cases) {
    INFO(to_string(error.kind()));
    MirrorNotes notes;
    CHECK_FALSE(notes.is_passed_over(one, first_note));
    notes.failed(one, error, first_note);
    CHECK(notes.is_passed_over(one, first_note + time - 1ms));
    CHECK_FALSE(notes.is_passed_over(one, first_note + time));
    CHECK_FALSE(notes.is_passed_over({one.registry, "hub/library/other"}, first_note));
  }
}

TEST_CASE("a shorter reason does not end a longer one, and notes do not grow without end") {
  MirrorNotes notes;
  notes.failed(one, {ErrorKind::corrupt, "x"}, first_note);
  notes.failed(one, {ErrorKind::unavailable, "x"}, first_note);
  CHECK(notes.is_passed_over(one, first_note + 59min));
  for (int i = 0; i < 5000; ++i)
    notes.failed({"m", std::to_string(i)}, {ErrorKind::not_found, "x"}, first_note);
  int kept = 0;
  for (int i = 0; i < 5000; ++i)
    kept += notes.is_passed_over({"m", std::to_string(i)}, first_note);
  CHECK(kept <= 1024);
  CHECK(notes.is_passed_over({"m", "4999"}, first_note));
}
