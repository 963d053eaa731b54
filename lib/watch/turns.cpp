#include "watch/turns.hpp"

#include <algorithm>
#include <utility>

namespace sluice::watch {
namespace {

// After a probe that never came to ask.
constexpr Milliseconds idle_probe = std::chrono::seconds(1);

}  // namespace

void Turns::limit(std::size_t most) {
  most_ = std::max<std::size_t>(most, 1);
}

bool Turns::pace(Steady from) {
  return std::exchange(looks_from_, from) != from;
}

std::vector<Watched*> Turns::let_go(Steady now) {
  held_until_.reset();
  probing_ = false;
  std::vector<Watched*> returning;
  for (auto* line : {&waiting_, &hurried_})
    for (const auto& [due, watched] : *line)
      if (due.at <= now || watched->failed) returning.push_back(watched);
  for (auto* watched : returning)
    take_out(*watched);
  return returning;
}

void Turns::put(Watched& watched, Due due) {
  watched.due = due;
  line_of(watched).emplace(due, &watched);
}

void Turns::take_out(Watched& watched) {
  line_of(watched).erase(watched.due);
}

std::optional<Due> Turns::turn() const {
  const auto due = std::min(head(waiting_), head(hurried_));
  if (due.at == Steady::max() || out_ >= most_ || (held_until_ && probing_)) return std::nullopt;
  if (held_until_) return Due{*held_until_, due.serial};
  auto polled = head(waiting_);
  polled.at = std::max(polled.at, looks_from_);
  return std::min(polled, head(hurried_));
}

Watched& Turns::take(Steady now) {
  auto& line = next(now);
  auto& watched = *line.begin()->second;
  line.erase(line.begin());
  ++out_;
  probing_ = held_until_.has_value();
  watched.begin_look(probing_);
  return watched;
}

bool Turns::end_look(Watched& watched, Steady now) {
  watched.out = false;
  --out_;
  if (!std::exchange(watched.probe, false)) return false;
  probing_ = false;
  if (held_until_ && *held_until_ <= now) held_until_ = now + idle_probe;
  return held_until_.has_value();
}

Steady Turns::last() const {
  return std::max(tail(waiting_), tail(hurried_));
}

// The line whose head goes now. A probe is the earliest of all, even if it is not due.
Turns::Line& Turns::next(Steady now) {
  if (held_until_) return head(hurried_) < head(waiting_) ? hurried_ : waiting_;
  return head(hurried_).at <= now ? hurried_ : waiting_;
}

// Later than everything when nobody waits.
Due Turns::head(const Line& line) {
  return line.empty() ? Due{Steady::max()} : line.begin()->first;
}

Steady Turns::tail(const Line& line) {
  return line.empty() ? Steady::min() : line.rbegin()->first.at;
}

}  // namespace sluice::watch
