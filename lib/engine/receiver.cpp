#include "engine/receiver.hpp"

#include "core/text.hpp"
#include "engine/hook_answer.hpp"
#include "engine/rebuilds.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

using nlohmann::json;

constexpr std::string_view root = "/hooks/";
constexpr auto between_logs = std::chrono::minutes(1);
constexpr auto retry_store = std::chrono::seconds(10);
constexpr std::size_t longest_delivery = 200;

// What makes a delivery the same one again.
std::string delivery_key(const watch::Parsed& parsed, const std::string& body) {
  if (parsed.id.empty()) return "body:" + net::hex_encode(net::hash_of(net::Hash::sha256, body));
  const bool plain =
      std::all_of(parsed.id.begin(), parsed.id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (plain && parsed.id.size() <= longest_delivery) return "id:" + parsed.id;
  return "hash:" + net::hex_encode(net::hash_of(net::Hash::sha256, parsed.id));
}

std::string why_ignored(const watch::Parsed& parsed, const HookMatch& match) {
  if (!match.unknown.empty()) return "no pipeline watches " + printable(match.unknown.front(), 200);
  if (!match.unbuilt.empty()) return "no dependent is built from " + printable(match.unbuilt, 300);
  return parsed.note.empty() ? "no pipeline watches this tag" : printable(parsed.note, 200);
}

}  // namespace

struct Receiver::Call {
  net::ServerRequest request;
  std::shared_ptr<const config::Config> config;  // keeps `hook` alive through a reload
  const watch::Hook* hook = nullptr;             // null: there is no such name
  std::string name;
  std::string token;
  std::optional<Address> source;
};

Receiver::Receiver(World world, Poller& poller, Signal& new_jobs, Signal& changes)
    : world_(world),
      poller_(poller),
      new_jobs_(new_jobs),
      changes_(changes),
      documents_(world.http, world.clock) {}

void Receiver::configure(std::shared_ptr<const config::Config> config) {
  config_ = std::move(config);
  index_ = std::make_unique<HookIndex>(*config_);
  const auto rate = static_cast<double>(config_->webhook_server.rate);
  addresses_.change({.per_second = rate, .burst = rate * 10});
  for (const auto& webhook : config_->webhooks) {
    const auto& hook = watch::hook_of(webhook);
    statuses_[webhook.name].sender = hook.sender->name;
    rates_.try_emplace(webhook.name, hook.rate, 1).first->second.change(hook.rate);
  }
  std::erase_if(statuses_, [&](const auto& entry) { return config_->webhook(entry.first) == nullptr; });
  std::erase_if(rates_, [&](const auto& entry) { return config_->webhook(entry.first) == nullptr; });
  std::erase_if(quiet_, [&](const auto& entry) { return config_->webhook(entry.first) == nullptr; });
}

Task<net::ServerResponse> Receiver::answer(net::ServerRequest request) {
  if (!request.path.starts_with(root)) co_return nothing_here();
  if (request.method != "POST" && request.method != "OPTIONS") {
    auto response = error_of(405, "invalid", "webhooks are sent by POST");
    response.headers.set("Allow", "POST");
    co_return response;
  }
  Call call{.request = std::move(request), .config = config_, .name = {}, .token = {}, .source = {}};
  const auto rest = call.request.path.substr(root.size());
  const auto slash = rest.find('/');
  call.name = rest.substr(0, slash);
  call.token =
      slash == std::string::npos ? call.request.parameter("token").value_or("") : rest.substr(slash + 1);
  call.source = source_of(call.request.peer, call.request.headers.all("X-Forwarded-For"),
                          config_->webhook_server.trusted_proxies);
  if (const auto* webhook = config_->webhook(call.name)) call.hook = &watch::hook_of(*webhook);
  const auto key = call.source ? rate_key(*call.source) : call.request.peer;
  if (const auto wait = addresses_.take(key, world_.clock.steady()))
    co_return closing(later(429, "rate_limited", "too many requests from this address", *wait));
  const auto name = call.hook ? call.name : std::string("that is not configured");
  std::optional<Error> failure;
  try {
    co_return co_await receive(std::move(call));
  } catch (...) {
    failure = current_error();
  }
  if (failure->kind() == ErrorKind::cancelled) throw *failure;
  // The address may hold a secret, so this must not be logged by the server, with its path.
  spdlog::error("webhook {}: {}", name, printable(failure->what(), 300));
  co_return error_of(500, "internal", "an unexpected error; the log of sluice tells more");
}

