#include "api/dto.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace sluice::api::dto {
namespace {

json text_or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

json run_id(const std::optional<RunId>& id) {
  return id ? json(id->text()) : json(nullptr);
}

json duration_ms(const std::optional<Time>& from, const std::optional<Time>& to) {
  if (!from || !to) return nullptr;
  return std::chrono::duration_cast<Milliseconds>(*to - *from).count();
}

json tags(const config::TagSet& set) {
  const auto& rules = set.filter.rules();
  return {{"glob", rules.globs},
          {"match", text_or_null(rules.match)},
          {"exclude", rules.exclude},
          {"semver", rules.semver ? json(*rules.semver) : json(nullptr)},
          {"pre_releases", rules.pre_releases},
          {"newest", set.newest > 0 ? json(set.newest) : json(nullptr)},
          {"by", set.by == config::TagSet::Order::created ? "created" : "version"},
          {"limit", set.limit},
          {"initial", set.initial ? "all" : "none"}};
}

json age_ms(const std::optional<Time>& since, Time now) {
  if (!since) return nullptr;
  return std::chrono::duration_cast<Milliseconds>(std::max(now - *since, std::chrono::microseconds(0)))
      .count();
}

json detection_json(const watch::Detection& detection) {
  return {{"seen", time(detection.seen)},
          {"not_before", time(detection.not_before)},
          {"changed", time(detection.changed)},
          {"known_by", to_string(detection.by)},
          {"delay_ms", detection.changed ? duration_ms(detection.changed, detection.seen) : json(nullptr)},
          {"at_most_ms", duration_ms(detection.not_before, detection.seen)}};
}

json poll_json(const config::Poll& poll) {
  const bool by_cron = poll.cron.has_value();
  return {{"every_ms", by_cron ? json(nullptr) : json(poll.every.count())},
          {"slowest_ms", by_cron ? json(nullptr) : json(poll.slowest_pace().count())},
          {"cron", by_cron ? json(poll.cron->text()) : json(nullptr)},
          {"timezone", by_cron ? json(poll.zone->name()) : json(nullptr)}};
}

}  // namespace

json time(const std::optional<Time>& at) {
  return at ? json(format_time_exact(*at)) : json(nullptr);
}

json digest(const std::optional<oci::Digest>& value) {
  return value ? json(value->text()) : json(nullptr);
}

json run(const store::Run& row) {
  return {{"id", row.id.text()},
          {"kind", row.kind},
          {"task", row.task},
          {"pipeline", row.pipeline},
          {"platform", row.platform},
          {"status", row.status},
          {"state", row.state},
          {"trigger", row.trigger},
          {"digest", digest(row.digest)},
          {"source", row.source},
          {"checks", {{"total", row.checks_total}, {"passed", row.checks_passed}}},
          {"waiting_for", text_or_null(row.waiting_for)},
          {"outcome", text_or_null(row.outcome)},
          {"parent", run_id(row.parent)},
          {"created", time(row.created)},
          {"started", time(row.started)},
          {"ended", time(row.ended)},
          {"duration_ms", duration_ms(row.started, row.ended)}};
}

json step(const store::StepRow& row) {
  return {{"name", row.name},
          {"result", row.result},
          {"detail", text_or_null(row.detail)},
          {"started", time(row.started)},
          {"ended", time(row.ended)},
          {"duration_ms", duration_ms(row.started, row.ended)}};
}

json log_line(const store::LogLine& row) {
  return {{"id", row.id}, {"at", time(row.at)}, {"step", row.step}, {"text", row.text}};
}

json promotion(const store::Promotion& row) {
  return {{"run", row.run.text()},
          {"target", row.target},
          {"stable_tag", row.stable_tag},
          {"unique_tag", row.unique_tag},
          {"tags", {row.target + ":" + row.stable_tag, row.target + ":" + row.unique_tag}},
          {"digest", row.digest.text()},
          {"replaced", digest(row.replaced)},
          {"trigger", row.trigger},
          {"at", time(row.at)}};
}

json rebuild(const store::Rebuild& row) {
  return {{"run", row.run.text()},
          {"promotion_run", row.promotion_run.text()},
          {"dependent", row.dependent},
          {"wave", row.wave == store::no_wave ? json(nullptr) : json(row.wave)},
          {"state", row.state},
          {"base", row.base},
          {"idempotency_key", row.idempotency_key},
          {"dispatched", time(row.dispatched)},
          {"deadline", time(row.deadline)},
          {"confirmed", time(row.confirmed)},
          {"digest", digest(row.digest)}};
}

json observation(const store::Observation& row) {
  return {{"reference", row.reference},
          {"digest", row.digest.text()},
          {"media_type", text_or_null(row.media_type)},
          {"first_seen", time(row.first_seen)},
          {"last_seen", time(row.last_seen)},
          {"learned_by", row.learned_by},
          {"run", run_id(row.run)}};
}

json detection(const store::Detection& row) {
  return detection_json({.seen = row.seen,
                         .not_before = row.not_before,
                         .changed = row.changed,
                         .by = watch::known_by_from(row.known_by)});
}

