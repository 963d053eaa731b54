#include "fault_bench.hpp"

#include "core/text.hpp"
#include "support/run.hpp"

#include <atomic>
#include <fstream>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sluice::test {
namespace {

constexpr std::size_t mib = 1024 * 1024;
/// Of both registries; no message may hold it (D11).
const std::string secret = "canary-password";

FakeRegistry::Hook hook_of(const Row& row, bool at_source) {
  if (row.step.at_source != at_source) return {};
  auto left = std::make_shared<std::atomic<int>>(row.times);
  return [&row, left](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, row.step.method, row.step.text) || (*left)-- <= 0) return false;
    row.act(exchange, request);
    return true;
  };
}

std::optional<Error> travel(const Row& row, FakeRegistry& source, FakeRegistry& target) {
  return run([&]() -> Task<std::optional<Error>> {
    Rig rig({}, row.speed);
    rig.log_in(source.host(), "user", secret);
    rig.log_in(target.host(), "user", secret);
    // What a registry asks us to wait for is told, not sat out.
    for (auto& [host, access] : rig.access)
      access.patience = Milliseconds(0);
    std::optional<Error> failure;
    try {
      const auto found = co_await rig.client.resolve(source.repository("a"), "1");
      if (!found) throw Error(ErrorKind::not_found, source.host() + "/a:1 is not there");
      co_await rig.client.copy(source.repository("a"), found->digest, target.repository("b"), "1");
    } catch (const Error& error) {
      failure = error;
    }
    co_return failure;
  });
}

/// Whatever happened: what the tag names is there whole, and what is stored has the bytes of its digest.
void check_target(const FakeRegistry& target, bool arrived) {
  const auto& image = traveller();
  for (const auto& blob : image.blobs) {
    const auto stored = target.stored("b", blob.digest());
    CHECK((!stored || *stored == blob.bytes));
    if (arrived) CHECK(stored);
  }
  const auto manifest = target.stored("b", image.manifest.digest());
  CHECK((!manifest || *manifest == image.manifest.bytes));
  if (manifest)
    for (const auto& blob : image.blobs)
      CHECK(target.stored("b", blob.digest()));
  const auto tagged = target.tagged("b", "1");
  CHECK(tagged.has_value() == arrived);
  if (tagged) CHECK(manifest);
}

}  // namespace

const TestImage& traveller() {
  static const TestImage image = make_image("amd64", 71, {200'000, 100});
  return image;
}

namespace step {

namespace {
std::string layer() {
  return traveller().blobs[1].digest().text();
}
}  // namespace

Step resolve() {
  return {"resolve", true, "HEAD", "/manifests/1"};
}
Step manifest() {
  return {"manifest", true, "GET", "/manifests/"};
}
Step blob() {
  return {"blob", true, "GET", layer()};
}
Step look() {
  return {"look", false, "HEAD", layer()};
}
Step upload_start() {
  return {"upload start", false, "POST", "/blobs/uploads/"};
}
Step upload() {
  return {"upload", false, "PUT", net::percent_encode(layer())};
}
Step put_manifest() {
  return {"manifest put", false, "PUT", "/manifests/sha256:"};
}
Step tag() {
  return {"tag", false, "PUT", "/manifests/1"};
}
std::vector<Step> all() {
  return {resolve(), manifest(), blob(), look(), upload_start(), upload(), put_manifest(), tag()};
}

}  // namespace step

void check_error(const Error& error, ErrorKind kind, const std::string& says) {
  const std::string text = error.what();
  INFO(text);
  CHECK(std::string(to_string(error.kind())) == std::string(to_string(kind)));
  CHECK_THAT(text, Catch::Contains(says));
  CHECK(text.size() < 4096);
  CHECK(printable(text, text.size() * 6) == text);
}

void check(const Row& row) {
  INFO(row.name << ", at the step: " << row.step.name);
  FakeRegistry source(hook_of(row, true));
  FakeRegistry target(hook_of(row, false));
  source.add("a", traveller());
  source.tag("a", "1", traveller().manifest);
  const auto before = resident_bytes();
  const auto failure = travel(row, source, target);
  CHECK(resident_bytes() < before + 64 * mib);
  const auto& place = row.step.at_source ? source : target;
  INFO((failure ? failure->what() : "it arrived"));
  REQUIRE(failure.has_value() == row.kind.has_value());
  if (failure) {
    const bool other = row.or_kind && failure->kind() == *row.or_kind;
    // A request beside the refused one may be the first to tell, of the pause that the refusal began.
    const std::string met = place.host() + " asked for a pause and was not asked: it answered ";
    const bool raced = failure->kind() == ErrorKind::rate_limited &&
                       std::string(failure->what()).find(met) != std::string::npos;
    check_error(*failure, other ? *row.or_kind : *row.kind, raced ? met : row.says);
    CHECK_THAT(failure->what(), Catch::Contains(place.host()));
    for (const auto& canary : {secret, net::base64_encode("user:" + secret)})
      CHECK_THAT(failure->what(), !Catch::Contains(canary));
    // Less than what was asked for when a part of it had passed; a little is added so that not all come at
    // once.
    if (row.retry_after) {
      REQUIRE(failure->retry_after());
      CHECK(*failure->retry_after() <= *row.retry_after * 5 / 4);
    }
  }
  check_target(target, !failure);
  const int asked = place.count(row.step.method, row.step.text);
  CHECK(asked >= 1);
  CHECK(asked <= row.most);
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Act cut_after(std::string bytes) {
  return [bytes = std::move(bytes)](Exchange& exchange, const RecordedRequest& request) {
    read_body(exchange, request);
    exchange.write(bytes);
    exchange.close();
  };
}

Act answer(int status, std::string body, std::string headers) {
  return [=](Exchange& exchange, const RecordedRequest& request) {
    read_body(exchange, request);
    exchange.answer(status, request.method == "HEAD" ? std::string_view() : std::string_view(body), headers);
  };
}

}  // namespace sluice::test