Task<net::ServerResponse> Receiver::receive(Call call) {
  std::optional<watch::Verdict> verdict;
  std::optional<Error> failure;
  try {
    verdict = co_await prove(call);
  } catch (const Error& error) {
    failure = error;
  }
  if (failure) {
    if (failure->kind() == ErrorKind::cancelled) throw *failure;
    co_return refuse(call, "not checkable", failure->what(),
                     later(503, "unavailable", "the signature cannot be checked now", retry_store));
  }
  if (verdict->result == watch::Verdict::Result::stale)
    co_return refuse(call, "too old", verdict->why, error_of(400, "invalid", verdict->why));
  if (verdict->result != watch::Verdict::Result::good)
    co_return refuse(call, "not proven", verdict->why, nothing_here());
  // From here on it is the sender, who may know what is wrong.
  if (const auto rate = rates_.find(call.name); rate != rates_.end())
    if (const auto wait = rate->second.take("", world_.clock.steady()))
      co_return refuse(
          call, "too many", "too many deliveries",
          later(429, "rate_limited", "too many deliveries; the webhook's 'rate' can be raised", *wait));
  if (call.request.method == "OPTIONS") {
    if (!call.hook->sender->handshake) co_return error_of(405, "invalid", "webhooks are sent by POST");
    co_return handshake(call.request);
  }
  co_return co_await understand(std::move(call));
}

Task<net::ServerResponse> Receiver::understand(Call call) {
  if (!is_readable(call.request.headers))
    co_return refuse(call, "not understood", "wrong Content-Type",
                     error_of(415, "invalid", "the Content-Type must be JSON"));
  watch::Parsed parsed;
  std::optional<Error> failure;
  try {
    parsed = call.hook->sender->parse({call.request.headers, call.request.body}, call.hook->reading);
  } catch (const Error& error) {
    failure = error;
  }
  if (failure)
    co_return refuse(call, "not understood", failure->what(),
                     error_of(400, "invalid", printable(failure->what(), 300)));
  co_return co_await take(std::move(call), std::move(parsed));
}

Task<watch::Verdict> Receiver::prove(const Call& call) {
  watch::Verdict verdict;
  if (!call.hook) {
    watch::pretend_check(call.request.body);
    verdict.why = "no such webhook";
    co_return verdict;
  }
  const watch::Attempt attempt{
      .headers = call.request.headers, .body = call.request.body, .token = call.token, .source = call.source};
  watch::Documents documents;
  const auto now = world_.clock.now();
  verdict = watch::check(*call.hook, attempt, now, documents);
  // Each proof wants one document at most, and two may be configured.
  for (int i = 0; i < 2 && verdict.result == watch::Verdict::Result::wanting; ++i) {
    const bool configured = call.hook->oidc && verdict.wants == call.hook->oidc->keys_url;
    documents[verdict.wants] = co_await documents_.get(verdict.wants, configured);
    verdict = watch::check(*call.hook, attempt, now, documents);
  }
  // Whether a name exists must not show in the time that a large body takes.
  if (verdict.result == watch::Verdict::Result::refused && !watch::hashes_body(*call.hook))
    watch::pretend_check(call.request.body);
  co_return verdict;
}

Task<net::ServerResponse> Receiver::take(Call call, watch::Parsed parsed) {
  std::optional<Error> failure;
  bool fresh = true;
  const auto match = fit_to_watches(index_->match(parsed));
  try {
    if (!parsed.confirm.empty() && !call.hook->topics.empty()) co_await documents_.touch(parsed.confirm);
    if (!match.empty()) fresh = co_await write_receipt(call, parsed, match);
  } catch (...) {
    failure = current_error();
  }
  if (failure) {
    if (failure->kind() == ErrorKind::cancelled) throw *failure;
    co_return refuse(
        call, "not kept", failure->what(),
        later(503, "unavailable", "the delivery cannot be kept now; send it again", retry_store));
  }
  count(call, match, fresh);
  json body{{"result", "accepted"}, {"pipelines", match.pipelines.size()}};
  if (!parsed.pushes.empty()) body["dependents"] = match.dependents.size();
  if (!fresh) {
    body["result"] = "duplicate";
  } else if (match.empty()) {
    body["result"] = "ignored";
    body["reason"] = why_ignored(parsed, match);
  }
  auto response = answer_of(200, body);
  if (!parsed.reply.empty()) response.body = parsed.reply;
  co_return response;
}

