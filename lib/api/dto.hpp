#pragma once
// JSON forms of what the store and the engine hold. Times are RFC 3339 with microseconds, absent values are
// null.

#include "config/config.hpp"
#include "engine/engine.hpp"
#include "engine/freshness.hpp"
#include "engine/overview.hpp"
#include "engine/held.hpp"
#include "store/rows.hpp"

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace sluice::api::dto {

using nlohmann::json;

json time(const std::optional<Time>& at);
json digest(const std::optional<oci::Digest>& value);
json run(const store::Run& row);
json step(const store::StepRow& row);
json log_line(const store::LogLine& row);
json promotion(const store::Promotion& row);
json rebuild(const store::Rebuild& row);
json observation(const store::Observation& row);
json detection(const store::Detection& row);
json hold(const engine::Held& held, Time now);
json audit(const store::AuditEntry& row);
json watch(const engine::WatchStatus& status);
json registry(const registry::RegistryStatus& status);
json hook(const std::string& name, const engine::HookStatus& status);
/// Of a watch, as things are at `now`.
json freshness(const engine::Freshness& freshness, const config::Pipeline& pipeline, Time now);
json upstream(const engine::RegistryFreshness& registry, const engine::Freshness& freshness, Time now);
/// What is configured: names only, never a secret.
json pipeline(const config::Pipeline& pipeline);
json dependent(const config::Dependent& dependent);

}  // namespace sluice::api::dto
