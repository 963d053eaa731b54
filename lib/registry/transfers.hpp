#pragma once
// How many blobs are on their way from and to each registry at once. Event-loop thread only.

#include "core/clock.hpp"
#include "core/signal.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace sluice::registry {

/// Use: `co_await transfers.wait(ends, clock); const Transfers::Place place(transfers, ends);` with nothing
/// awaited in between. Who holds a place may wait for anything but another place.
class Transfers {
 public:
  /// The registries that one blob goes from and to, by where their APIs live, and how many blobs each of them
  /// takes at once (at least 1).
  using Ends = std::map<std::string, std::size_t>;

  /// One blob on its way: a place at each of its ends until it is destroyed.
  class Place {
   public:
    Place(Transfers& transfers, Ends ends);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Transfers& transfers_;
    Ends ends_;
  };

  /// Returns when there is room at all ends at the same time: nobody holds a place at one of them while
  /// waiting for the other. Whoever has waited longest is passed by nobody who wants the same. Throws
  /// Error(cancelled) when the caller is cancelled.
  Task<> wait(Ends ends, Clock& clock);

  /// Blobs that are on their way from or to this registry now.
  std::size_t at(const std::string& registry) const;

 private:
  class Waiter;
  bool has_room(const Ends& ends, std::uint64_t ticket) const;

  std::map<std::string, std::size_t> taken_;  // by registry; none that has none
  std::map<std::uint64_t, Ends> waiting_;     // by ticket, in the order in which they came
  std::uint64_t tickets_ = 0;
  Signal changed_;
};

}  // namespace sluice::registry
