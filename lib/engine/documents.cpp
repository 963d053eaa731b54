#include "engine/documents.hpp"

#include "core/error.hpp"

#include <utility>

namespace sluice::engine {
namespace {

constexpr std::size_t most_kept = 16;
constexpr std::size_t largest = 64 * 1024;
constexpr auto good_for = std::chrono::minutes(15);
constexpr auto bad_for = std::chrono::seconds(10);
// Senders wait for their answer: Amazon SNS 15 seconds.
constexpr Milliseconds patience{5'000};

}  // namespace

Task<std::string> Documents::get(std::string url) {
  if (const auto* kept = find(url)) {
    if (kept->text) co_return *kept->text;
    throw Error(ErrorKind::unavailable, url + " could not be had a moment ago");
  }
  std::optional<std::string> text;
  std::optional<Error> failure;
  try {
    text = co_await fetch(url);
  } catch (...) {
    failure = current_error();
  }
  if (failure && failure->kind() == ErrorKind::cancelled) throw *failure;
  const auto now = clock_.steady();
  keep({.url = url,
        .text = text,
        .until = now + (text ? Steady::duration(good_for) : Steady::duration(bad_for))});
  if (failure) throw Error(ErrorKind::unavailable, failure->what());
  co_return *text;
}

Task<> Documents::touch(std::string url) {
  co_await fetch(std::move(url));
}

Task<std::string> Documents::fetch(std::string url) {
  if (limit_.take("", clock_.steady()))
    throw Error(ErrorKind::unavailable, "too many certificates and keys were asked for");
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
  const auto now = clock_.steady();
  kept_.remove_if([&](const Kept& kept) { return kept.until <= now; });
  for (const auto& kept : kept_)
    if (kept.url == url) return &kept;
  return nullptr;
}

void Documents::keep(Kept kept) {
  kept_.remove_if([&](const Kept& other) { return other.url == kept.url; });
  kept_.push_front(std::move(kept));
  if (kept_.size() > most_kept) kept_.pop_back();
}

}  // namespace sluice::engine
