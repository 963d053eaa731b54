#include "store/inspect.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "store/handle.hpp"
#include "store/migrate.hpp"
#include "store/sqlite_error.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

// https://www.sqlite.org/fileformat.html#the_database_header
constexpr std::string_view magic("SQLite format 3\0", 16);
constexpr std::size_t header_size = 100;
constexpr std::size_t write_version_at = 18;
constexpr std::size_t read_version_at = 19;
constexpr std::size_t application_id_at = 68;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::invalid, path.string() + " " + why);
}

[[noreturn]] void damaged(const fs::path& path, const std::string& how) {
  throw Error(ErrorKind::corrupt, "the database " + path.string() + " is damaged: " + how +
                                      "; nothing was changed; " + repair_advice(path.string()));
}

std::string read_header(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) refuse(path, "cannot be read: " + std::generic_category().message(errno));
  std::array<char, header_size> buffer{};
  const auto size = ::pread(file, buffer.data(), buffer.size(), 0);
  const int code = errno;
  ::close(file);
  if (size < 0) refuse(path, "cannot be read: " + std::generic_category().message(code));
  return {buffer.data(), static_cast<std::size_t>(size)};
}

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

bool has_content(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return !error && size > 0;
}

// A log without its database: SQLite would throw it away, and acknowledged changes with it.
void refuse_orphaned_log(const fs::path& path) {
  for (const char* suffix : {"-wal", "-journal"})
    if (has_content(path.string() + suffix))
      damaged(path, "the file is missing or empty, but its log " + path.string() + suffix + " is not");
}

// "file:" URI of a path (https://www.sqlite.org/uri.html): everything that could mean something is escaped.
std::string uri_of(const fs::path& path, std::string_view query) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/";
  std::string uri = "file:";
  for (const char c : path.string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain.find(c) != std::string_view::npos)
      uri += c;
    else
      uri += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return uri.append(query);
}

[[noreturn]] void fail_in_sqlite(sqlite3* db, int code, const fs::path& path) {
  const std::string message = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  // SQLITE_ERROR: a header that asks for a format or an encoding that SQLite does not know.
  const int kind = code & 0xff;
  if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR) damaged(path, message);
  throw sqlite_error(code, message, path.string());
}

// A connection that writes nothing, neither the database nor its log nor the shared memory file beside them.
Handle open_untouched(const fs::path& path) {
  sqlite3* raw = nullptr;
  int code = 0;
  const bool has_log = has_content(path.string() + "-wal");
  if (has_log) {
    // Without locks of its own and in exclusive mode SQLite keeps the index of the log in its own memory
    // (https://www.sqlite.org/wal.html#noshm); the lock file keeps other daemons away meanwhile.
    code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, "unix-none");
  } else {
    // Opened otherwise, SQLite would create an empty log.
    code = sqlite3_open_v2(uri_of(path, "?immutable=1").c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                           nullptr);
  }
  Handle db(raw);
  if (code != SQLITE_OK) fail_in_sqlite(raw, code, path);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  code = sqlite3_exec(raw, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-512; PRAGMA trusted_schema=OFF",
                      nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_in_sqlite(raw, code, path);
  return db;
}

std::string scalar(sqlite3* db, const char* sql, const fs::path& path) {
  std::string value;
  const auto take = [](void* out, int, char** columns, char**) {
    if (columns[0]) *static_cast<std::string*>(out) = columns[0];
    return 0;
  };
  if (const int code = sqlite3_exec(db, sql, take, &value, nullptr); code != SQLITE_OK)
    fail_in_sqlite(db, code, path);
  return value;
}

// How many tables a schema version has; nullopt for one that is not known.
std::optional<int> tables_of(int version) {
  constexpr std::string_view create = "CREATE TABLE ";
  constexpr std::string_view drop = "DROP TABLE ";
  const auto count = [](std::string_view sql, std::string_view word) {
    int found = 0;
    for (auto at = sql.find(word); at != std::string_view::npos; at = sql.find(word, at + 1))
      ++found;
    return found;
  };
  int tables = 0;
  for (const auto& migration : migrations())
    if (migration.version <= version) tables += count(migration.sql, create) - count(migration.sql, drop);
  return version <= migrations().back().version ? std::optional(tables) : std::nullopt;
}

}  // namespace

FileState inspect_header(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    if (!fs::is_directory(path.parent_path(), error))
      refuse(path, "cannot be made: the directory " + path.parent_path().string() +
                       " does not exist or cannot be entered; create it, or correct store.path");
    refuse_orphaned_log(path);
    return FileState::absent;
  }
  if (error) refuse(path, "cannot be read: " + error.message());
  if (status.type() != fs::file_type::regular) refuse(path, "is not a regular file; correct store.path");
  const std::string header = read_header(path);
  if (header.empty()) {
    refuse_orphaned_log(path);
    return FileState::absent;
  }
  const bool whole = header.size() == header_size;
  const bool sqlite = header.starts_with(magic);
  const bool ours =
      whole && big_endian(header, application_id_at) == static_cast<std::uint32_t>(application_id);
  if (sqlite && ours) {
    // 2 is WAL mode, 1 what VACUUM INTO and the recovery of sqlite3 write. SQLite reads but does not write
    // anything else.
    const char version = header[write_version_at];
    if (version != header[read_version_at] || (version != 1 && version != 2))
      damaged(path, "its format version is not one that SQLite writes");
    return FileState::ours;
  }
  if (sqlite && !whole) damaged(path, "it ends within its header");
  if (ours) damaged(path, "its first bytes are not those of an SQLite database");
  if (sqlite)
    refuse(path,
           "is a database of another program; nothing was changed; correct store.path, or if this was the "
           "database of sluice, its header is damaged: restore a backup");
  refuse(path, "is not a database of sluice; nothing was changed; correct store.path");
}

void verify(const fs::path& path, int newest_version) {
  const Handle db = open_untouched(path);
  const std::string version = scalar(db.get(), "PRAGMA user_version", path);
  if (std::stoi(version) > newest_version)
    refuse(path, "has schema version " + version + ", this sluice knows versions up to " +
                     std::to_string(newest_version) +
                     "; nothing was changed; upgrade sluice, or restore a backup that this version made");
  const std::string result = scalar(db.get(), "PRAGMA quick_check(1)", path);
  if (result != "ok") damaged(path, printable(result));
  if (std::stoi(version) < 1) damaged(path, "it has no schema");
  // A version number that was damaged would have it migrated from where it is not.
  const auto expected = tables_of(std::stoi(version));
  const std::string tables = scalar(
      db.get(), "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'", path);
  if (expected && std::stoi(tables) != *expected)
    damaged(path, "its tables are not those of its schema version, " + version);
}

}  // namespace sluice::store
