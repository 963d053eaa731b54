#pragma once
// One watch between its looks, and what the end of a look means for it: pure.

#include "core/clock.hpp"
#include "core/random.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::watch {

struct Watch {
  std::string key;       // pipeline name
  std::string registry;  // budget it belongs to
  Milliseconds every{std::chrono::minutes(15)};
};

/// When a watch is due after a good look: at `at` and up to `spread` later, as is drawn.
struct Next {
  Steady at;
  Steady::duration spread{};
};

/// After an interval, with +-10 % jitter.
Next after(Steady now, Milliseconds pace);
Steady drawn(const Next& next, Random& random);

/// Orders by time; the serial number keeps equal times apart, first come first served.
struct Due {
  Steady at;
  std::uint64_t serial = 0;
  bool operator<(const Due& other) const { return at != other.at ? at < other.at : serial < other.serial; }
};

struct Watched {
  Watch watch;
  Due due;              // while it is not out
  int failures = 0;     // in a row, of its own
  bool failed = false;  // the last look did
  bool hurried = false;
  bool out = false;
  bool probe = false;               // while out: alone, to see whether the registry answers
  bool again = false;               // hurried or changed while out
  bool removed = false;             // while out: goes when its look ended
  Steady again_at = Steady::max();  // when the look after the one in hand is due
  std::string out_of;               // the registry that the look in hand counts for

  /// It was hurried or changed while its look is out: another one follows, at `at` at the earliest.
  void look_again(Steady at);
  void begin_look(bool as_probe);

  // How a look ended; each says when the next one is due.

  /// As `next` says, or after `every`.
  Steady succeeded(Steady now, const std::optional<Next>& next, Random& random);
  /// After `retry_after` (at most 15 minutes), which is not the watch's own fault, or else after a backoff
  /// that doubles up to 5 minutes or 8 * every, whichever is shorter.
  Steady not_answered(Steady now, std::optional<Milliseconds> retry_after, Random& random);
  /// The registry answers again: at once when it was hurried, else within half of its interval, a minute at
  /// most, so that the registry is not overrun. What it did while that was away is forgotten.
  Steady returned(Steady now, Random& random);
  /// New or changed: at a drawn time within two seconds or its interval, whichever is shorter.
  Steady begun(Steady now, Random& random) const;
};

}  // namespace sluice::watch
