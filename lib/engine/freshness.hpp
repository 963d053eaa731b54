#pragma once
// What is measured about the looks: how old our knowledge of each watch is, how long its changes took to be
// seen, whether webhooks tell of them, and what follows for its pace. Event-loop thread only.

#include "config/config.hpp"
#include "core/histogram.hpp"
#include "engine/engine.hpp"
#include "oci/digest.hpp"
#include "registry/client.hpp"
#include "watch/freshness.hpp"
#include "watch/pace.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::engine {

/// The looks at one registry since the start.
struct RegistryLooks {
  std::uint64_t changed = 0, unchanged = 0, failed = 0;
  std::optional<Milliseconds> takes;  // one look, in the mean of the last ones
};
enum class LookResult { changed, unchanged, failed };

class Freshness {
 public:
  explicit Freshness(World world);

  /// One watch, as it is remembered.
  struct Memory {
    // Only compared, so their hashes do: 100,000 watches must fit.
    std::size_t reference = 0;
    std::optional<std::size_t> digest;  // that it was last seen to name
    watch::Rhythm rhythm;
    watch::HookRecord hooks;
    std::optional<watch::Detection> last;  // of its last change
    std::optional<Time> known_at;          // when the last look that was answered began
    bool complete = false;                 // nothing is in the store that is not here
    bool unsaved = false;                  // `hooks` is not in the store yet
  };
  /// What a look says beyond the digest.
  struct Look {
    Time began;
    std::optional<Time> told;  // receipt of the webhook that promised it
  };
  /// What is kept in the store if the digest turns out to be another one.
  struct News {
    std::optional<watch::Detection> detection;  // nullopt when nothing was known before
    watch::HookRecord hooks;
  };

  /// Whether everything is known of the watch that the store remembers; if so, what time has settled is
  /// settled.
  bool knows(const std::string& watch, const std::string& reference);
  /// Before a look: reads what the store remembers of the watch. A store that cannot be read leaves it
  /// unknown; then nothing is measured, and the pace is the fastest.
  Task<> recall(std::string watch, std::string reference);
  /// The store may know more: it is read again before the next look.
  void distrust(const std::string& watch);
  void forget(const std::string& watch) { memories_.erase(watch); }

  News judge(const std::string& watch, const Look& look, const registry::Resolved& seen, Time at) const;
  /// Writes the news of an observation, inside the caller's transaction.
  static void keep(store::Tables& tables, std::int64_t observation, const std::string& watch,
                   const News& news);
  /// The look was answered with this digest, which the store had already.
  void unchanged(const std::string& watch, const Look& look, const oci::Digest& digest);
  /// The store had another one, and the news were kept.
  void changed(const std::string& watch, const Look& look, const oci::Digest& digest, const News& news,
               Time at);
  /// The registry answered that there is no such tag.
  void gone(const std::string& watch, const Look& look);
  /// Counts a look for its registry. `took`: from asking to the answer.
  void count(const std::string& registry, LookResult result, Steady::duration took);

  /// Whether there is anybody who may send webhooks: if not, none is relied on, whatever they did before.
  void hears_webhooks(bool any) { any_webhooks_ = any; }
  /// A delivery that concerns the watch was accepted.
  void delivered(const std::string& watch, Time at);
  /// Writes the record of webhooks, if the store has not got it, inside the caller's transaction.
  std::optional<watch::HookRecord> take_unsaved(const std::string& watch);
  /// What was taken could not be written.
  void keep_unsaved(const std::string& watch);
  static void save(store::Tables& tables, const std::string& watch, const watch::HookRecord& record);

  /// From a look to the next, as things are. For a cron: between the next two times.
  Milliseconds pace(const std::string& watch, const config::Poll& poll) const;
  /// Null when nothing is known of it.
  const Memory* of(const std::string& watch) const;
  /// Its record, with what time has settled since.
  watch::HookRecord hooks(const std::string& watch) const;
  /// By registry as written; those after the first thousand count together as "other".
  const std::map<std::string, RegistryLooks>& looks() const { return looks_; }
  /// Delays of the changes seen since the start, in seconds, by how they are known.
  const std::map<watch::KnownBy, Histogram>& delays() const { return delays_; }
  /// Changes that webhooks missed, as far as looks have settled it since the start.
  std::uint64_t missed() const { return missed_; }

 private:
  void settle(Memory& memory);

  World world_;
  std::unordered_map<std::string, Memory> memories_;
  std::map<std::string, RegistryLooks> looks_;
  std::map<watch::KnownBy, Histogram> delays_;
  std::uint64_t missed_ = 0;
  bool any_webhooks_ = true;
};

}  // namespace sluice::engine
