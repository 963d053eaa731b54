#pragma once
// What the tests of the store share: a directory that goes away, an event loop for one coroutine, sample
// rows.

#include "core/error.hpp"
#include "store/store.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

namespace sluice::store::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path database() const { return path_ / "sluice.db"; }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<Store> open_store(const std::filesystem::path& path);

/// The event loop of the calling thread. It outlives every store, as the store asks for.
boost::asio::io_context& own_loop();

/// Runs one coroutine to its end on the loop of the calling thread.
template <class T>
T await(Task<T> task) {
  auto& loop = own_loop();
  loop.restart();
  if constexpr (std::is_void_v<T>) {
    auto ended = boost::asio::co_spawn(loop, std::move(task), boost::asio::use_future);
    loop.run();
    return ended.get();
  } else {
    // co_spawn itself wants results that can be made from nothing.
    std::optional<T> result;
    auto keep = [](Task<T> inner, std::optional<T>& out) -> Task<> {
      auto value = co_await std::move(inner);
      out.emplace(std::move(value));
    };
    auto ended = boost::asio::co_spawn(loop, keep(std::move(task), result), boost::asio::use_future);
    loop.run();
    ended.get();
    return std::move(*result);
  }
}

template <class F>
auto write(Store& store, F work) {
  return await(store.write(std::move(work)));
}

template <class F>
auto read(Store& store, F work) {
  return await(store.read(std::move(work)));
}

/// The Error that `action` throws; fails the test when it throws none.
Error error_of(const std::function<void()>& action);

/// Runs `action` in a child process, which must end by itself or by a signal; its wait status.
int in_child(const std::function<int()>& action);

/// Every file of a directory by name with its bytes, except lock files.
std::map<std::string, std::string> files_of(const std::filesystem::path& directory);
std::string bytes_of(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, const std::string& bytes);

Time at(std::int64_t seconds);
oci::Digest digest(const std::string& of);
Run pipeline_run(const std::string& pipeline, const std::string& digest_of = "image");
Run ended_run(const std::string& pipeline, Time ended, const std::string& digest_of = "image");
Observation observation(const std::string& pipeline, const std::string& digest_of, Time first_seen);
Promotion promotion(RunId run, const std::string& pipeline, const std::string& digest_of);

}  // namespace sluice::store::test
