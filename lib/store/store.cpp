#include "store/store.hpp"

#include "core/workers.hpp"
#include "store/backup.hpp"
#include "store/open.hpp"
#include "store/readers.hpp"
#include "store/writer.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::store {
namespace {

// 0 when there is no such file.
std::uint64_t size_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

}  // namespace

struct Store::State {
  std::filesystem::path path;
  std::string instance;
  // The order of destruction, from the last: no copy, no reader, no writer, then the lock is given up.
  std::unique_ptr<Lock> lock;
  std::optional<Writer> writer;
  std::optional<Readers> readers;
  std::atomic<bool> stopping = false;
  std::optional<Workers> copier;  // made for the first backup

  void submit(Piece piece, bool writes) {
    if (writes)
      writer->submit(std::move(piece));
    else
      readers->submit(std::move(piece));
  }
};

Store::Store() : state_(std::make_unique<State>()) {}

Store::~Store() {
  state_->stopping = true;
}

std::unique_ptr<Store> Store::open(StoreOptions options) {
  auto opened = open_database(options.path, options.new_instance);
  std::vector<std::unique_ptr<Connection>> readers;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.readers, 1); ++i)
    readers.push_back(std::make_unique<Connection>(opened.path, Connection::Access::read));
  std::unique_ptr<Store> store(new Store);
  auto& state = *store->state_;
  state.path = std::move(opened.path);
  state.instance = std::move(opened.instance);
  state.lock = std::move(opened.lock);
  state.writer.emplace(std::move(opened.writer));
  state.readers.emplace(std::move(readers));
  return store;
}

const std::string& Store::instance() const {
  return state_->instance;
}

std::uint64_t Store::commits() const {
  return state_->writer->commits();
}

std::string Store::trouble() const {
  return state_->writer->trouble();
}

std::uint64_t Store::log_bytes() const {
  return size_of(state_->path.string() + "-wal");
}

std::uint64_t Store::database_bytes() const {
  return size_of(state_->path);
}

Task<> Store::execute(std::function<void(Tables&)> work, bool writes) {
  auto* state = state_.get();
  auto initiate = [state, writes](auto handler, std::function<void(Tables&)> job) {
    auto executor = boost::asio::get_associated_executor(handler);
    // The guard keeps the caller's loop running until the answer is there.
    struct Waiting {
      decltype(handler) resume;
      boost::asio::executor_work_guard<decltype(executor)> guard;
    };
    auto waiting =
        std::make_shared<Waiting>(Waiting{std::move(handler), boost::asio::make_work_guard(executor)});
    Piece piece;
    piece.work = std::move(job);
    piece.done = [waiting = std::move(waiting)](std::exception_ptr error) mutable {
      auto loop = waiting->guard.get_executor();
      // Everything of the caller's goes back to its thread; nothing is left on this one.
      boost::asio::post(loop, [waiting = std::move(waiting), error = std::move(error)]() mutable {
        auto resume = std::move(waiting->resume);
        waiting.reset();
        std::move(resume)(std::move(error));
      });
    };
    state->submit(std::move(piece), writes);
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::exception_ptr)>(
      initiate, boost::asio::use_awaitable, std::move(work));
}

Task<> Store::backup(std::filesystem::path target) {
  auto& state = *state_;
  if (!state.copier) state.copier.emplace(1);
  auto copy = [source = state.path, target = std::move(target), &stop = state.stopping] {
    copy_database(source, target, stop);
  };
  co_await state.copier->run(std::move(copy));
}

}  // namespace sluice::store
