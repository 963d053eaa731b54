#include "registry/auth.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/token_service.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace sluice::registry {
namespace {

constexpr std::size_t max_slots = 1024;
/// How long a token service that failed is left alone while there is a token.
constexpr std::chrono::seconds failure_pause{10};

Secret bearer(const Secret& token) {
  return Secret("Bearer " + std::string(token.reveal()));
}

bool has_basic(const Endpoint& endpoint) {
  return endpoint.access.credentials && endpoint.access.credentials->has_basic();
}

bool has_registry_token(const Endpoint& endpoint) {
  return endpoint.access.credentials && !endpoint.access.credentials->registry_token.empty();
}

std::vector<std::string> words_of(const std::string& text) {
  return merged_scopes({}, text);
}

std::string joined_scopes(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string scopes_key(const std::string& registry, std::vector<std::string> scopes) {
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
  auto& slot = tokens_[scopes_key(endpoint.registry, scopes)];
  if (!slot || slot->credentials != endpoint.access.credentials) {
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
    if (!has_basic(endpoint)) co_return Secret();
    co_return endpoint.access.credentials->basic();
  }
  if (has_registry_token(endpoint)) co_return bearer(endpoint.access.credentials->registry_token);

  const auto slot = this->slot(endpoint, scopes);
  while (slot->fetching) {
    if (!slot->token.empty() && clock_.steady() < slot->ends_at) co_return bearer(slot->token);
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
  const Ending ending{*slot};
  try {
    Token token = co_await fetch(std::move(endpoint), std::move(scopes));
    const Steady now = clock_.steady();
    slot->renew_at = now + token.lifetime * 4 / 5;
    slot->ends_at = now + token.lifetime;
    slot->token = std::move(token.value);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    const Steady now = clock_.steady();
    const bool still_good = is_transient(error.kind()) && !slot->token.empty() && now < slot->ends_at;
    if (!still_good) {
      slot->token = Secret();
      slot->failure = std::current_exception();
      throw;
    }
    slot->renew_at = std::min(now + failure_pause, slot->ends_at);
    spdlog::warn("a token could not be renewed, the one before is still good: {}", error.what());
  }
}

Task<Token> Auth::fetch(Endpoint endpoint, std::vector<std::string> scopes) {
  Learned learned = known(endpoint.registry).value_or(Learned{});
  Secret refresh = refresh_token(endpoint);
  Token token = co_await fetch_token(http_, clock_, endpoint, std::move(learned.challenge), learned.at,
                                     std::move(scopes), std::move(refresh));
  keep_refresh_token(endpoint, token);
  co_return token;
}

Secret Auth::refresh_token(const Endpoint& endpoint) {
  const auto found = refresh_tokens_.find(endpoint.registry);
  const bool ours =
      found != refresh_tokens_.end() && found->second.credentials == endpoint.access.credentials;
  return ours ? found->second.token : Secret();
}

void Auth::keep_refresh_token(const Endpoint& endpoint, const Token& token) {
  // Not for anonymous people, nor where the credentials are such a token already.
  const auto& credentials = endpoint.access.credentials;
  if (!credentials || !credentials->identity_token.empty()) return;
  if (refresh_tokens_.size() >= max_slots) refresh_tokens_.clear();
  if (!token.refresh_token.empty())
    refresh_tokens_[endpoint.registry] = {credentials, token.refresh_token};
  else if (!token.by_refresh_token)
    refresh_tokens_.erase(endpoint.registry);  // the one before, if any, was refused
}

bool Auth::refused(const Endpoint& endpoint, const std::vector<std::string>& scopes, const Secret& sent,
                   const Learned& learned) {
  const Challenge& challenge = learned.challenge;
  challenges_[endpoint.registry] = learned;
  if (challenge.scheme == "basic") return has_basic(endpoint) && sent != endpoint.access.credentials->basic();
  if (has_registry_token(endpoint)) return sent != bearer(endpoint.access.credentials->registry_token);

  const auto slot = this->slot(endpoint, scopes);
  slot->demanded =
      joined_scopes(merged_scopes(words_of(slot->demanded), challenge.get("scope").value_or("")));
  // Of many requests that were refused with one token, only the first forgets it.
  if (!slot->token.empty() && sent == bearer(slot->token)) slot->token = Secret();
  return true;
}

}  // namespace sluice::registry
