#pragma once
// Typed rows, as the rest of the program sees them. States and kinds are texts here: their meaning belongs to
// rooms below.

#include "core/clock.hpp"
#include "core/run_id.hpp"
#include "oci/digest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

/// A digest that an upstream tag pointed to, from first_seen until last_seen. A tag that goes A, B, A has
/// three rows.
struct Observation {
  std::int64_t id = 0;
  std::string pipeline{};
  std::string reference{};  // "docker.io/library/node:9-alpine"
  oci::Digest digest;
  std::string media_type{};
  Time first_seen{};
  Time last_seen{};
  std::string learned_by{};    // "poll", "webhook", "manual"
  std::optional<RunId> run{};  // the run that it started, if any
};

/// When the change came about that an observation saw.
struct Detection {
  std::int64_t observation = 0;
  std::string watch{};
  Time seen{};
  Time not_before{};              // when the last look that found the digest before began
  std::optional<Time> changed{};  // as far as it is known
  std::string known_by{};
};

/// Whether webhooks told of the changes of a watch; watch::HookRecord says what each field means.
struct HookRecord {
  std::string watch{};
  std::int64_t told = 0;
  std::int64_t missed = 0;
  int streak = 0;
  std::optional<Time> delivered{};
  std::optional<Time> untold{};
};

/// How many runs have a status now, and how many came into it since the database was made.
struct RunCount {
  std::string status{};
  std::int64_t now = 0;
  std::int64_t ever = 0;
};

/// A run of a pipeline, or of a rebuild (kind "rebuild").
struct Run {
  RunId id{};
  std::string kind{};  // "pipeline" or "rebuild"
  std::string task{};  // pipeline or dependent name
  std::string pipeline{};
  std::string platform{};
  std::string state{};
  std::string status{};   // "Running"
  std::string trigger{};  // "Image Update"
  std::optional<oci::Digest> digest{};
  std::string source{};  // where it came from: upstream reference; for a rebuild the promoted base
  int checks_total = 0;
  std::string checks{};  // tells apart the checks that were configured when it began; empty without any
  int checks_passed = 0;
  std::string waiting_for{};
  std::string outcome{};
  std::optional<RunId> parent{};  // for a rebuild: the promotion run
  Time created{};
  std::optional<Time> started{};
  std::optional<Time> ended{};
};

struct RunFilter {
  std::optional<std::string> status{};
  std::optional<std::string> task{};
  std::optional<std::string> pipeline{};
  std::optional<RunId> parent{};
  int limit = 50;
};

struct LogLine {
  std::int64_t id = 0;  // grows; the cursor for following
  RunId run{};
  Time at{};
  std::string step{};  // "stage", "check: container", "promote", ...
  std::string text{};
};

/// One step of a run with its time and result, for `sluice show`.
struct StepRow {
  RunId run{};
  std::string name{};    // "stage", "check container"
  std::string result{};  // "running", "ok", "failed"
  std::string detail{};
  Time started{};
  std::optional<Time> ended{};
};

struct Promotion {
  std::int64_t id = 0;
  RunId run{};
  std::string pipeline{};
  std::string target{};  // repository
  std::string stable_tag{};
  std::string unique_tag{};
  oci::Digest digest;
  std::optional<oci::Digest> replaced{};
  std::string trigger{};
  Time at{};
};

struct Hold {
  std::string pipeline{};
  std::string reason{};
  std::string by{};
  Time since{};
};

inline constexpr int no_wave = -1;

struct Rebuild {
  RunId run{};            // its own run (kind "rebuild")
  RunId promotion_run{};  // that of its base
  std::string dependent{};
  std::string image{};  // what is built, by tag
  int wave = 0;         // no_wave: of none, since no promotion asked for it
  std::string state{};  // pipeline::RebuildState as text
  std::string base{};   // reference by tag and digest that it must sit on
  std::string idempotency_key{};
  std::optional<Time> dispatched{};
  std::optional<Time> deadline{};
  std::optional<Time> confirmed{};
  std::optional<oci::Digest> digest{};  // what was found
};

struct Job {
  std::int64_t id = 0;
  std::string kind{};  // "stage", "check", ...
  RunId run{};
  int index = 0;
  int attempt = 0;   // counts leases; the fencing number
  int failures = 0;  // counts retry(); what the retry limit looks at
  Time due{};
  std::optional<Time> leased_until{};
  std::string last_error{};
  Time created{};
};

/// A webhook that was answered 2xx.
struct Receipt {
  std::string hook{};      // name in the configuration
  std::string delivery{};  // what makes it the same delivery again
  Time received{};
  int matched = 0;  // pipelines that it concerned
};

/// A look at a pipeline's upstream that a receipt promised.
struct OwedLook {
  std::string pipeline{};
  std::int64_t receipt = 0;
  std::string hook{};
  Time since{};
};

/// A tag that a set watches or watched.
struct Member {
  std::string pipeline{};  // name of the set
  std::string tag{};
  std::string state{};  // "watched", "withdrawn" (the upstream has it no more), "left" (not chosen any more)
  Time since{};         // in that state
  bool baseline = false;  // the digest that it is first seen with starts no run
};

struct AuditEntry {
  std::int64_t id = 0;
  Time at{};
  std::string who{};
  std::string action{};  // "hold", "resume", "rollback", "run", "promote", "drift"
  std::string pipeline{};
  std::string detail{};
};

}  // namespace sluice::store