// Of a set, each member that may be meant is looked at; a tag that it would take and does not watch yet has
// its list looked at.
HookMatch Receiver::fit_to_watches(HookMatch match) const {
  std::set<std::string> watched;
  for (const auto& [set, members] : match.members)
    for (auto& key : poller_.members(set))
      if (members.have(std::string(config::split_key(key)->tag))) watched.insert(std::move(key));
  for (const auto& pipeline : match.pipelines)
    if (auto watch = poller_.watch_for(pipeline)) watched.insert(std::move(*watch));
  match.pipelines = std::move(watched);
  return match;
}

// A reload may have taken the webhook away meanwhile.
void Receiver::count(const Call& call, const HookMatch& match, bool fresh) {
  const auto found = statuses_.find(call.name);
  if (found == statuses_.end()) return;
  auto& status = found->second;
  status.last = world_.clock.now();
  status.unknown_repositories += match.unknown_count;
  if (!match.unknown.empty()) status.last_unknown = printable(match.unknown.front(), 200);
  ++(!fresh ? status.duplicates : match.empty() ? status.ignored : status.accepted);
}

// So a flood leaves no rows, and what it would say twice is said once.
bool Receiver::is_promised(const HookMatch& match) const {
  return match.dependents.empty() &&
         std::all_of(match.pipelines.begin(), match.pipelines.end(),
                     [&](const std::string& name) { return poller_.is_owed(name); });
}

// False when the delivery is known, or promises nothing that is not promised already.
Task<bool> Receiver::write_receipt(const Call& call, const watch::Parsed& parsed, const HookMatch& match) {
  if (is_promised(match)) co_return false;
  const bool once = !parsed.id.empty() || parsed.body_is_unique;
  const store::Receipt receipt{.hook = call.name,
                               .delivery = delivery_key(parsed, call.request.body),
                               .received = world_.clock.now(),
                               .matched = static_cast<int>(match.pipelines.size() + match.dependents.size())};
  auto change = [receipt, once, pipelines = match.pipelines, dependents = match.dependents,
                 config = call.config, instance = world_.store.instance()](store::Tables& tables) {
    const auto number = tables.webhooks.accept(receipt, once);
    if (!number) return number;
    for (const auto& pipeline : pipelines)
      tables.webhooks.owe(
          {.pipeline = pipeline, .receipt = *number, .hook = receipt.hook, .since = receipt.received});
    for (const auto& name : dependents)
      if (const auto* dependent = config->dependent(name))
        rebuild_for_commit(tables, *config, *dependent, instance, receipt.received);
    return number;
  };
  const auto number = co_await world_.store.write(std::move(change));
  if (!number) co_return false;
  for (const auto& pipeline : match.pipelines)
    poller_.owe(pipeline, *number, receipt.received);
  if (!match.dependents.empty()) {
    new_jobs_.notify();
    changes_.notify();
  }
  co_return true;
}

net::ServerResponse Receiver::refuse(const Call& call, const std::string& reason, const std::string& why,
                                     net::ServerResponse response) {
  if (const auto status = statuses_.find(call.name); status != statuses_.end()) {
    ++status->second.refused[reason];
    status->second.last_refused = world_.clock.now();
  }
  log_refusal(call, why);
  return response;
}

void Receiver::log_refusal(const Call& call, const std::string& why) {
  auto& quiet = quiet_[call.hook ? call.name : std::string()];
  const auto now = world_.clock.steady();
  if (quiet.logged && now - *quiet.logged < between_logs) {
    ++quiet.silent;
    return;
  }
  quiet.logged = now;
  const auto more =
      quiet.silent == 0 ? std::string() : fmt::format(" ({} more since the last such line)", quiet.silent);
  quiet.silent = 0;
  const auto from = printable(call.request.peer, 60);
  if (call.hook)
    spdlog::warn("webhook {}: refused a delivery from {}: {}{}", call.name, from, printable(why, 300), more);
  else
    spdlog::warn("webhooks: refused a delivery from {} to a name that is not configured{}", from, more);
}

}  // namespace sluice::engine
