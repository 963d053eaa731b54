// B1: a disk that takes no more. A limit on the size of files stands for it: writing beyond it fails in the
// kernel as a full disk does.
#include "store/connection.hpp"
#include "store/writer.hpp"
#include "support.hpp"

#include <csignal>
#include <future>
#include <sys/resource.h>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

void set_largest_file(rlim_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  // Writing beyond the limit answers EFBIG instead of ending the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

std::optional<Error> add(Store& store, std::size_t bytes) {
  try {
    write(store, [bytes](Tables& tables) {
      const auto run = tables.runs.insert(pipeline_run("node"));
      tables.log.append(run, at(1), "stage", std::string(bytes, 'x'));
      tables.jobs.enqueue(run, "stage", 0, at(1), at(1));
    });
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

TEST_CASE(
    "B1: a disk without room refuses the change, keeps no half of it, says why, and goes on when there is "
    "room") {
  const TemporaryDirectory directory;
  // Each number is the place where the child found something wrong; assertions do not reach the parent.
  const int status = in_child([&] {
    auto store = open_store(directory.database());
    int kept = 0;
    while (kept < 10)
      if (!add(*store, 1000)) ++kept;
    set_largest_file(200'000);
    std::optional<Error> error;
    while (!(error = add(*store, 20'000)))
      ++kept;
    if (error->kind() != ErrorKind::unavailable) return 1;
    if (store->trouble() != error->what()) return 2;
    if (!add(*store, 200'000)) return 3;
    const auto jobs = read(*store, [](Tables& tables) { return tables.jobs.count(); });
    if (jobs != kept) return 4;
    set_largest_file(RLIM_INFINITY);
    if (add(*store, 200'000)) return 5;
    if (!store->trouble().empty()) return 6;
    const auto runs = read(*store, [](Tables& tables) { return tables.runs.list({.limit = 10'000}); });
    return static_cast<int>(runs.size()) == kept + 1 ? 0 : 7;
  });
  CHECK(status == 0);
  // The parent opens what the child left: whole.
  auto store = open_store(directory.database());
  CHECK(read(*store, [](Tables& tables) { return tables.runs.list({.limit = 1}); }).size() == 1);
}

TEST_CASE(
    "B1: after a refusal the log is put back into the database first, which may be all the room that is "
    "needed") {
  const TemporaryDirectory directory;
  const int status = in_child([&] {
    auto store = open_store(directory.database());
    set_largest_file(400'000);
    int refused = 0;
    for (int i = 0; i < 200 && refused == 0; ++i) {
      // Writing the same row again grows the log, not the database.
      try {
        write(*store, [i](Tables& tables) {
          tables.holds.lift("node");
          tables.holds.set(
              {.pipeline = "node", .reason = std::string(20'000, 'x'), .by = "ann", .since = at(i)});
        });
      } catch (const Error&) {
        ++refused;
      }
    }
    if (refused == 0) return 1;
    // No one made room, and yet it goes on.
    return add(*store, 1000) ? 2 : 0;
  });
  CHECK(status == 0);
}

// Pieces of work that the writer meets as one group, and how each ended.
std::vector<std::exception_ptr> run_as_one_group(Writer& writer,
                                                 std::vector<std::function<void(Tables&)>> works) {
  std::promise<void> all_handed_over;
  writer.submit(
      {[ready = all_handed_over.get_future().share()](Tables&) { ready.wait(); }, [](std::exception_ptr) {}});
  std::vector<std::promise<void>> ends(works.size());
  for (std::size_t i = 0; i < works.size(); ++i)
    writer.submit({std::move(works[i]), [&end = ends[i]](std::exception_ptr error) {
                     if (error)
                       end.set_exception(std::move(error));
                     else
                       end.set_value();
                   }});
  all_handed_over.set_value();
  std::vector<std::exception_ptr> errors;
  for (auto& end : ends) {
    try {
      end.get_future().get();
      errors.push_back(nullptr);
    } catch (...) {
      errors.push_back(std::current_exception());
    }
  }
  return errors;
}

TEST_CASE(
    "B1: when SQLite gives up a transaction nothing of its group is kept, even if a piece ignores the "
    "error") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  auto connection = std::make_unique<Connection>(directory.database(), Connection::Access::write);
  // As if the disk had room for a few more pages only: SQLite answers SQLITE_FULL and ends the transaction.
  const auto pages = std::stoi(connection->scalar("PRAGMA page_count"));
  connection->scalar("PRAGMA max_page_count=" + std::to_string(pages + 5));
  auto* const handle = connection.get();
  const bool goes_on = GENERATE(true, false);
  Writer writer(std::move(connection));
  const auto hold = [](const char* pipeline, std::size_t size) {
    return Hold{.pipeline = pipeline, .reason = std::string(size, 'x'), .by = "ann"};
  };
  const auto errors = run_as_one_group(writer, {[&](Tables& tables) { tables.holds.set(hold("before", 1)); },
                                                [&](Tables& tables) {
                                                  try {
                                                    tables.holds.set(hold("large", 200'000));
                                                  } catch (const Error&) {
                                                    CHECK_FALSE(handle->in_transaction());
                                                  }
                                                  if (goes_on) tables.holds.set(hold("after", 1));
                                                },
                                                [&](Tables& tables) { tables.holds.set(hold("last", 1)); }});
  for (const auto& error : errors) {
    REQUIRE(error);
    CHECK(error_of([&] { std::rethrow_exception(error); }).kind() == ErrorKind::unavailable);
  }
  CHECK_FALSE(writer.trouble().empty());
  const auto next = run_as_one_group(writer, {[&](Tables& tables) {
                                       CHECK(tables.holds.all().empty());
                                       tables.holds.set(hold("next", 1));
                                     }});
  CHECK_FALSE(next[0]);
  CHECK(writer.trouble().empty());
}

}  // namespace
}  // namespace sluice::store
