#include "registry/credential_cache.hpp"

#include "core/error.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace sluice::registry {
namespace {

constexpr std::size_t max_entries = 1024;

}  // namespace

std::shared_ptr<CredentialCache::Entry> CredentialCache::entry(const std::string& key) {
  if (entries_.size() >= max_entries && !entries_.contains(key))
    std::erase_if(entries_, [](const auto& each) { return !each.second->fetching; });
  auto& entry = entries_[key];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

Task<std::optional<Credentials>> CredentialCache::get(std::string key, Fetch fetch) {
  const auto entry = this->entry(key);
  while (entry->fetching) {
    if (entry->fetched_at && clock_.steady() < entry->valid_until) co_return entry->credentials;
    const auto seen = entry->fetched.count();
    co_await entry->fetched.wait_past(seen, clock_, clock_.steady() + std::chrono::minutes(1));
  }
  const Steady now = clock_.steady();
  const bool valid = entry->fetched_at && now < entry->valid_until;
  const bool waits = entry->failure && now < entry->failed_until;
  if (waits && !valid) std::rethrow_exception(entry->failure);
  if (waits || (entry->fetched_at && now < entry->fresh_until)) co_return entry->credentials;
  co_await renew(entry, std::move(fetch));
  co_return entry->credentials;
}

Task<> CredentialCache::renew(std::shared_ptr<Entry> entry, Fetch fetch) {
  // However this ends, those who wait go on: with the credentials, with the failure, or (this coroutine was
  // cancelled) by fetching for themselves.
  struct Ending {
    Entry& entry;
    ~Ending() {
      entry.fetching = false;
      entry.fetched.notify();
    }
  };
  entry->fetching = true;
  entry->failure = nullptr;
  const Ending ending{*entry};
  try {
    Found found = co_await fetch();
    const Steady now = clock_.steady();
    entry->fetched_at = now;
    entry->fresh_until = now + found.fresh;
    entry->valid_until = now + std::max(found.fresh, found.valid);
    entry->credentials = std::move(found.credentials);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    const Steady now = clock_.steady();
    entry->failure = std::current_exception();
    entry->failed_until = now + std::max(failure_pause, error.retry_after().value_or(Milliseconds{0}));
    if (!entry->fetched_at || now >= entry->valid_until) throw;
    spdlog::warn("credentials could not be renewed, the ones before are still good: {}", error.what());
  }
}

void CredentialCache::forget(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second->fetched_at) return;
  auto& entry = *found->second;
  const Steady now = clock_.steady();
  if (now - *entry.fetched_at < refusal_pause) return;
  entry.fresh_until = now;
  entry.valid_until = now;
}

}  // namespace sluice::registry
