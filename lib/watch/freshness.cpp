#include "watch/freshness.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::watch {
namespace {

constexpr std::array<std::pair<KnownBy, std::string_view>, 4> known_words{
    {{KnownBy::webhook, "webhook"},
     {KnownBy::last_modified, "last-modified"},
     {KnownBy::created, "created"},
     {KnownBy::nothing, "nothing"}}};

// Last-Modified has whole seconds.
constexpr auto coarse = std::chrono::seconds(2);

HookRecord told(HookRecord record) {
  ++record.told;
  record.spare = false;
  record.streak = std::max(record.streak, 0) + 1;
  return record;
}

bool is_plausible(const std::optional<Time>& at, Time not_before, Time seen) {
  return at && *at > not_before && *at <= seen;
}

}  // namespace

std::string_view to_string(KnownBy by) {
  for (const auto& [kind, word] : known_words)
    if (kind == by) return word;
  return "nothing";
}

KnownBy known_by_from(std::string_view text) {
  for (const auto& [kind, word] : known_words)
    if (word == text) return kind;
  return KnownBy::nothing;
}

std::chrono::microseconds Detection::delay() const {
  return std::max(seen - changed.value_or(not_before), std::chrono::microseconds(0));
}

Detection detect(const Evidence& evidence) {
  Detection found{
      .seen = evidence.seen, .not_before = evidence.not_before, .changed = {}, .by = KnownBy::nothing};
  if (evidence.told && *evidence.told <= evidence.seen) {
    found.changed = std::max(*evidence.told, evidence.not_before);
    found.by = KnownBy::webhook;
  }
  const bool has_modified = is_plausible(evidence.modified, evidence.not_before, evidence.seen);
  if (has_modified && (!found.changed || *evidence.modified < *found.changed - coarse)) {
    found.changed = evidence.modified;
    found.by = KnownBy::last_modified;
  }
  return found;
}

Detection with_created(Detection detection, std::optional<Time> created) {
  if (detection.changed || !is_plausible(created, detection.not_before, detection.seen)) return detection;
  detection.changed = created;
  detection.by = KnownBy::created;
  return detection;
}

HookRecord after_change(HookRecord record, bool by_webhook, Time at) {
  record = settled(record, at);
  if (by_webhook) return told(record);
  const bool just_told = record.spare && at - *record.delivered <= hook_grace;
  if (just_told) return told(record);
  if (record.expected() && !record.untold) record.untold = at;
  return record;
}

HookRecord after_delivery(HookRecord record, Time at) {
  record = settled(record, at);
  record.delivered = at;
  record.spare = !record.untold;
  if (record.spare) return record;
  record.untold.reset();
  return told(record);
}

HookRecord settled(HookRecord record, Time now) {
  if (!record.untold || now - *record.untold <= hook_grace) return record;
  record.untold.reset();
  ++record.missed;
  record.streak = std::min(record.streak, 0) - 1;
  return record;
}

}  // namespace sluice::watch
