#include "registry/upload.hpp"

#include "core/error.hpp"
#include "registry/answer.hpp"
#include "registry/upload_send.hpp"

#include <exception>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace sluice::registry {
namespace {

int most_attempts(const Error& failure, const UploadRequests& requests) {
  switch (failure.kind()) {
    case ErrorKind::unauthorized:
      return 2;  // a fresh token is worth one more try
    case ErrorKind::rate_limited:
      return requests.session().endpoint(requests.target()).access.attempts;
    default:
      return 3;
  }
}

/// Of a registry that failed and is not asked again now: what it failed at tells more.
Error not_asked_again(const Error& refusal, const std::optional<Error>& failure) {
  if (!failure || refusal.kind() != ErrorKind::unavailable) return refusal;
  return {failure->kind(), failure->what(), refusal.retry_after()};
}

/// The two registries are asked at once: each may be far away. What the source answers is kept for another
/// attempt when only the target had a hiccup.
Task<UploadSession> post_and_ask(UploadBeginning& beginning, UploadSending& sending) {
  using namespace boost::asio::experimental::awaitable_operators;
  UploadSession session;
  std::optional<Error> refusal;
  std::exception_ptr failure;
  const auto post = [&]() -> Task<> {
    try {
      session = co_await beginning.post();
    } catch (const Error& error) {
      refusal = error;
      if (!is_hiccup(error)) throw;
    }
  };
  try {
    co_await (post() && sending.ask_source());
  } catch (...) {
    failure = std::current_exception();
  }
  // Where the target refused, the source's question ended by being cancelled.
  if (refusal) throw *refusal;
  if (failure) std::rethrow_exception(failure);
  co_return session;
}

Task<Begun> begin(UploadBeginning& beginning, UploadSending& sending, Arrival when_there) {
  auto found = co_await beginning.find(when_there);
  if (found) co_return std::move(*found);
  Begun begun;
  begun.session = co_await post_and_ask(beginning, sending);
  co_return begun;
}

Task<Arrival> upload(const UploadRequests& requests, UploadBeginning& beginning, UploadSending& sending) {
  std::optional<Error> failure;
  auto when_there = Arrival::present;
  for (int attempt = 1;;) {
    std::optional<Begun> begun;
    try {
      begun = co_await begin(beginning, sending, when_there);
    } catch (const Error& error) {
      if (!is_hiccup(error)) throw not_asked_again(error, failure);
      failure = error;
    }
    if (begun && begun->arrival) co_return *begun->arrival;
    if (begun) {
      // After an upload that broke the blob may be there, and the answer was all that was lost.
      when_there = Arrival::moved;
      failure = co_await sending.send(std::move(begun->session));
      if (!failure) co_return Arrival::moved;
      // Smaller requests are no repetition, and they come to an end.
      if (sending.sends_smaller()) continue;
    }
    if (attempt >= most_attempts(*failure, requests)) throw *failure;
    co_await requests.pause_after(attempt++);
  }
}

}  // namespace

Task<Arrival> move_blob(Session& session, UploadNotes& notes, Source& source, oci::Repository target,
                        Prospect prospect, oci::Descriptor blob, BlobMoved moved) {
  const UploadRequests requests(session, std::move(target), std::move(blob));
  UploadBeginning beginning(requests, notes, source.repository(), prospect);
  UploadSending sending(requests, notes, source, std::move(moved));
  const Arrival arrival = co_await upload(requests, beginning, sending);
  notes.holds(requests.target(), requests.blob().digest);
  co_return arrival;
}

}  // namespace sluice::registry
