#include "store/open.hpp"

#include "core/error.hpp"
#include "store/durable_file.hpp"
#include "store/inspect.hpp"
#include "store/migrate.hpp"
#include "store/query.hpp"
#include "store/sqlite_error.hpp"

#include <utility>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

// Links are resolved, so that the lock, the log and the new file are all beside the real one.
fs::path resolve(const fs::path& path) {
  if (path.empty()) throw Error(ErrorKind::invalid, "the path of the database is empty; set store.path");
  std::error_code error;
  auto resolved = fs::weakly_canonical(fs::absolute(path), error);
  if (error)
    throw Error(ErrorKind::invalid,
                "the path of the database, " + path.string() + ", cannot be used: " + error.message());
  return resolved;
}

void require_directory(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path.parent_path(), error))
    throw Error(ErrorKind::invalid, "the directory " + path.parent_path().string() +
                                        " of the database does not exist" +
                                        (error ? " or cannot be entered (" + error.message() + ")" : "") +
                                        "; create it, or correct store.path");
}

// Under another name first: whoever sees the database sees it with its schema and its id.
void create(const fs::path& path, const std::string& instance) {
  if (instance.empty())
    throw Error(ErrorKind::internal, "a new database needs an instance id: StoreOptions::new_instance");
  const fs::path unfinished = path.string() + ".new";
  remove_unfinished(unfinished);
  try {
    Connection db(unfinished, Connection::Access::create);
    db.execute("PRAGMA application_id=" + std::to_string(application_id));
    migrate(db, migrations());
    Query(db, "INSERT INTO instance (id) VALUES (?1)", instance).run();
  } catch (Error& error) {
    remove_unfinished(unfinished);
    throw error.within("creating the database " + path.string());
  }
  // The last connection is closed: all is in the one file, the log is gone.
  publish(unfinished, path);
}

// A header that names an earlier version than the schema has (a flipped bit) shows here at the latest: what a
// migration makes is there already. It was undone as a whole.
void bring_up_to_date(Connection& db) {
  try {
    migrate(db, migrations());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::internal) throw;
    throw Error(ErrorKind::corrupt, "the schema of the database is not that of the version in its header: " +
                                        std::string(error.what()) + "; " + repair_advice(db.path()));
  }
}

}  // namespace

Opened open_database(const fs::path& requested, const std::string& new_instance) {
  Opened opened;
  opened.path = resolve(requested);
  require_directory(opened.path);
  opened.lock = std::make_unique<Lock>(opened.path);
  if (inspect_header(opened.path) == FileState::absent)
    create(opened.path, new_instance);
  else
    verify(opened.path, migrations().back().version);
  opened.writer = std::make_unique<Connection>(opened.path, Connection::Access::write);
  bring_up_to_date(*opened.writer);
  opened.instance = opened.writer->scalar("SELECT id FROM instance");
  if (opened.instance.empty())
    throw Error(ErrorKind::corrupt, "the database " + opened.path.string() + " has lost its id; " +
                                        repair_advice(opened.path.string()));
  return opened;
}

}  // namespace sluice::store
