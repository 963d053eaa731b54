// Promotion: read the stable tag, bring the image, read it again, write the unique tag, then the stable one.

#include "engine/recorder.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"

#include <utility>

#include <fmt/format.h>

namespace sluice::engine {
namespace {

struct Target {
  oci::Repository repository;
  std::string stable_tag;
  std::string unique_tag;
  std::string stable() const { return repository.text() + ":" + stable_tag; }
};

struct StableTag {
  std::optional<registry::Resolved> now;
  std::optional<store::Promotion> last;  // of ours
  std::optional<store::Hold> hold;
  std::optional<store::Run> rollback;  // the newest that is not promoted yet
  bool names(const oci::Digest& digest) const { return now && now->digest == digest; }
  // What it names is ours when we wrote it, or when it is what we are about to write (a write that we did not
  // live to record).
  bool is_drift(const oci::Digest& wanted) const {
    if (!now || now->digest == wanted) return false;
    return !last || last->digest != now->digest;
  }
};

Task<StableTag> look_at_stable(Work work, Target target) {
  auto now = co_await work.registry.find_at_target(target.repository, target.stable_tag);
  auto query = [target, pipeline = work.run.pipeline](store::Tables& tables) {
    return StableTag{.now = {},
                     .last = tables.promotions.latest(target.repository.text(), target.stable_tag),
                     .hold = tables.holds.in_force(pipeline),
                     .rollback = open_rollback(tables, pipeline)};
  };
  auto stable = co_await work.world.store.read(std::move(query));
  stable.now = std::move(now);
  co_return stable;
}

std::string moved_by_somebody(const Target& target, const oci::Digest& foreign) {
  return drift_of(target.stable()) + foreign.text();
}

void audit_drift(store::Tables& tables, const std::string& pipeline, const std::string& message, Time at) {
  tables.audit.append(
      {.id = 0, .at = at, .who = "sluice", .action = "drift", .pipeline = pipeline, .detail = message});
}

// The foreign image becomes a promotion of its own (trigger Patch), so that it gets a unique twin, its
// dependents are rebuilt, and a later rollback can name it.
Done drifted(const Work& work, const config::Pipeline& pipeline, const Target& target,
             const oci::Digest& foreign) {
  const auto message = moved_by_somebody(target, foreign);
  work.log(message);
  Done done;
  done.good = false;
  done.detail = message;
  done.record = [id = work.run.id, pipeline, foreign, message](store::Tables& tables, Time at) {
    audit_drift(tables, pipeline.name, message, at);
    apply(tables, id, pipeline::event::Drifted{message}, at);
    start_promotion(tables, pipeline, foreign, pipeline::Trigger::patch, at);
  };
  return done;
}

bool is_patch(const Work& work) {
  return work.run.trigger == to_string(pipeline::Trigger::patch);
}

bool is_rollback(const Work& work) {
  return work.run.trigger == to_string(pipeline::Trigger::rollback);
}

// The promotion ends here with `event`, the stable tag being what it was.
template <class Event>
Done not_promoted(const Work& work, Event event) {
  Done done;
  done.detail = "not promoted: " + event.reason;
  work.log(done.detail);
  done.record = [id = work.run.id, event = std::move(event)](store::Tables& tables, Time at) {
    apply(tables, id, event, at);
  };
  return done;
}

// A rollback was asked for by a person who wants that image there now.
bool may_overwrite(const Work& work, const config::Pipeline& pipeline) {
  return pipeline.on_drift == config::OnDrift::overwrite || is_rollback(work);
}

// How the promotion ends when the stable tag must not be written; nullopt when it may, or names the image
// already. A try may come long after the run began to promote, since a registry may be down for long.
std::optional<Done> kept_out(const Work& work, const config::Pipeline& pipeline, const Target& target,
                             const StableTag& stable) {
  const auto digest = work.run.digest.value();
  if (stable.names(digest)) return std::nullopt;
  if (stable.is_drift(digest) && !may_overwrite(work, pipeline))
    return drifted(work, pipeline, target, stable.now->digest);
  // A patch records what somebody put there; what came after that stays.
  if (is_patch(work))
    return not_promoted(work, pipeline::event::Outdated{target.stable() + " has moved on since"});
  if (!is_rollback(work)) {
    if (!stable.hold) return std::nullopt;
    return not_promoted(work, pipeline::event::Held{stable.hold->reason});
  }
  if (!stable.rollback || stable.rollback->id <= work.run.id) return std::nullopt;
  return not_promoted(
      work, pipeline::event::Outdated{"replaced by the rollback of run " + stable.rollback->id.text()});
}

// What refers to the image comes after it, so an image that is there may lack it: an earlier attempt was cut,
// or it was signed since. What a person put there, or goes back to, may not be in staging.
bool may_lack_referrers(const Work& work, const config::Pipeline& pipeline) {
  return pipeline.referrers && !is_decision(work.run.trigger);
}

/// False when everything was there.
Task<bool> bring(Work work, Target target, oci::Digest digest) {
  const auto pipeline = pipeline_of(work);
  const auto there = co_await work.registry.find_at_target(target.repository, digest.text());
  if (there && !may_lack_referrers(work, pipeline)) co_return false;
  registry::CopyOptions options;
  options.referrers = pipeline.referrers;
  options.keep_tags = true;
  options.foreign_layers = work.config->foreign_layers;
  const auto moved = co_await work.registry.copy(pipeline.staging, digest, target.repository, std::nullopt,
                                                 std::move(options));
  if (moved.referrers > 0) work.log(fmt::format("{} referrers came along", moved.referrers));
  co_return true;
}

// Under both tags, unique first: a stable tag always has a unique twin to pin or to roll back to.
Task<> write_tags(Work work, Target target, oci::Digest digest, bool stable_is_ours) {
  const auto image = co_await work.registry.manifest(target.repository, digest.text());
  co_await work.registry.put_manifest(target.repository, target.unique_tag, image.media_type, image.bytes);
  work.log("wrote " + target.repository.text() + ":" + target.unique_tag);
  if (stable_is_ours) co_return;
  co_await work.registry.put_manifest(target.repository, target.stable_tag, image.media_type, image.bytes);
  work.log("wrote " + target.stable());
}

Done promoted(const Work& work, const Target& target, std::optional<oci::Digest> replaced,
              std::string overwritten) {
  Done done;
  done.detail = target.stable() + " is now " + work.run.digest->text();
  store::Promotion row{.id = 0,
                       .run = work.run.id,
                       .pipeline = work.run.pipeline,
                       .target = target.repository.text(),
                       .stable_tag = target.stable_tag,
                       .unique_tag = target.unique_tag,
                       .digest = work.run.digest.value(),
                       .replaced = std::move(replaced),
                       .trigger = work.run.trigger,
                       .at = {}};
  done.record = [row = std::move(row), overwritten = std::move(overwritten)](store::Tables& tables, Time at) {
    auto promotion = row;
    promotion.at = at;
    tables.promotions.insert(promotion);
    if (!overwritten.empty()) audit_drift(tables, promotion.pipeline, overwritten, at);
    apply(tables, promotion.run, pipeline::event::Promoted{}, at);
  };
  return done;
}

}  // namespace

Task<Done> promote(Work work) {
  const auto pipeline = pipeline_of(work);
  const Target target{pipeline.target, pipeline.stable_tag, pipeline.unique_tag_for(work.run.id.text())};
  const auto digest = work.run.digest.value();
  auto stable = co_await look_at_stable(work, target);
  auto otherwise = kept_out(work, pipeline, target, stable);
  if (!otherwise) {
    const bool brought = co_await bring(work, target, digest);
    if (brought) {
      // That may have taken long enough for somebody to move the tag.
      stable = co_await look_at_stable(work, target);
      otherwise = kept_out(work, pipeline, target, stable);
    }
  }
  if (otherwise) co_return std::move(*otherwise);
  std::string overwritten;
  if (stable.is_drift(digest)) {
    overwritten =
        moved_by_somebody(target, stable.now->digest) + "; overwritten by run " + work.run.id.text();
    work.log(overwritten);
  }
  const bool stable_is_ours = stable.names(digest);
  co_await write_tags(work, target, digest, stable_is_ours);
  std::optional<oci::Digest> replaced;
  if (stable_is_ours && stable.last)
    replaced = stable.last->digest;
  else if (stable.now)
    replaced = stable.now->digest;
  co_return promoted(work, target, std::move(replaced), std::move(overwritten));
}

}  // namespace sluice::engine
