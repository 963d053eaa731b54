#pragma once
// How many requests one registry gets: what the configuration allows, what the registry says is left of its
// own limit, and how long it asked to be left alone. Pure: time and random numbers come in.

#include "core/clock.hpp"
#include "net/http.hpp"

#include <cstdint>
#include <optional>

namespace sluice::registry {

/// What a request is for.
enum class Pace {
  look,   // background: it can come later
  begin,  // begins a piece of work
  go_on,  // belongs to a piece of work that has begun
};

/// `budget: 100/6h`: so many, at most, in any such time (and as many at once).
struct Allowance {
  /// What counts. Pulls are GETs of manifests, as Docker Hub counts them: HEADs are free there
  /// (https://docs.docker.com/docker-hub/usage/pulls/).
  enum class Counts { pulls, requests };
  std::int64_t count = 0;  // at least 1
  Milliseconds per{};      // positive
  Counts counts = Counts::pulls;
  bool operator==(const Allowance&) const = default;
};

/// A registry's own limit, as it tells it with its answers.
struct RateLimit {
  std::int64_t limit = 0;  // 0: not told
  std::int64_t remaining = 0;
  Milliseconds window{};  // 0: not told
  bool operator==(const RateLimit&) const = default;
};

/// Reads "ratelimit-limit: 100;w=21600" and "ratelimit-remaining: 76;w=21600", Docker Hub's form
/// (https://docs.docker.com/docker-hub/usage/pulls/), of which others send parts. Nullopt when nothing tells
/// what remains (paid accounts get no such headers, some answers have ";w=21600" without a number).
std::optional<RateLimit> rate_limit(const net::Headers& headers);

class Budget {
 public:
  /// Uses another allowance from now on; what was used of the one before counts as the same share of it.
  void allow(std::optional<Allowance> allowance, Steady now);

  /// How long a request would have to wait now; zero: it may go. Looks leave a tenth of the allowance to
  /// work. What goes on with work that has begun overdraws the allowance when its turn would come later than
  /// `patience`: an image of many manifests would otherwise never come to its end. What is overdrawn is paid
  /// back before anything else begins.
  Milliseconds wait(Pace pace, bool is_pull, Steady now, Milliseconds patience = {}) const;
  /// A request goes out.
  void take(bool is_pull, Steady now);

  /// Takes note of what an answer told. `was_look`: it answers a HEAD.
  void told(const RateLimit& limit, bool was_look, Steady now);
  /// Whether looks have to wait: what remains of the registry's limit is low, looks count against it, and the
  /// last one was not long enough ago to spread the rest over the window.
  bool puts_off_looks(Steady now) const;
  /// From when on a look may go, by the allowance and by what remains of the registry's limit. A pause is not
  /// counted.
  Steady looks_from(Steady now) const;

  /// The registry refused a request that went out at `started` (429, or 503 with Retry-After). All requests
  /// wait: as long as it said, else longer with each refusal. `unit` in [0, 1). True when this began a pause.
  bool refused(std::optional<Milliseconds> retry_after, Steady started, Steady now, double unit);
  /// It did not refuse a request that went out at `started`.
  void accepted(Steady started);
  /// How long the pause still is; zero: there is none.
  Milliseconds pause(Steady now) const;
  /// From when on the registry may be asked after a refusal; nullopt: at any time. It stays until a request
  /// is accepted.
  std::optional<Steady> asked_from(Steady now) const;

  const std::optional<Allowance>& allowance() const { return allowance_; }
  /// What is left of the allowance; below zero when it is overdrawn.
  double left(Steady now) const;
  const std::optional<RateLimit>& limit() const { return limit_; }
  /// Whether looks were seen to count against the limit.
  bool looks_cost() const { return limit_ && looks_cost_.value_or(false); }

 private:
  bool counts(bool is_pull) const;
  Steady::duration interval() const;
  Steady::duration used(Steady now) const;
  Milliseconds turn(Pace pace, Steady now) const;
  bool is_low(Steady now) const;
  Steady spread_until() const;

  std::optional<Allowance> allowance_;
  Steady used_until_{};  // when all that was used has come back (the generic cell rate algorithm)

  std::optional<RateLimit> limit_;
  Steady told_at_{};
  std::optional<Steady> last_look_;
  std::optional<bool> looks_cost_;  // once two answers showed it

  int refusals_ = 0;  // in a row
  Steady pause_began_{};
  Steady pause_ends_{};
};

}  // namespace sluice::registry
