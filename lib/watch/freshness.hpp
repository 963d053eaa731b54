#pragma once
// How fresh what we know is, and whether webhooks tell what they should: pure.

#include "core/clock.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::watch {

/// By what the time of an upstream's change is known.
enum class KnownBy {
  webhook,        // a sender told of it then
  last_modified,  // the registry's own word in its answer
  created,        // the image says that it was made then, which is before it was pushed
  nothing,        // only that it was after the look before
};
std::string_view to_string(KnownBy by);  // "webhook", "last-modified", "created", "nothing"
/// `nothing` for a text that is none of these.
KnownBy known_by_from(std::string_view text);

/// What a look that found a change has to say about when that was.
struct Evidence {
  Time seen;                     // when the answer was there
  Time not_before;               // when the last look that found the digest before began
  std::optional<Time> told;      // receipt of the webhook that caused the look
  std::optional<Time> modified;  // Last-Modified of the answer, by our clock
};

/// When a change came about and when it was seen.
struct Detection {
  Time seen;
  Time not_before;
  std::optional<Time> changed;  // nullopt with KnownBy::nothing
  KnownBy by = KnownBy::nothing;
  /// From the change until it was seen; where the change is not known, the longest that it can have been.
  std::chrono::microseconds delay() const;
  bool operator==(const Detection&) const = default;
};

/// The earliest time that is plausible: after the look before, not after what was seen. A registry's
/// Last-Modified may be that of an image that was pushed long ago and has got the tag only now: then it says
/// nothing.
/// A webhook that came before the look that still found the old digest was sent before the tag was written:
/// the change is after that look.
Detection detect(const Evidence& evidence);
/// With the time at which the image was made, where nothing better is known and it is plausible.
Detection with_created(Detection detection, std::optional<Time> created);

/// Whether webhooks told of the changes of one watch. A value; each function makes the next one.
struct HookRecord {
  std::int64_t told = 0;    // changes that a webhook told of
  std::int64_t missed = 0;  // changes that a poll found although webhooks used to tell
  /// Changes told in a row, or, below zero, missed in a row.
  int streak = 0;
  std::optional<Time> delivered;  // the last delivery that concerned this watch
  bool spare = false;             // it has told of no change yet: each delivery tells of one at most
  std::optional<Time> untold;     // a poll found a change then, and its webhook may be on its way
  /// Deliveries come and agree with what is found: two changes in a row, and none missed since.
  bool live() const { return streak >= 2; }
  /// A webhook told of changes before and did not miss the last three: so one that misses a change is news.
  bool expected() const { return told > 0 && streak > -3; }
  bool operator==(const HookRecord&) const = default;
};

/// Webhooks that come within this time before or after a poll found the change have told of it too.
inline constexpr auto hook_grace = std::chrono::minutes(5);

/// A look found a change, because a webhook promised it or by itself. All deliveries until then have told of
/// it.
HookRecord after_change(HookRecord record, bool by_webhook, Time at);
HookRecord after_delivery(HookRecord record, Time at);
/// A change that nobody told of within the grace counts as missed.
HookRecord settled(HookRecord record, Time now);

}  // namespace sluice::watch
