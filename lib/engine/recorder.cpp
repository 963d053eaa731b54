#include "engine/recorder.hpp"

#include "engine/transition.hpp"

#include <algorithm>

namespace sluice::engine {
namespace {

enum class Need { run, none, later };

constexpr const char* learned_at_start = "baseline";
// Of what fails again and again: each time costs a run, and an outage that ends must heal while it matters.
constexpr Milliseconds longest_between_runs = std::chrono::hours(4);
// Doubled so often, the shortest pause that can be configured is longer than that.
constexpr int most_doublings = 30;

// Whether the first digest that is seen of this tag starts no run.
bool is_baseline(const store::Tables& tables, const std::string& name) {
  const auto key = config::split_key(name);
  if (!key) return false;
  const auto member = tables.members.find(std::string(key->set), std::string(key->tag));
  return member && member->baseline;
}

bool is_unchanged(const std::optional<store::Observation>& latest, const config::Pipeline& pipeline,
                  const registry::Resolved& seen) {
  return latest && latest->digest == seen.digest && latest->reference == pipeline.upstream.text();
}

// A newer upstream digest does not outdate what a person decided.
bool follows_upstream(const store::Run& run) {
  return run.kind == kind_pipeline && !is_decision(run.trigger);
}

bool promotes_another(const store::Tables& tables, const std::string& pipeline, const oci::Digest& digest) {
  const auto promoting = promoting_run(tables, pipeline);
  return promoting && promoting->digest != digest;
}

// Whether what was promoted as `own` left the stable tag for another digest of upstream, which upstream has
// taken back since. What a person put in its place stays until the tag moves.
bool is_replaced_by_news(const store::Promotion& own, const std::optional<store::Promotion>& present) {
  return present && present->id > own.id && present->pipeline == own.pipeline &&
         !is_decision(present->trigger);
}

// From the end of the latest of this digest's runs, all of which failed since one that did not, to the next.
Milliseconds pause_of(const store::Tables& tables, const config::Pipeline& pipeline,
                      const oci::Digest& digest, Milliseconds first) {
  const auto failed = std::string(to_string(pipeline::State::failed));
  auto pause = first;
  for (int more = tables.runs.latest_in_state(pipeline.name, digest, failed, most_doublings) - 1;
       more > 0 && pause < longest_between_runs; --more)
    pause *= 2;
  return std::max(first, std::min(pause, longest_between_runs));
}

// Whether the digest that the tag names now needs a (further) run. Told from what is kept, since the look
// that sees the tag move may come while another promotion is in progress.
Need need_of(store::Tables& tables, const config::Pipeline& pipeline, const store::Observation& seen,
             bool changed, Time at, Milliseconds retry_after) {
  const auto& digest = seen.digest;
  const auto present = tables.promotions.latest(pipeline.target.text(), pipeline.stable_tag);
  if (present && present->digest == digest)
    return promotes_another(tables, pipeline.name, digest) ? Need::later : Need::none;
  const auto run = tables.runs.latest_of(pipeline.name, digest);
  if (!run) return seen.learned_by == learned_at_start ? Need::none : Need::run;
  if (const auto own = tables.promotions.of_run(run->id))
    return changed || is_replaced_by_news(*own, present) ? Need::run : Need::none;
  const auto state = pipeline::state_from(run->state).value_or(pipeline::State::failed);
  if (!is_final(state)) return Need::later;
  switch (state) {
    case pipeline::State::rejected:
      return Need::none;
    case pipeline::State::failed: {
      // One that ended in the future ended before the clock was set back, nobody knows how long ago.
      const bool paused = run->ended && *run->ended <= at &&
                          at < *run->ended + pause_of(tables, pipeline, digest, retry_after);
      return changed || !paused ? Need::run : Need::later;
    }
    case pipeline::State::cancelled:
    case pipeline::State::succeeded:
      return changed ? Need::run : Need::none;
    default:
      return Need::run;
  }
}

void supersede_open(store::Tables& tables, const std::string& pipeline, RunId by, Time at) {
  for (const auto& open : tables.runs.open(pipeline))
    if (open.id != by && follows_upstream(open)) apply(tables, open.id, pipeline::event::Superseded{by}, at);
}

}  // namespace

std::int64_t observe(store::Tables& tables, const config::Pipeline& pipeline, const registry::Resolved& seen,
                     const std::string& learned_by, std::optional<Time> last_look, Time at) {
  const auto latest = tables.observations.latest(pipeline.name);
  if (is_unchanged(latest, pipeline, seen)) {
    tables.observations.touch(latest->id, at);
    return latest->id;
  }
  if (latest && last_look && *last_look > latest->last_seen)
    tables.observations.touch(latest->id, *last_look);
  return tables.observations.append({.id = 0,
                                     .pipeline = pipeline.name,
                                     .reference = pipeline.upstream.text(),
                                     .digest = seen.digest,
                                     .media_type = seen.media_type,
                                     .first_seen = at,
                                     .last_seen = at,
                                     .learned_by = learned_by,
                                     .run = std::nullopt});
}

std::string mark_of(const std::vector<config::Check>& checks) {
  if (checks.empty()) return {};
  std::string all;
  for (const auto& check : checks)
    for (const auto& part : {check.kind, check.name, check.written})
      all.append(part).push_back('\0');
  return oci::Digest::of(all).text();
}

namespace {

RunId insert_run(store::Tables& tables, const config::Pipeline& pipeline, const oci::Digest& digest,
                 pipeline::Trigger trigger, std::string source, Time at) {
  store::Run row;
  row.kind = kind_pipeline;
  row.task = row.pipeline = pipeline.name;
  row.platform = pipeline.platform.text();
  row.state = to_string(pipeline::State::observed);
  row.status = to_string(pipeline::Status::queued);
  row.trigger = to_string(trigger);
  row.digest = digest;
  row.source = std::move(source);
  row.checks_total = static_cast<int>(pipeline.checks.size());
  row.checks = mark_of(pipeline.checks);
  row.created = at;
  return tables.runs.insert(row);
}

}  // namespace

RunId start_run(store::Tables& tables, const config::Pipeline& pipeline, const oci::Digest& digest,
                pipeline::Trigger trigger, Time at) {
  const auto id = insert_run(tables, pipeline, digest, trigger, pipeline.upstream.text(), at);
  supersede_open(tables, pipeline.name, id, at);
  apply(tables, id, pipeline::event::Started{}, at);
  return id;
}

RunId start_again(store::Tables& tables, const config::Pipeline& pipeline, const store::Run& run, Time at) {
  const auto trigger = pipeline::trigger_from(run.trigger).value_or(pipeline::Trigger::image_update);
  return start_run(tables, pipeline, run.digest.value(), trigger, at);
}

RunId start_promotion(store::Tables& tables, const config::Pipeline& pipeline, const oci::Digest& digest,
                      pipeline::Trigger trigger, Time at) {
  const auto source = pipeline.target.text() + "@" + digest.text();
  const auto id = insert_run(tables, pipeline, digest, trigger, source, at);
  apply(tables, id, pipeline::event::Started{}, at);
  return id;
}

std::optional<store::Run> open_rollback(const store::Tables& tables, const std::string& pipeline) {
  std::optional<store::Run> newest;
  for (auto& run : tables.runs.open(pipeline))
    if (run.kind == kind_pipeline && run.trigger == to_string(pipeline::Trigger::rollback) &&
        !tables.promotions.of_run(run.id))
      newest = std::move(run);
  return newest;
}

std::optional<Recorded> nothing_new(store::Tables& tables, const config::Pipeline& pipeline,
                                    const registry::Resolved& seen, Time at, Milliseconds retry_after) {
  const auto latest = tables.observations.latest(pipeline.name);
  if (!is_unchanged(latest, pipeline, seen)) return std::nullopt;
  const auto need = need_of(tables, pipeline, *latest, false, at, retry_after);
  if (need == Need::run) return std::nullopt;
  return Recorded{.observation = latest->id, .run = {}, .changed = false, .settled = need == Need::none};
}

Recorded record(store::Tables& tables, const config::Pipeline& pipeline, const registry::Resolved& seen,
                const std::string& learned_by, std::optional<Time> last_look, Time at,
                Milliseconds retry_after) {
  const auto before = tables.observations.latest(pipeline.name);
  Recorded result;
  const bool first = !before && is_baseline(tables, pipeline.name);
  result.observation = observe(tables, pipeline, seen, first ? learned_at_start : learned_by, last_look, at);
  result.changed = !before || before->id != result.observation;
  const auto now = tables.observations.latest(pipeline.name).value();
  const auto need = need_of(tables, pipeline, now, result.changed, at, retry_after);
  if (need == Need::run) {
    const auto trigger =
        learned_by == "webhook" ? pipeline::Trigger::webhook : pipeline::Trigger::image_update;
    result.run = start_run(tables, pipeline, seen.digest, trigger, at);
    tables.observations.set_run(result.observation, *result.run);
    return result;
  }
  if (result.changed)
    if (const auto known = tables.runs.latest_of(pipeline.name, seen.digest)) {
      // The tag went back to a digest that is promoted, rejected or in hand: what was on its way is out of
      // date.
      supersede_open(tables, pipeline.name, known->id, at);
      tables.observations.set_run(result.observation, known->id);
    }
  result.settled = need == Need::none;
  return result;
}

}  // namespace sluice::engine
