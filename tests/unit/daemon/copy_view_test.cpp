#include "copy_view.hpp"

#include "core/log.hpp"

#include <iostream>
#include <sstream>

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

using namespace sluice;
using namespace sluice::daemon;

namespace {

/// What goes to stderr while it lives.
class Shown {
 public:
  Shown() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  ~Shown() { std::cerr.rdbuf(before_); }
  /// Since the last call.
  std::string next() {
    auto text = text_.str();
    text_.str("");
    return text;
  }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

oci::Descriptor blob_of(const std::string& bytes) {
  return {"application/octet-stream",
          oci::Digest::of(bytes),
          static_cast<std::int64_t>(bytes.size()),
          {},
          {},
          {}};
}

}  // namespace

TEST_CASE("a bar is as full as what has come") {
  CHECK(bar_text(0, 10) == "[>                   ]");
  CHECK(bar_text(5, 10) == "[==========>         ]");
  CHECK(bar_text(10, 10) == "[====================]");
  CHECK(bar_text(0, 0) == "[====================]");
}

TEST_CASE("a message of the log takes the place of the bars, which go on beneath it") {
  Shown shown;
  SystemClock clock;
  const auto first = blob_of("first"), second = blob_of("second");
  CopyView view(clock, true);
  view.found({first, second});
  view.arrived(first, registry::Arrival::moved);
  CHECK(shown.next().find(first.digest.shortened()) != std::string::npos);
  spdlog::warn("careful");
  CHECK(shown.next() == "\x1b[2A\r\x1b[Jsluice: careful\n");
  view.arrived(second, registry::Arrival::moved);
  CHECK(shown.next().starts_with("\r" + first.digest.shortened()));
}

TEST_CASE("where bars cannot be drawn, each blob that has arrived has a line") {
  Shown shown;
  SystemClock clock;
  const auto blob = blob_of("bytes");
  CopyView view(clock, false);
  view.found({blob});
  view.moved(blob, 2);
  spdlog::warn("careful");
  view.arrived(blob, registry::Arrival::mounted);
  CHECK(shown.next() == "sluice: careful\nmounted " + blob.digest.shortened() + " 5 B (1 of 1)\n");
}
