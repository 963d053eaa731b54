#include "registry/budget.hpp"

#include "core/retry.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace sluice::registry {
namespace {

/// Looks are never further apart than this, so that news comes in whatever a registry says of its limit.
constexpr Milliseconds longest_gap = std::chrono::hours(1);
/// Without a Retry-After. Docker Hub says none when six hours of pulls are used up.
constexpr Backoff refusal_backoff{std::chrono::seconds(2), std::chrono::minutes(15)};
/// Larger limits are as good as none.
constexpr std::int64_t largest_limit = 1'000'000'000'000;
/// Longer windows are nonsense.
constexpr std::int64_t longest_window = std::int64_t{366} * 24 * 3600;

std::optional<std::int64_t> whole_number(std::string_view text) {
  text = trimmed(text);
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

struct Counted {
  std::optional<std::int64_t> value;
  Milliseconds window{};
};

// "100;w=21600"; of "100, 100;w=60" the first is what holds (draft-ietf-httpapi-ratelimit-headers-03).
Counted counted(const std::optional<std::string>& header) {
  Counted found;
  if (!header) return found;
  std::string_view rest = *header;
  rest = rest.substr(0, rest.find(','));
  found.value = whole_number(rest.substr(0, rest.find(';')));
  while (rest.find(';') != std::string_view::npos) {
    rest.remove_prefix(rest.find(';') + 1);
    const auto parameter = trimmed(rest.substr(0, rest.find(';')));
    if (!parameter.starts_with("w=")) continue;
    const auto seconds = whole_number(parameter.substr(2));
    if (seconds && *seconds <= longest_window) found.window = std::chrono::seconds(*seconds);
  }
  return found;
}

Milliseconds rounded(Steady::duration duration) {
  return std::max(std::chrono::ceil<Milliseconds>(duration), Milliseconds(0));
}

}  // namespace

std::optional<RateLimit> rate_limit(const net::Headers& headers) {
  const auto limit = counted(headers.get("ratelimit-limit"));
  const auto remaining = counted(headers.get("ratelimit-remaining"));
  if (!remaining.value) return std::nullopt;
  return RateLimit{std::min(limit.value.value_or(0), largest_limit),
                   std::min(*remaining.value, largest_limit),
                   remaining.window.count() > 0 ? remaining.window : limit.window};
}

void Budget::allow(std::optional<Allowance> allowance, Steady now) {
  if (allowance == allowance_) return;
  const double share = allowance_ ? static_cast<double>(used(now).count()) /
                                        static_cast<double>(Steady::duration(allowance_->per).count())
                                  : 0;
  allowance_ = allowance;
  if (!allowance_) return;
  const double same = share * static_cast<double>(Steady::duration(allowance_->per).count());
  used_until_ = now + Steady::duration(static_cast<Steady::rep>(same));
}

bool Budget::counts(bool is_pull) const {
  return allowance_ && (is_pull || allowance_->counts == Allowance::Counts::requests);
}

/// What one request uses.
Steady::duration Budget::interval() const {
  return std::max(Steady::duration(allowance_->per) / allowance_->count, Steady::duration(1));
}

Steady::duration Budget::used(Steady now) const {
  return std::max(used_until_ - now, Steady::duration(0));
}

Milliseconds Budget::wait(Pace pace, bool is_pull, Steady now, Milliseconds patience) const {
  const auto paused = pause(now);
  if (!counts(is_pull)) return paused;
  const auto turn = this->turn(pace, now);
  return pace == Pace::go_on && turn > patience ? paused : std::max(paused, turn);
}

Milliseconds Budget::turn(Pace pace, Steady now) const {
  const Steady::duration whole = allowance_->per;
  // Of a handful nothing can be left.
  const bool leaves = pace == Pace::look && allowance_->count >= 10;
  const auto kept = leaves ? whole / 10 : Steady::duration(0);
  return rounded(used(now) + interval() + kept - whole);
}

Steady Budget::looks_from(Steady now) const {
  auto from = Steady::min();
  const auto turn = counts(false) ? this->turn(Pace::look, now) : Milliseconds(0);
  if (turn.count() > 0) from = now + turn;
  if (puts_off_looks(now)) from = std::max(from, spread_until());
  return from;
}

void Budget::take(bool is_pull, Steady now) {
  if (!counts(is_pull)) return;
  // What is overdrawn is paid back within one more period, however much it is.
  const auto most = now + 2 * Steady::duration(allowance_->per);
  used_until_ = std::min(std::max(used_until_, now) + interval(), most);
}

double Budget::left(Steady now) const {
  if (!allowance_) return 0;
  const Steady::duration rest = Steady::duration(allowance_->per) - used(now);
  return static_cast<double>(rest.count()) / static_cast<double>(interval().count());
}

// Of what looks cost, the registry's own count is the witness: a HEAD that left it as it was is free.
void Budget::told(const RateLimit& limit, bool was_look, Steady now) {
  if (was_look) {
    if (limit_) looks_cost_ = limit.remaining < limit_->remaining;
    last_look_ = now;
  }
  limit_ = limit;
  told_at_ = now;
}

bool Budget::is_low(Steady now) const {
  if (!limit_ || limit_->window.count() == 0 || now - told_at_ >= limit_->window) return false;
  return limit_->limit > 0 ? limit_->remaining * 10 <= limit_->limit : limit_->remaining == 0;
}

bool Budget::puts_off_looks(Steady now) const {
  return looks_cost_.value_or(true) && last_look_ && is_low(now) && now < spread_until();
}

Steady Budget::spread_until() const {
  return *last_look_ + std::min(limit_->window / (limit_->remaining + 1), longest_gap);
}

// Requests that were out when the first one was refused say nothing new: one refusal, one step.
bool Budget::refused(std::optional<Milliseconds> retry_after, Steady started, Steady now, double unit) {
  const bool news = refusals_ == 0 || started >= pause_began_;
  const bool was_paused = pause(now).count() > 0;
  if (news) {
    ++refusals_;
    pause_began_ = now;
  }
  if (retry_after)
    pause_ends_ = std::max(pause_ends_, now + *retry_after);
  else if (news)
    pause_ends_ = std::max(pause_ends_, now + refusal_backoff.wait(refusals_, unit));
  return !was_paused;
}

void Budget::accepted(Steady started) {
  if (started >= pause_began_) refusals_ = 0;
}

std::optional<Steady> Budget::asked_from(Steady now) const {
  return refusals_ > 0 || pause_ends_ > now ? std::optional(pause_ends_) : std::nullopt;
}

Milliseconds Budget::pause(Steady now) const {
  return rounded(pause_ends_ - now);
}

}  // namespace sluice::registry
