#include "store/backup.hpp"

#include "core/error.hpp"
#include "store/connection.hpp"
#include "store/durable_file.hpp"
#include "store/handle.hpp"
#include "store/inspect.hpp"
#include "store/migrate.hpp"
#include "store/sqlite_error.hpp"

#include <memory>
#include <sqlite3.h>
#include <string>
#include <system_error>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

constexpr int pages_per_step = 256;

[[noreturn]] void refuse_target(const fs::path& target, const std::string& why) {
  throw Error(ErrorKind::invalid, "the backup cannot be written to " + target.string() + ": " + why);
}

void check_target(const fs::path& source, const fs::path& target) {
  std::error_code ignored;
  if (fs::equivalent(source, target, ignored)) refuse_target(target, "it is the database itself");
  if (fs::file_size(target.string() + "-wal", ignored) > 0 && !ignored)
    refuse_target(target,
                  "a database in use is there (" + target.string() + "-wal exists); choose another name");
  try {
    inspect_header(target);
  } catch (const Error& error) {
    refuse_target(target, std::string("another file is there (") + error.what() + "); choose another name");
  }
}

void copy_pages(sqlite3* from, sqlite3* to, const fs::path& part, const std::atomic<bool>& stop) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  int code = backup ? SQLITE_OK : sqlite3_errcode(to);
  while (code == SQLITE_OK && !stop)
    code = sqlite3_backup_step(backup, pages_per_step);
  if (backup) sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return;
  if (code == SQLITE_OK) throw Error(ErrorKind::cancelled, "the backup was stopped");
  throw sqlite_error(code, sqlite3_errstr(code), part.string());
}

void copy_to(const fs::path& source, const fs::path& part, const std::atomic<bool>& stop) {
  Connection from(source, Connection::Access::read);
  sqlite3* raw = nullptr;
  // The name is new and ours: a link that somebody put there meanwhile is not followed.
  const int code = sqlite3_open_v2(
      part.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  const Handle to(raw);
  if (code != SQLITE_OK) throw sqlite_error(code, sqlite3_errstr(code), part.string());
  // A read transaction over all steps: the copy is of one instant, writers go on, and their commits do not
  // start it anew.
  from.execute("BEGIN");
  from.scalar("SELECT id FROM instance");
  copy_pages(from.handle(), to.get(), part, stop);
  from.execute("COMMIT");
}

}  // namespace

void copy_database(const fs::path& source, const fs::path& target, const std::atomic<bool>& stop) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(fs::absolute(target), error);
  if (error) refuse_target(target, error.message());
  check_target(source, resolved);
  const fs::path part = resolved.string() + ".partial";
  remove_unfinished(part);
  try {
    copy_to(source, part, stop);
    verify(part, migrations().back().version);
    publish(part, resolved);
  } catch (...) {
    remove_unfinished(part);
    throw;
  }
}

}  // namespace sluice::store
