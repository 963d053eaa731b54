#include "net/transfer.hpp"

#include "net/deadline.hpp"

namespace sluice::net {
namespace {

Task<> write_loop(Clock& clock, Stream& stream, Progress& progress, std::string_view bytes,
                  std::uint64_t left) {
  while (!bytes.empty()) {
    const boost::asio::const_buffer buffer(bytes.data(), bytes.size());
    const std::size_t count = co_await stream.write_some(buffer);
    bytes.remove_prefix(count);
    left -= count;
    progress.add(count, clock.steady(), left);
  }
}

}  // namespace

Task<> Throttle::pay(std::uint64_t bytes) const {
  // A request without a body does not stand behind the bodies of others.
  if (bytes == 0) co_return;
  const Steady now = clock.steady();
  Steady until = now;
  if (everybody) until = std::max(until, everybody->take(bytes, now));
  if (own) until = std::max(until, own->take(bytes, now));
  if (until > now) co_await clock.sleep_until(until);
}

Task<> write_all(Clock& clock, Stream& stream, Progress& progress, std::string_view bytes,
                 std::uint64_t left) {
  progress.resume(clock.steady(), left);
  auto writing = write_loop(clock, stream, progress, bytes, left);
  co_await before(std::move(writing), until_stalled(clock, progress));
  progress.pause(clock.steady());
}

}  // namespace sluice::net
