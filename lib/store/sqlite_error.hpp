#pragma once
// The one place that turns SQLite's result codes into the program's errors.

#include "core/error.hpp"

#include <string>

namespace sluice::store {

/// `code` is an extended result code (https://www.sqlite.org/rescode.html), `message` SQLite's own text,
/// `path` the database. Constraint and misuse are internal; corrupt and not-a-database are corrupt; what the
/// disk, a lock or a permission did is unavailable.
Error sqlite_error(int code, const std::string& message, const std::string& path);

/// What a person can do about a damaged database.
std::string repair_advice(const std::string& path);

}  // namespace sluice::store
