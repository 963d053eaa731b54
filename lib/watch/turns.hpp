#pragma once
// The watches of one registry in line, and when the next look at it may go out: pure.

#include "watch/watched.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace sluice::watch {

/// Watches stay the caller's; the time and the haste of one that stands in line change only through here.
class Turns {
 public:
  /// At most so many looks are out at a time (at least 1).
  explicit Turns(std::size_t most) { limit(most); }
  void limit(std::size_t most);
  /// What nobody hurried waits until `from`. False when that is known.
  bool pace(Steady from);
  /// Nothing goes out before `until`, and then one look at a time, as a probe.
  void hold(Steady until) { held_until_ = until; }
  std::optional<Steady> held_until() const { return held_until_; }
  /// Ends a hold. Takes those out of the line that became due or failed meanwhile, for the caller to put them
  /// in anew.
  std::vector<Watched*> let_go(Steady now);

  void put(Watched& watched, Due due);
  void take_out(Watched& watched);
  /// When its next look may go out; nullopt when none can.
  std::optional<Due> turn() const;
  /// Takes the one whose turn it is now; its look begins.
  Watched& take(Steady now);
  /// Its look ended. True when it was a probe and the registry is still held.
  bool end_look(Watched& watched, Steady now);
  /// When the last in line is due.
  Steady last() const;
  /// Nobody waits and no look is out.
  bool is_idle() const { return waiting_.empty() && hurried_.empty() && out_ == 0; }

 private:
  using Line = std::map<Due, Watched*>;
  Line& line_of(const Watched& watched) { return watched.hurried ? hurried_ : waiting_; }
  Line& next(Steady now);
  static Due head(const Line& line);
  static Steady tail(const Line& line);

  std::size_t most_ = 1;
  std::size_t out_ = 0;
  std::optional<Steady> held_until_;
  bool probing_ = false;               // held, and a probe is out
  Steady looks_from_ = Steady::min();  // for what nobody hurried
  Line waiting_, hurried_;             // those that are not out
};

}  // namespace sluice::watch
