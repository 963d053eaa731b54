#pragma once
// Keeps what a source of credentials found. Event-loop thread only.

#include "core/clock.hpp"
#include "core/signal.hpp"
#include "registry/credentials.hpp"

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sluice::registry {

/// What a lookup gave: it is used for `fresh`, then looked up anew, and while that fails used until `valid`.
struct Found {
  std::optional<Credentials> credentials;
  Milliseconds fresh{};
  Milliseconds valid{};
};

class CredentialCache {
 public:
  explicit CredentialCache(Clock& clock) : clock_(clock) {}

  using Fetch = std::function<Task<Found>()>;
  /// What is kept under the key, else what `fetch` gives. Coroutines that want the same share one fetch and
  /// its failure. After a failure there is none for a while (as long as the failure asks for, at least
  /// failure_pause): until then the failure is thrown again, or what is still valid is given.
  Task<std::optional<Credentials>> get(std::string key, Fetch fetch);
  /// The next get() fetches, unless the last fetch is younger than refusal_pause.
  void forget(const std::string& key);

  static constexpr Milliseconds failure_pause{std::chrono::seconds(10)};
  static constexpr Milliseconds refusal_pause{std::chrono::seconds(10)};

 private:
  struct Entry {
    std::optional<Credentials> credentials;
    std::optional<Steady> fetched_at;
    Steady fresh_until{};
    Steady valid_until{};
    std::exception_ptr failure;
    Steady failed_until{};
    bool fetching = false;
    Signal fetched;
  };

  std::shared_ptr<Entry> entry(const std::string& key);
  Task<> renew(std::shared_ptr<Entry> entry, Fetch fetch);

  Clock& clock_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace sluice::registry
