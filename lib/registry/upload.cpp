#include "registry/upload.hpp"

#include "core/error.hpp"
#include "registry/answer.hpp"
#include "registry/upload_send.hpp"

#include <utility>

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

Task<Arrival> upload(const UploadRequests& requests, UploadBeginning& beginning, UploadSending& sending) {
  std::optional<Error> failure;
  auto when_there = Arrival::present;
  for (int attempt = 1;;) {
    std::optional<Begun> begun;
    try {
      begun = co_await beginning.begin(when_there);
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
