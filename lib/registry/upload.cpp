#include "registry/upload.hpp"

#include "core/error.hpp"
#include "core/retry.hpp"
#include "registry/upload_begin.hpp"
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

Task<> pause_after(int attempt, Session& session) {
  constexpr Backoff backoff{std::chrono::milliseconds(500), std::chrono::seconds(5)};
  co_await session.clock().sleep_for(backoff.wait(attempt, session.random().unit()));
}

Task<Arrival> upload(const UploadRequests& requests, UploadBeginning& beginning, UploadSending& sending) {
  bool is_first = true;
  for (int attempt = 1;;) {
    auto to_begin = std::exchange(is_first, false) ? beginning.first() : beginning.again();
    Begun begun = co_await std::move(to_begin);
    if (begun.arrival) co_return *begun.arrival;
    const auto failure = co_await sending.send(std::move(begun.session));
    if (!failure) co_return Arrival::moved;
    // Smaller requests are no repetition, and they come to an end.
    if (sending.sends_smaller()) continue;
    if (attempt >= most_attempts(*failure, requests)) throw *failure;
    co_await pause_after(attempt++, requests.session());
  }
}

}  // namespace

Task<Arrival> move_blob(Session& session, UploadNotes& notes, Source& source, oci::Repository target,
                        oci::Descriptor blob, BlobMoved moved) {
  const UploadRequests requests(session, std::move(target), std::move(blob));
  UploadBeginning beginning(requests, notes, source.repository());
  UploadSending sending(requests, notes, source, std::move(moved));
  const Arrival arrival = co_await upload(requests, beginning, sending);
  notes.holds(requests.target(), requests.blob().digest);
  if (arrival == Arrival::moved) notes.pushed(requests.target(), requests.blob());
  co_return arrival;
}

}  // namespace sluice::registry
