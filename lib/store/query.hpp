#pragma once
// One use of a cached statement: bind, step, read columns in order. Private to the room.

#include "core/clock.hpp"
#include "core/run_id.hpp"
#include "oci/digest.hpp"
#include "store/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

class Query {
 public:
  /// Binds `values` to ?1, ?2, ...; every error is an Error as sqlite_error() makes it.
  template <class... Values>
  Query(Connection& db, std::string_view sql, const Values&... values) : Query(db, take(db, sql)) {
    (bind(values), ...);
  }
  /// Gives the statement back to the cache; bound values are freed.
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  /// Binds the next parameter, after those of the constructor.
  void bind(std::int64_t value);
  void bind(int value) { bind(static_cast<std::int64_t>(value)); }
  void bind(const std::string& value);
  void bind(const char* value) { bind(std::string(value)); }
  void bind(Time value) { bind(static_cast<std::int64_t>(value.time_since_epoch().count())); }
  void bind(RunId value) { bind(value.number()); }
  void bind(const oci::Digest& value) { bind(value.text()); }
  template <class T>
  void bind(const std::optional<T>& value) {
    if (value)
      bind(*value);
    else
      bind_null();
  }

  /// Goes to the next row; false at the end. Columns are then read from the first on.
  bool next();
  /// Runs a statement that gives no rows; how many it changed.
  int run();

  // Each reads the next column of the row. A value that has not the form that was written is Error(corrupt).
  std::int64_t number();
  int small() { return static_cast<int>(number()); }
  std::string text();
  Time time();
  std::optional<Time> maybe_time();
  RunId run_id() { return RunId(number()); }
  std::optional<RunId> maybe_run_id();
  oci::Digest digest();
  std::optional<oci::Digest> maybe_digest();

 private:
  Query(Connection& db, Connection::Cached& cached);
  static Connection::Cached& take(Connection& db, std::string_view sql);

  void bind_null();
  bool is_null();

  Connection& db_;
  Connection::Cached& cached_;
  int bound_ = 0;
  int column_ = 0;
};

/// All rows of a query, each made by `row(query)`.
template <class Row>
auto all(Query& query, Row row) {
  std::vector<decltype(row(query))> rows;
  while (query.next())
    rows.push_back(row(query));
  return rows;
}

/// The first row of a query, if there is one.
template <class Row>
auto first(Query& query, Row row) {
  std::optional<decltype(row(query))> result;
  if (query.next()) result.emplace(row(query));
  return result;
}

/// SQLite reads a negative limit as none; ours gives nothing.
inline std::int64_t limited(int limit) {
  return limit < 0 ? 0 : limit;
}

}  // namespace sluice::store
