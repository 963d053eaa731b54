// Looks whether a dependent's image really sits on the new base.

#include "dependents/confirm.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::engine {
namespace {

constexpr Milliseconds first_wait{500};
constexpr Milliseconds longest_between_looks{30'000};

Milliseconds next_look(int looks) {
  return std::min(longest_between_looks, first_wait * (1 << std::clamp(looks - 1, 0, 10)));
}

struct Owed {
  store::Rebuild rebuild;
  oci::Reference base;
  // What the base's tag was promoted to since: an image on that is not behind.
  std::optional<oci::Digest> newer;
  // What that tag named before `base`, and before `newer`.
  std::optional<oci::Digest> replaced, newer_replaced;
};

std::optional<Owed> owed_of(store::Tables& tables, RunId id) {
  const auto rebuild = tables.rebuilds.find(id);
  if (!rebuild) return std::nullopt;
  Owed owed{.rebuild = *rebuild,
            .base = oci::Reference::parse(rebuild->base),
            .newer = std::nullopt,
            .replaced = std::nullopt,
            .newer_replaced = std::nullopt};
  // A base that is another dependent's image was not promoted.
  const auto promotion = tables.promotions.of_run(rebuild->promotion_run);
  if (promotion && promotion->digest == owed.base.digest) owed.replaced = promotion->replaced;
  const auto latest = tables.promotions.latest(owed.base.repository.text(), owed.base.tag.value_or(""));
  if (latest && latest->run > rebuild->promotion_run && latest->digest != owed.base.digest) {
    owed.newer = latest->digest;
    owed.newer_replaced = latest->replaced;
  }
  return owed;
}

Done confirmed(RunId id, const dependents::Confirmation& found) {
  Done done;
  done.detail = found.digest ? found.digest->text() + " (" + found.how + ")" : found.how;
  done.record = [id, found](store::Tables& tables, Time at) {
    auto rebuild = tables.rebuilds.find(id);
    if (!rebuild) return;
    rebuild->digest = found.digest;
    tables.rebuilds.update(*rebuild);
    if (auto run = tables.runs.find(id)) {
      run->digest = found.digest;
      tables.runs.update(*run);
    }
    apply(tables, id, pipeline::rebuild_event::Confirmed{found.how}, at);
  };
  return done;
}

Done overdue(RunId id, std::string message, Milliseconds again) {
  Done done;
  done.good = false;
  done.detail = message;
  done.record = [id, message, again](store::Tables& tables, Time at) {
    const auto rebuild = tables.rebuilds.find(id);
    // The clock was set or the machine slept while it was looked at, and the deadline moved with that.
    if (rebuild && rebuild->deadline && at < *rebuild->deadline) {
      tables.jobs.enqueue(id, std::string(to_string(pipeline::JobKind::confirm)), 0, at + again, at);
      return;
    }
    apply(tables, id, pipeline::rebuild_event::Overdue{message}, at);
  };
  return done;
}

// What a look told. Neither: a registry cannot answer now, which is no verdict.
struct Seen {
  std::optional<dependents::Confirmation> found;
  std::string refusal;  // a registry does not let us look: no verdict while a person may mend that in time
};

bool is_refusal(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::denied;
}

Task<Seen> look(Work work, Owed owed) {
  const auto image = oci::Reference::parse(owed.rebuild.image);
  const auto platform = oci::Platform::parse(work.run.platform);
  try {
    auto found = co_await dependents::confirm(work.registry, image, owed.base, platform, owed.replaced);
    if (found.confirmed || !owed.newer) co_return Seen{.found = std::move(found), .refusal = {}};
    auto newer_base = owed.base;
    newer_base.digest = owed.newer;
    auto newer =
        co_await dependents::confirm(work.registry, image, newer_base, platform, owed.newer_replaced);
    if (!newer.confirmed) co_return Seen{.found = std::move(found), .refusal = {}};
    newer.how += ", on a newer base";
    co_return Seen{.found = std::move(newer), .refusal = {}};
  } catch (const Error& error) {
    if (is_refusal(error.kind())) co_return Seen{.found = {}, .refusal = error.what()};
    if (!is_transient(error.kind())) throw;
  }
  co_return Seen{};
}

// Why the rebuild counts as not made when its deadline has passed; nullopt when nobody knows.
std::optional<std::string> why_overdue(const Owed& owed, const Seen& seen) {
  const auto& image = owed.rebuild.image;
  if (!seen.refusal.empty()) return image + " could not be looked at in time: " + seen.refusal;
  if (!seen.found) return std::nullopt;
  return image + " does not sit on " + owed.base.text() + " in time: " + seen.found->how;
}

}  // namespace

Task<Done> confirm(Work work) {
  const auto id = work.run.id;
  auto query = [id](store::Tables& tables) { return owed_of(tables, id); };
  const auto owed = co_await work.world.store.read(std::move(query));
  if (!owed) throw Error(ErrorKind::internal, "run " + id.text() + " is not a rebuild");
  const auto began = work.world.clock.now();
  const auto seen = co_await look(work, *owed);
  if (seen.found && seen.found->confirmed) co_return confirmed(id, *seen.found);
  // Ever more seldom, since it may be looked at for days.
  const auto looks = static_cast<unsigned>(work.job.attempt);
  if (!seen.refusal.empty() && std::has_single_bit(looks)) work.log("cannot look: " + seen.refusal);
  // What was there before the deadline says nothing of what was there at it.
  const auto again = next_look(work.job.attempt);
  if (owed->rebuild.deadline && began >= *owed->rebuild.deadline)
    if (auto why = why_overdue(*owed, seen)) co_return overdue(id, std::move(*why), again);
  Done done;
  done.again = again;
  co_return done;
}

}  // namespace sluice::engine
