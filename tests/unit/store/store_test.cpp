// The store as its callers see it: transactions, groups, snapshots, errors, cancellation.
#include "support.hpp"

#include <future>
#include <stdexcept>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

int runs_in(Store& store) {
  return static_cast<int>(
      read(store, [](Tables& tables) { return tables.runs.list({.limit = 10'000}); }).size());
}

Task<> add_run(Store& store) {
  co_await store.write([](Tables& tables) { tables.runs.insert(pipeline_run("node")); });
}

TEST_CASE("What was written is read back, also by the next process") {
  const TemporaryDirectory directory;
  RunId id;
  {
    auto store = open_store(directory.database());
    id = write(*store, [](Tables& tables) { return tables.runs.insert(pipeline_run("node")); });
    CHECK(read(*store, [id](Tables& tables) { return tables.runs.find(id); })->pipeline == "node");
  }
  auto store = open_store(directory.database());
  CHECK(read(*store, [id](Tables& tables) { return tables.runs.find(id); })->digest == digest("image"));
}

TEST_CASE("A new database keeps the instance id that it was made with") {
  const TemporaryDirectory directory;
  CHECK(open_store(directory.database())->instance() == "00c0ffee");
  CHECK(Store::open({.path = directory.database(), .new_instance = "another"})->instance() == "00c0ffee");
}

TEST_CASE("Waiting writes share a commit") {
  const TemporaryDirectory directory;
  boost::asio::io_context loop;
  auto store = open_store(directory.database());
  std::promise<void> all_handed_over;
  const auto before = store->commits();
  int done = 0;
  const auto count = [&done](std::exception_ptr error) {
    CHECK_FALSE(error);
    ++done;
  };
  // The first piece holds the writer until the others wait behind it.
  auto gate = [ready = all_handed_over.get_future().share()](Tables&) { ready.wait(); };
  boost::asio::co_spawn(loop, store->write(std::move(gate)), count);
  for (int i = 0; i < 200; ++i)
    boost::asio::co_spawn(loop, add_run(*store), count);
  boost::asio::post(loop, [&] { all_handed_over.set_value(); });
  loop.run();
  CHECK(done == 201);
  CHECK(runs_in(*store) == 200);
  // The gate's own group, and one for all that waited.
  CHECK(store->commits() - before <= 3);
}

TEST_CASE("A piece of work that throws undoes only itself") {
  const TemporaryDirectory directory;
  boost::asio::io_context loop;
  auto store = open_store(directory.database());
  std::promise<void> all_handed_over;
  auto gate = [ready = all_handed_over.get_future().share()](Tables&) { ready.wait(); };
  boost::asio::co_spawn(loop, store->write(std::move(gate)), boost::asio::detached);
  boost::asio::co_spawn(loop, add_run(*store), boost::asio::detached);
  auto failing = [](Tables& tables) {
    tables.runs.insert(pipeline_run("half"));
    throw std::out_of_range("not today");
  };
  auto failed = boost::asio::co_spawn(loop, store->write(failing), boost::asio::use_future);
  boost::asio::co_spawn(loop, add_run(*store), boost::asio::detached);
  boost::asio::post(loop, [&] { all_handed_over.set_value(); });
  loop.run();
  CHECK_THROWS_AS(failed.get(), std::out_of_range);
  CHECK(runs_in(*store) == 2);
  CHECK(store->trouble().empty());
}

TEST_CASE("An Error of the work reaches the caller with its kind and text") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  const auto error =
      error_of([&] { write(*store, [](Tables&) { throw Error(ErrorKind::conflict, "held by somebody"); }); });
  CHECK(error.kind() == ErrorKind::conflict);
  CHECK(error.what() == std::string("held by somebody"));
}

TEST_CASE("A violated constraint is an internal error and keeps nothing") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  const auto error = error_of([&] {
    write(*store, [](Tables& tables) {
      tables.runs.insert(pipeline_run("node"));
      tables.log.append(RunId(99), at(1), "stage", "a line of a run that does not exist");
    });
  });
  CHECK(error.kind() == ErrorKind::internal);
  CHECK(runs_in(*store) == 0);
}

TEST_CASE("A read sees one snapshot while others write") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  std::promise<void> first_read;
  std::promise<void> written;
  auto reader = std::async(std::launch::async, [&] {
    return read(*store, [&](Tables& tables) {
      const auto before = tables.runs.list({}).size();
      first_read.set_value();
      written.get_future().wait();
      return std::pair(before, tables.runs.list({}).size());
    });
  });
  first_read.get_future().wait();
  await(add_run(*store));
  written.set_value();
  const auto [before, after] = reader.get();
  CHECK(before == 0);
  CHECK(after == 0);
  CHECK(runs_in(*store) == 1);
}

TEST_CASE("A change is refused while reading") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  CHECK_THROWS_AS(read(*store, [](Tables& tables) { tables.runs.insert(pipeline_run("node")); }), Error);
  CHECK(runs_in(*store) == 0);
}

TEST_CASE("A caller is resumed on its own thread") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  auto task = [](Store& db) -> Task<bool> {
    const auto before = std::this_thread::get_id();
    const auto other = co_await db.write([](Tables&) { return std::this_thread::get_id(); });
    co_return std::this_thread::get_id() == before&& other != before;
  };
  CHECK(await(task(*store)));
}

TEST_CASE("A write that was handed over is carried out although its caller is cancelled") {
  const TemporaryDirectory directory;
  boost::asio::io_context loop;
  auto store = open_store(directory.database());
  boost::asio::cancellation_signal cancel;
  std::promise<void> cancelled;
  bool ended = false;
  auto work = [ready = cancelled.get_future().share()](Tables& tables) {
    ready.wait();
    tables.runs.insert(pipeline_run("node"));
  };
  boost::asio::co_spawn(
      loop, store->write(std::move(work)),
      boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
  boost::asio::post(loop, [&] {
    cancel.emit(boost::asio::cancellation_type::all);
    CHECK_FALSE(ended);
    cancelled.set_value();
  });
  loop.run();
  CHECK(ended);
  CHECK(runs_in(*store) == 1);
}

TEST_CASE("Closing the store carries out what was handed over") {
  const TemporaryDirectory directory;
  boost::asio::io_context loop;
  auto store = open_store(directory.database());
  int done = 0;
  for (int i = 0; i < 20; ++i)
    boost::asio::co_spawn(loop, add_run(*store), [&](std::exception_ptr error) { done += error ? 0 : 1; });
  boost::asio::post(loop, [&] { store.reset(); });
  loop.run();
  CHECK(done == 20);
  CHECK(runs_in(*open_store(directory.database())) == 20);
}

}  // namespace
}  // namespace sluice::store
