#pragma once
// What a caller may send: query parameters and JSON bodies, read strictly. Everything here throws
// Error(invalid).

#include "core/clock.hpp"
#include "core/run_id.hpp"
#include "net/server.hpp"
#include "oci/digest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::api {

inline constexpr int most_rows = 1000;
inline constexpr Milliseconds longest_wait{60'000};

class Query {
 public:
  explicit Query(const net::ServerRequest& request) : request_(request) {}
  /// Absent and empty are the same.
  std::optional<std::string> text(std::string_view name);
  /// At least 1; more than most_rows is cut to it.
  int limit(int fallback);
  /// "30s", cut to longest_wait; 0 when absent.
  Milliseconds wait();
  std::int64_t number(std::string_view name);
  std::optional<RunId> run(std::string_view name);
  std::optional<Time> time(std::string_view name);
  /// Name of a run status in its proper case.
  std::optional<std::string> status(std::string_view name);
  /// Throws when a parameter was sent that nobody asked for, with the likely name.
  void done() const;

 private:
  const net::ServerRequest& request_;
  std::vector<std::string> known_;
};

/// The texts of a JSON object whose keys are all in `known`; an empty body counts as {}. Values are in the
/// order of `known`, absent ones nullopt. Nesting, other types, unknown keys and values over 1000 bytes are
/// refused.
std::vector<std::optional<std::string>> read_body(const std::string& body,
                                                  const std::vector<std::string>& known);

/// A run id of a path; not_found would be wrong for what cannot be an id.
RunId read_run_id(const std::string& text);

}  // namespace sluice::api
