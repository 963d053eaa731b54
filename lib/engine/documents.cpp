#include "engine/documents.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::engine {
namespace {

constexpr std::size_t most_kept = 32;
constexpr std::size_t most_failed = 16;
constexpr std::size_t largest = 64 * 1024;
constexpr auto good_for = std::chrono::minutes(15);
constexpr auto bad_for = std::chrono::seconds(10);
// Senders wait for their answer: Amazon SNS 15 seconds.
constexpr Milliseconds patience{5'000};

[[noreturn]] void refuse_to_ask() {
  throw Error(ErrorKind::unavailable, "too many certificates and keys were asked for");
}

}  // namespace

Task<std::string> Documents::get(std::string url, bool configured) {
  co_await wait_for_others(url);
  const auto* kept = find(url);
  if (kept && kept->until > clock_.steady()) co_return kept->text;
  if (has_failed(url)) throw Error(ErrorKind::unavailable, url + " could not be had a moment ago");
  if (!kept && !configured && unknown_.take("", clock_.steady())) refuse_to_ask();
  asked_.insert(url);
  std::string text;
  std::optional<Error> failure;
  try {
    text = co_await fetch(url);
  } catch (...) {
    failure = current_error();
  }
  asked_.erase(url);
  answered_.notify();
  if (!failure) {
    keep(url, text);
    co_return text;
  }
  if (failure->kind() == ErrorKind::cancelled) throw *failure;
  keep_failure(url);
  throw Error(ErrorKind::unavailable, failure->what());
}

Task<> Documents::touch(std::string url) {
  if (touched_.take("", clock_.steady())) refuse_to_ask();
  co_await fetch(std::move(url));
}

// Whoever asks for an address that is being asked gets that answer.
Task<> Documents::wait_for_others(std::string url) {
  while (asked_.contains(url)) {
    const auto seen = answered_.count();
    co_await answered_.wait_past(seen, clock_, clock_.steady() + patience);
  }
}

Task<std::string> Documents::fetch(std::string url) {
  net::Request request;
  request.url = net::Url::parse(url);
  if (request.url.scheme != "https") throw Error(ErrorKind::denied, url + " is not https");
  request.connect_timeout = request.header_timeout = request.idle_timeout = patience;
  const auto response = co_await http_.send(std::move(request));
  auto text = co_await response->read_all(largest);
  if (response->status() < 200 || response->status() > 299)
    throw Error(ErrorKind::unavailable,
                response->url().without_query() + " answered " + std::to_string(response->status()));
  co_return text;
}

const Documents::Kept* Documents::find(const std::string& url) {
  const auto kept =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& each) { return each.url == url; });
  if (kept == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, kept);
  return &kept_.front();
}

bool Documents::has_failed(const std::string& url) {
  const auto now = clock_.steady();
  failed_.remove_if([&](const Failed& each) { return each.until <= now; });
  return std::any_of(failed_.begin(), failed_.end(), [&](const Failed& each) { return each.url == url; });
}

void Documents::keep(const std::string& url, const std::string& text) {
  kept_.remove_if([&](const Kept& each) { return each.url == url; });
  kept_.push_front({.url = url, .text = text, .until = clock_.steady() + good_for});
  if (kept_.size() > most_kept) kept_.pop_back();
}

void Documents::keep_failure(const std::string& url) {
  failed_.push_front({.url = url, .until = clock_.steady() + bad_for});
  if (failed_.size() > most_failed) failed_.pop_back();
}

}  // namespace sluice::engine
