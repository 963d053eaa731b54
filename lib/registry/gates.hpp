#pragma once
// One gate before each registry: every request to it passes here, and what came of it is told here. The gate
// knows the registry's budget and whether it answers at all; no gate affects another registry.
// Event-loop thread only.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/signal.hpp"
#include "net/client.hpp"
#include "registry/breaker.hpp"
#include "registry/budget.hpp"
#include "registry/endpoint.hpp"
#include "registry/registry_status.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::registry {

class Gates {
 public:
  Gates(Clock& clock, Random& random) : clock_(clock), random_(random) {}

  /// Called when the answer of asked_from() for some registry has changed.
  void when_changed(std::function<void()> listener) { listener_ = std::move(listener); }
  /// From when on the registry may be asked, when it is down or refused and was not seen well since; nullopt:
  /// at any time.
  std::optional<Steady> asked_from(const Endpoint& endpoint) const;
  /// There is a sign that the registry lives (a webhook): if it counts as down, it is asked soon.
  void heard_of(const Endpoint& endpoint);
  /// From when on its budget and its own limit allow a look.
  Steady looks_from(const Endpoint& endpoint) const;

  /// How long the registry asked to be left alone from now on; zero: it did not.
  Milliseconds pause(const Endpoint& endpoint) const;

  /// Returns when a request may go out: at once, or after at most `patience`. Throws rate_limited or
  /// unavailable, with retry_after, when that would be too late. The request goes out without anything
  /// awaited in between: make its Passage at once.
  Task<> wait(const Endpoint& endpoint, Pace pace, bool is_pull, Milliseconds patience);

  struct Gate;
  /// One request on its way. A passage that ends without being told anything counts for nothing.
  class Passage {
   public:
    Passage(Gates& gates, const Endpoint& endpoint, bool is_pull);
    ~Passage();
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;

    /// The registry answered; refusals, outages and limits are read from the answer.
    void answered(const net::Response& response, bool is_head);
    /// The registry sent us to another host.
    void sent_elsewhere();
    /// Nothing came back, or its token service refused. What says nothing about the registry is ignored.
    void failed(const Error& error);
    /// The error with the pause in it that the registry's refusal began.
    Error with_pause(Error error) const;

   private:
    void refused(std::optional<Milliseconds> retry_after, const std::string& why);
    void broke(const std::string& why);
    void is_there();

    Gates& gates_;
    std::shared_ptr<Gate> gate_;
    Steady started_;
    bool is_probe_;
    bool told_ = false;
  };

  /// All registries that were asked, by name.
  std::vector<RegistryStatus> statuses() const;

 private:
  std::shared_ptr<Gate> gate(const Endpoint& endpoint);
  std::optional<Steady> asked_from(const Gate& gate) const;
  void changed(Gate& gate);
  Time at(Steady steady) const;

  Clock& clock_;
  Random& random_;
  std::function<void()> listener_;
  std::map<std::string, std::shared_ptr<Gate>> gates_;  // by where its API lives: names may share one
};

}  // namespace sluice::registry
