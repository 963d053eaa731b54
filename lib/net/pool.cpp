#include "net/connection.hpp"

#include <algorithm>

namespace sluice::net {

std::unique_ptr<Connection> Pool::take(const ConnectionKey& key, const Reach& reach, Milliseconds youth) {
  drop_old();
  const Steady oldest = clock_.steady() - youth;
  // The youngest first: it is the least likely to be closed by the peer at this moment.
  for (std::size_t at = idle_.size(); at-- > 0;) {
    if (idle_[at].since < oldest) break;
    if (idle_[at].connection->key != key || !reach.permits(idle_[at].connection->reached_at)) continue;
    auto connection = std::move(idle_[at].connection);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(at));
    if (!connection->stream.is_quiet()) continue;
    connection->reused = true;
    return connection;
  }
  return nullptr;
}

void Pool::give(std::unique_ptr<Connection> connection) {
  drop_old();
  auto same = [&](const Idle& idle) { return idle.connection->key == connection->key; };
  if (per_host_ == 0) return;
  if (static_cast<std::size_t>(std::count_if(idle_.begin(), idle_.end(), same)) >= per_host_)
    idle_.erase(std::find_if(idle_.begin(), idle_.end(), same));
  idle_.push_back({std::move(connection), clock_.steady()});
}

void Pool::drop_old() {
  const Steady oldest = clock_.steady() - lifetime_;
  while (!idle_.empty() && idle_.front().since < oldest)
    idle_.pop_front();
}

}  // namespace sluice::net
