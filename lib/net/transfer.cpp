#include "net/transfer.hpp"

namespace sluice::net {

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
  while (!bytes.empty()) {
    const boost::asio::const_buffer buffer(bytes.data(), bytes.size());
    const std::size_t count = co_await stream.write_some(buffer, progress.deadline());
    bytes.remove_prefix(count);
    left -= count;
    progress.add(count, clock.steady(), left);
  }
  progress.pause(clock.steady());
}

}  // namespace sluice::net
