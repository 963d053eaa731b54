#include "registry/auth.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/answer.hpp"

#include <algorithm>

namespace sluice::registry {
namespace {

constexpr std::size_t max_slots = 1024;

bool same(const std::optional<Credentials>& left, const std::optional<Credentials>& right) {
  if (left.has_value() != right.has_value()) return false;
  return !left || (left->username == right->username && left->password == right->password);
}

Secret basic(const Credentials& credentials) {
  const Secret pair(credentials.username + ":" + std::string(credentials.password.reveal()));
  return Secret("Basic " + net::base64_encode(pair.reveal()));
}

Secret bearer(const Secret& token) {
  return Secret("Bearer " + std::string(token.reveal()));
}

std::string key_of(const std::string& registry, std::vector<std::string> scopes) {
  std::sort(scopes.begin(), scopes.end());
  std::string key = registry;
  for (const auto& scope : scopes)
    key += ' ' + scope;
  return key;
}

}  // namespace

std::optional<Auth::Learned> Auth::known(const std::string& registry) const {
  const auto found = challenges_.find(registry);
  if (found == challenges_.end()) return std::nullopt;
  return found->second;
}

std::shared_ptr<Auth::Slot> Auth::slot(const Endpoint& endpoint, const std::vector<std::string>& scopes) {
  if (tokens_.size() >= max_slots) drop_old_slots();
  auto& slot = tokens_[key_of(endpoint.registry, scopes)];
  if (!slot || !same(slot->credentials, endpoint.access.credentials)) {
    slot = std::make_shared<Slot>();
    slot->credentials = endpoint.access.credentials;
  }
  return slot;
}

void Auth::drop_old_slots() {
  const Steady now = clock_.steady();
  std::erase_if(tokens_,
                [&](const auto& entry) { return !entry.second->fetching && entry.second->renew_at <= now; });
}

Task<Secret> Auth::authorization(Endpoint endpoint, std::vector<std::string> scopes) {
  const auto learned = known(endpoint.registry);
  if (!learned) co_return Secret();
  if (learned->challenge.scheme == "basic") {
    if (!endpoint.access.credentials) co_return Secret();
    co_return basic(*endpoint.access.credentials);
  }

  const auto slot = this->slot(endpoint, scopes);
  while (slot->fetching) {
    const auto seen = slot->fetched.count();
    co_await slot->fetched.wait_past(seen, clock_, clock_.steady() + std::chrono::minutes(1));
    if (slot->fetched.count() > seen && slot->failure) std::rethrow_exception(slot->failure);
  }
  if (slot->token.empty() || clock_.steady() >= slot->renew_at) {
    auto all = merged_scopes(scopes, slot->demanded);
    co_await renew(slot, std::move(endpoint), std::move(all));
  }
  co_return bearer(slot->token);
}

Task<> Auth::renew(std::shared_ptr<Slot> slot, Endpoint endpoint, std::vector<std::string> scopes) {
  // However this ends, those who wait go on: with the token, with the failure, or (this coroutine was
  // cancelled) by fetching for themselves.
  struct Ending {
    Slot& slot;
    ~Ending() {
      slot.fetching = false;
      slot.fetched.notify();
    }
  };
  slot->fetching = true;
  slot->failure = nullptr;
  slot->token = Secret();
  const Ending ending{*slot};
  try {
    Token token = co_await fetch(std::move(endpoint), std::move(scopes));
    slot->renew_at = clock_.steady() + token.lifetime * 4 / 5;
    slot->token = std::move(token.value);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::cancelled) slot->failure = std::current_exception();
    throw;
  }
}

Task<Token> Auth::fetch(Endpoint endpoint, std::vector<std::string> scopes) {
  const Learned learned = known(endpoint.registry).value_or(Learned{});
  const TokenRequest wanted = token_request(endpoint, learned.challenge, scopes);
  const std::string who = "token service " + printable(wanted.url.authority(), 200);

  net::Request request = request_to(endpoint, wanted.url, learned.at);
  request.headers.add("Accept", "application/json");
  request.headers.add("Accept-Encoding", "identity");
  if (wanted.with_credentials)
    request.headers.add("Authorization", std::string(basic(*endpoint.access.credentials).reveal()));

  const auto response = co_await http_.send(std::move(request));
  const std::string body = co_await response->read_all(max_token_answer);
  const int status = response->status();
  if (status == 200) co_return parse_token(body);

  const Error error = error_from(who, status, response->headers(), body, clock_.now());
  // Whatever else a token service says about the request (bad service, unknown account, a redirect that is
  // not followed) means that we are not let in, and that asking again will not help.
  if (error.kind() == ErrorKind::rate_limited || error.kind() == ErrorKind::unavailable) throw error;
  throw Error(ErrorKind::unauthorized, error.what());
}

bool Auth::refused(const Endpoint& endpoint, const std::vector<std::string>& scopes, const Secret& sent,
                   const Learned& learned) {
  const Challenge& challenge = learned.challenge;
  challenges_[endpoint.registry] = learned;
  if (challenge.scheme == "basic")
    return endpoint.access.credentials && sent != basic(*endpoint.access.credentials);

  const auto slot = this->slot(endpoint, scopes);
  slot->demanded = challenge.get("scope").value_or("");
  // Of many requests that were refused with one token, only the first forgets it.
  if (!slot->token.empty() && sent == bearer(slot->token)) slot->token = Secret();
  return true;
}

}  // namespace sluice::registry
