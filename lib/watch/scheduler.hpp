#pragma once
// When to look at which upstream: pure. Time and random numbers come in, decisions go out.

#include "core/clock.hpp"
#include "core/random.hpp"
#include "watch/watched.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::watch {

/// Next-due scheduler; O(log n) for each look. At most `per_registry` looks of one registry are out at a
/// time; those that were hurried go before those that became due. Whether a registry can be asked at all is
/// not judged here but told: hold().
class Scheduler {
 public:
  explicit Scheduler(Random& random, std::size_t per_registry = 4);
  ~Scheduler();
  /// Looks of one registry that may be out at a time, in place of `per_registry` (at least 1).
  void limit(const std::string& registry, std::size_t most);
  /// The registry cannot be asked before `until`. From then on one look at a time goes out as a probe, the
  /// earliest in line, whenever it is due, until the registry is held anew or let go. Nullopt lets it go: all
  /// that became due or failed meanwhile is spread over half of its interval, a minute at most, so that a
  /// registry that has just come back is not overrun; what was hurried is due at once. Of registries without
  /// watches nothing is remembered.
  void hold(const std::string& registry, std::optional<Steady> until, Steady now);
  /// The registry's budget allows no look that nobody hurried before `from`.
  void pace(const std::string& registry, Steady from);
  /// Adds a watch or changes it. It is first due at a drawn time (Watched::begun), so that a start is spread.
  void put(Watch watch, Steady now);
  void remove(const std::string& key);
  /// Makes the watch due at `at` unless it is due earlier (webhook, person), and gives it precedence until a
  /// look succeeds. False when there is none. While its look is out, it is due again after it, at `at` at the
  /// earliest.
  bool hurry(const std::string& key, Steady at);
  /// The watches to look at now; each counts as out until finished() is called for it.
  std::vector<std::string> take_due(Steady now);
  /// A look ended; when the next one is due follows from that (Watched::succeeded, Watched::not_answered).
  /// Unknown keys and watches that are not out are ignored.
  void finished(const std::string& key, Steady now, bool ok,
                std::optional<Milliseconds> retry_after = std::nullopt,
                std::optional<Next> next = std::nullopt);
  /// Makes a watch due as `next` says and not before, for one whose time was reckoned by a clock that was
  /// set. A watch that is out, that was hurried or that waits after a failure stays as it is.
  void put_off(const std::string& key, Next next);
  /// When take_due may next return something; nullopt when nothing is waiting.
  std::optional<Steady> next_due() const;
  std::size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::watch
