#pragma once
// Whether a request comes from whom it should. Pure; comparisons take the same time for every wrong value.

#include "watch/hook.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::watch {

struct Attempt {
  const net::Headers& headers;
  std::string_view body;
  std::string token;              // from the address
  std::optional<Address> source;  // behind trusted proxies
};

struct Verdict {
  enum class Result {
    good,
    refused,  // answered as if there were no such webhook
    stale,    // proven, but too old: the sender is told
    wanting,  // cannot be told without the document at `wants`
  };
  Result result = Result::refused;
  std::string why;  // for our own log and counters
  std::string wants;
};

/// Documents by address, as the caller got them.
using Documents = std::map<std::string, std::string>;

/// Every proof that is configured must hold.
Verdict check(const Hook& hook, const Attempt& attempt, Time now, const Documents& documents);

/// Whether a check of this webhook hashes the body.
bool hashes_body(const Hook& hook);

/// As much work as a check of a body of this size, for names that do not exist.
void pretend_check(std::string_view body);

}  // namespace sluice::watch