json freshness(const engine::Freshness& freshness, const config::Pipeline& pipeline, Time now) {
  const auto* memory = freshness.of(pipeline.name);
  const auto hooks = freshness.hooks(pipeline.name);
  const auto typical = memory ? memory->rhythm.typical(now) : std::nullopt;
  const bool detected = memory && memory->last;
  return {{"known_at", memory ? time(memory->known_at) : json(nullptr)},
          {"stale_ms", memory ? age_ms(memory->known_at, now) : json(nullptr)},
          {"look_every_ms", freshness.pace(pipeline.name, pipeline.poll).count()},
          {"changes_every_ms",
           typical ? json(std::chrono::duration_cast<Milliseconds>(*typical).count()) : json(nullptr)},
          {"last_change", detected ? detection_json(*memory->last) : json(nullptr)},
          {"webhooks",
           {{"live", hooks.live()},
            {"told", hooks.told},
            {"missed", hooks.missed},
            {"last_delivery", time(hooks.delivered)}}}};
}

json upstream(const engine::RegistryFreshness& registry, const engine::Freshness& freshness, Time now) {
  const auto found = freshness.looks().find(registry.host);
  const auto looks = found == freshness.looks().end() ? engine::RegistryLooks() : found->second;
  return {{"registry", registry.host},
          {"watches", registry.promise.watches},
          {"at_once", registry.at_once},
          {"look_every_ms", {{"from", registry.promise.from.count()}, {"to", registry.promise.to.count()}}},
          {"looks_per_hour", registry.promise.per_hour},
          {"held_back_by", to_string(registry.promise.held_back_by)},
          {"look_takes_ms", looks.takes ? json(looks.takes->count()) : json(nullptr)},
          {"failing", registry.failing},
          {"unknown", registry.unknown},
          {"oldest", time(registry.oldest)},
          {"stale_ms", age_ms(registry.oldest, now)},
          {"looks", {{"changed", looks.changed}, {"unchanged", looks.unchanged}, {"failed", looks.failed}}}};
}

json hold(const engine::Held& held, Time now) {
  return {{"reason", held.hold.reason},
          {"by", held.hold.by},
          {"since", time(held.hold.since)},
          {"age_ms", std::chrono::duration_cast<Milliseconds>(held.age(now)).count()},
          {"overlong", held.is_overlong(now)},
          {"images_waiting", held.images_waiting}};
}

json audit(const store::AuditEntry& row) {
  return {{"at", time(row.at)},
          {"who", row.who},
          {"action", row.action},
          {"pipeline", text_or_null(row.pipeline)},
          {"detail", text_or_null(row.detail)}};
}

json watch(const engine::WatchStatus& status) {
  return {{"last_look", time(status.last_look)},
          {"digest", digest(status.digest)},
          {"error", text_or_null(status.error)},
          {"failing_since", time(status.failing_since)}};
}

json registry(const registry::RegistryStatus& status) {
  json limit = nullptr;
  if (status.limit)
    limit = {{"limit", status.limit->limit},
             {"remaining", status.limit->remaining},
             {"window_ms", status.limit->window.count()},
             {"at", time(status.limit_told)}};
  json budget = nullptr;
  if (status.allowance) {
    const bool pulls = status.allowance->counts == registry::Allowance::Counts::pulls;
    budget = {{"count", status.allowance->count},
              {"period_ms", status.allowance->per.count()},
              {"counts", pulls ? "pulls" : "requests"},
              {"left", static_cast<std::int64_t>(std::floor(status.left))}};
  }
  return {{"name", status.registry},
          {"state", to_string(status.state)},
          {"failures", status.failures},
          {"error", text_or_null(status.error)},
          {"failing_since", time(status.failing_since)},
          {"asked_again", time(status.asked_again)},
          {"paused_until", time(status.paused_until)},
          {"limit", std::move(limit)},
          {"budget", std::move(budget)},
          {"looks_put_off", status.looks_put_off}};
}

json hook(const std::string& name, const engine::HookStatus& status) {
  auto refused = json::object();
  for (const auto& [reason, count] : status.refused)
    refused[reason] = count;
  return {{"name", name},
          {"sender", status.sender},
          {"accepted", status.accepted},
          {"duplicates", status.duplicates},
          {"ignored", status.ignored},
          {"unknown_repositories", status.unknown_repositories},
          {"last_unknown", text_or_null(status.last_unknown)},
          {"refused", std::move(refused)},
          {"last", time(status.last)},
          {"last_refused", time(status.last_refused)}};
}

json pipeline(const config::Pipeline& pipeline) {
  auto checks = json::array();
  for (const auto& check : pipeline.checks)
    checks.push_back({{"kind", check.kind}, {"name", check.name}});
  return {{"name", pipeline.name},
          {"upstream", pipeline.upstream.text()},
          {"tags", pipeline.tags ? tags(*pipeline.tags) : json(nullptr)},
          {"staging", pipeline.staging.text()},
          {"target", pipeline.target.text() + ":" + pipeline.stable_tag},
          {"unique_tag", pipeline.unique_tag},
          {"platform", pipeline.platform.text()},
          {"poll", poll_json(pipeline.poll)},
          {"poll_every_ms", pipeline.poll.cron ? json(nullptr) : json(pipeline.poll.every.count())},
          {"checks", checks}};
}

json dependent(const config::Dependent& dependent) {
  auto from = json::array();
  for (const auto& base : dependent.from)
    from.push_back(base.text());
  return {{"name", dependent.name},
          {"image", dependent.image.text()},
          {"from", from},
          {"rebuild", dependent.trigger_kind},
          {"platform", dependent.platform.text()}};
}

}  // namespace sluice::api::dto
