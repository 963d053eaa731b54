#include "store/query.hpp"

#include "core/text.hpp"
#include "store/sqlite_error.hpp"

namespace sluice::store {
namespace {

// Runs `action`; what SQLite throws becomes an Error.
template <class F>
decltype(auto) guarded(const Connection& db, F action) {
  try {
    return action();
  } catch (const SQLite::Exception& error) {
    throw sqlite_error(error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode(),
                       error.what(), db.path());
  }
}

}  // namespace

Connection::Cached& Query::take(Connection& db, std::string_view sql) {
  db.check_transaction();
  return guarded(db, [&]() -> Connection::Cached& { return db.cached(sql); });
}

Query::Query(Connection& db, Connection::Cached& cached) : db_(db), cached_(cached) {
  if (cached_.in_use)
    throw Error(ErrorKind::internal, "a statement is used again while its rows are being read");
  cached_.in_use = true;
}

Query::~Query() {
  // The code of the last step is given once more by reset; it was reported when it happened.
  cached_.statement.tryReset();
  try {
    cached_.statement.clearBindings();
  } catch (const SQLite::Exception&) {
    // Clearing cannot fail for a valid statement; the values are bound anew before the next use in any case.
  }
  cached_.in_use = false;
}

bool Query::next() {
  column_ = 0;
  return guarded(db_, [&] { return cached_.statement.executeStep(); });
}

int Query::run() {
  while (next()) {
  }
  return db_.changes();
}

void Query::bind(std::int64_t value) {
  guarded(db_, [&] { cached_.statement.bind(++bound_, value); });
}

void Query::bind(const std::string& value) {
  guarded(db_, [&] { cached_.statement.bind(++bound_, value); });
}

void Query::bind_null() {
  guarded(db_, [&] { cached_.statement.bind(++bound_); });
}

bool Query::is_null() {
  return guarded(db_, [&] { return cached_.statement.getColumn(column_).isNull(); });
}

std::int64_t Query::number() {
  return guarded(db_, [&] { return cached_.statement.getColumn(column_++).getInt64(); });
}

std::string Query::text() {
  return guarded(db_, [&] { return cached_.statement.getColumn(column_++).getString(); });
}

Time Query::time() {
  return Time(std::chrono::microseconds(number()));
}

std::optional<Time> Query::maybe_time() {
  if (!is_null()) return time();
  ++column_;
  return std::nullopt;
}

std::optional<RunId> Query::maybe_run_id() {
  if (!is_null()) return run_id();
  ++column_;
  return std::nullopt;
}

oci::Digest Query::digest() {
  const std::string value = text();
  if (auto parsed = oci::Digest::parse(value)) return *std::move(parsed);
  throw Error(ErrorKind::corrupt, "the database " + db_.path() + " holds '" + printable(value, 100) +
                                      "' where a digest must be; " + repair_advice(db_.path()));
}

std::optional<oci::Digest> Query::maybe_digest() {
  if (!is_null()) return digest();
  ++column_;
  return std::nullopt;
}

}  // namespace sluice::store
