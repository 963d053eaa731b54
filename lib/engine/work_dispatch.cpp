// Asks that a dependent be built again.

#include "engine/tool_logins.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"
#include "triggers/trigger.hpp"

#include <utility>

namespace sluice::engine {
namespace {

// How long a request waits for an older one to the same dependent, which is on its way.
constexpr Milliseconds behind_older{500};
// And for what its trigger needs of this machine.
constexpr Milliseconds behind_others{5000};

struct Order {
  std::optional<store::Rebuild> rebuild;
  std::optional<RunId> newer;  // a younger rebuild of the same dependent that makes this one needless
  bool older_on_its_way = false;
};

// Requests to one dependent go out one after the other, oldest first: two builds that push the same tag at
// the same time could end with the older base on top.
Order order_of(store::Tables& tables, RunId id) {
  Order order{.rebuild = tables.rebuilds.find(id), .newer = std::nullopt, .older_on_its_way = false};
  if (!order.rebuild) return order;
  const auto dispatching = std::string(to_string(pipeline::RebuildState::dispatching));
  for (const auto& other : tables.rebuilds.in_state(order.rebuild->dependent, dispatching)) {
    if (other.run < id) order.older_on_its_way = true;
    // One that a commit asked for stands for no wave: nothing would be built on what it makes.
    const bool stands_for_this = other.wave != store::no_wave || order.rebuild->wave == store::no_wave;
    if (other.run > id && stands_for_this) order.newer = other.run;
  }
  return order;
}

triggers::Rebuild request_of(const Work& work, const store::Rebuild& rebuild) {
  return {.idempotency_key = rebuild.idempotency_key,
          .run = work.run.id.text(),
          .dependent = rebuild.dependent,
          .image = oci::Reference::parse(rebuild.image),
          .base = oci::Reference::parse(rebuild.base),
          .pipeline = work.run.pipeline,
          .promotion_run = rebuild.promotion_run.text(),
          .at = work.run.created};
}

Done dispatched(RunId id, std::string answer, Milliseconds confirm_within) {
  Done done;
  done.detail = std::move(answer);
  done.record = [id, confirm_within](store::Tables& tables, Time at) {
    auto rebuild = tables.rebuilds.find(id);
    if (!rebuild) return;
    rebuild->deadline = at + confirm_within;
    tables.rebuilds.update(*rebuild);
    apply(tables, id, pipeline::rebuild_event::Dispatched{}, at);
  };
  return done;
}

}  // namespace

Task<Done> dispatch(Work work) {
  const auto id = work.run.id;
  auto query = [id](store::Tables& tables) { return order_of(tables, id); };
  const auto order = co_await work.world.store.read(std::move(query));
  if (!order.rebuild) throw Error(ErrorKind::internal, "run " + id.text() + " is not a rebuild");
  Done done;
  if (order.older_on_its_way) {
    done.again = behind_older;
    co_return done;
  }
  if (order.newer && work.job.failures > 0) {
    // The target did not take it so far; the younger request makes this one needless.
    done.detail = "superseded by " + order.newer->text();
    done.record = [id, by = *order.newer](store::Tables& tables, Time at) {
      apply(tables, id, pipeline::rebuild_event::Superseded{by}, at);
    };
    co_return done;
  }
  const auto* dependent = work.config->dependent(order.rebuild->dependent);
  if (!dependent)
    throw Error(ErrorKind::not_found,
                "the configuration has no dependent '" + order.rebuild->dependent + "' any more");
  const auto trigger = std::dynamic_pointer_cast<const triggers::Trigger>(dependent->trigger);
  auto request = request_of(work, *order.rebuild);
  if (!trigger->is_free(request)) {
    done.again = behind_others;
    co_return done;
  }
  work.log("asking " + dependent->trigger_kind + " to build " + order.rebuild->image + " on " +
           order.rebuild->base);
  auto config = work.config;
  if (trigger->needs_logins()) {
    std::vector<oci::Repository> wanted{request.image.repository, request.base.repository};
    config = co_await with_logins(work, std::move(wanted));
  }
  triggers::Context context{.clock = work.world.clock,
                            .launcher = work.world.launcher,
                            .http = work.world.http,
                            .config = std::move(config),
                            .log = work.log};
  auto answer = co_await trigger->send(std::move(request), std::move(context));
  work.log(answer);
  co_return dispatched(id, std::move(answer), dependent->confirm_within);
}

}  // namespace sluice::engine
