#pragma once
// Receives webhooks: proves the sender, reads what was pushed, makes the receipt durable, and has the
// upstream looked at. Event-loop thread only.

#include "engine/documents.hpp"
#include "engine/engine.hpp"
#include "engine/hook_match.hpp"
#include "engine/poller.hpp"
#include "net/server.hpp"
#include "watch/hook.hpp"
#include "watch/proof.hpp"
#include "watch/rate_limit.hpp"

#include <map>
#include <memory>
#include <string>

namespace sluice::engine {

class Receiver {
 public:
  /// The signals are given when a push started rebuilds.
  Receiver(World world, Poller& poller, Signal& new_jobs, Signal& changes);
  void configure(std::shared_ptr<const config::Config> config);
  /// Answers every request and throws nothing but cancellation. Whoever does not know the secret learns
  /// nothing: a wrong secret, a wrong source and a name that does not exist are answered alike.
  Task<net::ServerResponse> answer(net::ServerRequest request);
  const std::map<std::string, HookStatus>& statuses() const { return statuses_; }

 private:
  struct Call;
  Task<net::ServerResponse> receive(Call call);
  Task<watch::Verdict> prove(const Call& call);
  Task<net::ServerResponse> understand(Call call);
  Task<net::ServerResponse> take(Call call, watch::Parsed parsed);
  HookMatch fit_to_watches(HookMatch match) const;
  void count(const Call& call, const HookMatch& match, bool fresh);
  bool is_promised(const HookMatch& match) const;
  Task<bool> write_receipt(const Call& call, const watch::Parsed& parsed, const HookMatch& match);
  net::ServerResponse refuse(const Call& call, const std::string& reason, const std::string& why,
                             net::ServerResponse response);
  void log_refusal(const Call& call, const std::string& why);

  World world_;
  Poller& poller_;
  Signal& new_jobs_;
  Signal& changes_;
  Documents documents_;
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<HookIndex> index_;
  std::map<std::string, HookStatus> statuses_;
  std::map<std::string, watch::RateLimit> rates_;  // of each webhook
  watch::RateLimit addresses_{{}};
  struct Quiet {
    std::optional<Steady> logged;
    std::uint64_t silent = 0;
  };
  std::map<std::string, Quiet> quiet_;  // by webhook; "" for names that do not exist
};

}  // namespace sluice::engine
