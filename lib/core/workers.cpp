#include "core/workers.hpp"

#include <atomic>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice {

struct Workers::Pool {
  explicit Pool(std::size_t count) : threads(count) {}
  boost::asio::thread_pool threads;
};

Workers::Workers(std::size_t threads) : pool_(std::make_unique<Pool>(threads)) {}

Workers::~Workers() {
  pool_->threads.join();
}

Task<> Workers::execute(std::function<void()> work) {
  auto& threads = pool_->threads;
  auto let_go = std::make_shared<std::atomic_flag>();
  auto initiate = [&threads, let_go](auto handler, std::function<void()> job) {
    auto executor = boost::asio::get_associated_executor(handler);
    boost::asio::post(threads, [handler = std::move(handler), job = std::move(job), let_go,
                                guard = boost::asio::make_work_guard(executor)]() mutable {
      job();
      // What the work holds must be gone before the caller goes on: it may refer to what the caller owns.
      job = nullptr;
      boost::asio::post(guard.get_executor(), std::move(handler));
      guard.reset();
      let_go->test_and_set();
      let_go->notify_one();
    });
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      initiate, boost::asio::use_awaitable, std::move(work));
  // The pool thread may be a few instructions away from having let go of the event loop, which the caller is
  // free to destroy next.
  let_go->wait(false);
}

}  // namespace sluice
