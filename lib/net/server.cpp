#include "net/server.hpp"

#include "core/error.hpp"
#include "core/signal.hpp"
#include "core/text.hpp"
#include "net/listener.hpp"
#include "net/session.hpp"
#include "net/tls.hpp"

#include <list>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace sluice::net {
namespace {

namespace asio = boost::asio;

/// A connection may take this long to send its first request header before its place is given to another.
constexpr Milliseconds patience{250};
/// How long accepting rests when the machine has no file descriptors or memory left.
constexpr Milliseconds exhausted_pause{200};

bool is_exhausted(const boost::system::error_code& code) {
  return code == boost::system::errc::too_many_files_open ||
         code == boost::system::errc::too_many_files_open_in_system ||
         code == boost::system::errc::no_buffer_space || code == boost::system::errc::not_enough_memory;
}

class SocketServer final : public Server {
 public:
  SocketServer(Clock& clock, Acceptor acceptor, std::optional<std::filesystem::path> path, Handler handler,
               ServerLimits limits, std::shared_ptr<ServerTls> tls)
      : clock_(clock),
        acceptor_(std::move(acceptor)),
        port_(port_of(acceptor_)),
        path_(std::move(path)),
        handler_(std::move(handler)),
        limits_(limits),
        tls_(std::move(tls)) {
    if (path_) identity_ = identity_of(*path_);
  }
  ~SocketServer() override { close_listener(); }

  Task<> serve() override;
  void stop() override;
  void use(std::shared_ptr<ServerTls> tls) override { tls_ = std::move(tls); }
  std::uint16_t port() const override { return port_; }

 private:
  struct Active {
    Active(Clock& clock, const Handler& handler, const ServerLimits& limits, Load& load, Socket socket,
           std::string peer, std::shared_ptr<ServerTls> tls)
        : session(clock, handler, limits, load, std::move(socket), std::move(peer), std::move(tls)) {}
    Session session;
    asio::cancellation_signal cancel;
    bool evicted = false;
  };

  Task<> accept_loop();
  Task<> make_room();
  Task<> accept_one();
  void start(Socket socket);
  void evict_slowest();
  Task<> drain(Milliseconds grace);
  void close_listener();

  Clock& clock_;
  Acceptor acceptor_;
  std::uint16_t port_;
  std::optional<std::filesystem::path> path_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> identity_;
  Handler handler_;
  ServerLimits limits_;
  std::shared_ptr<ServerTls> tls_;  // of new connections
  Load load_;
  std::list<Active> active_;
  Signal ended_;  // a connection ended, or stop() was called
  bool stopping_ = false;
  bool exhausted_ = false;
};

Task<> SocketServer::serve() {
  std::exception_ptr failure;
  try {
    co_await accept_loop();
  } catch (...) {
    failure = std::current_exception();
  }
  stop();
  // Being cancelled ends the connections as well, and waiting for their end must not be cut short.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const Milliseconds grace = failure ? Milliseconds(0) : stop_grace;
  co_await drain(grace);
  if (failure) std::rethrow_exception(failure);
}

Task<> SocketServer::accept_loop() {
  while (!stopping_) {
    if (active_.size() < limits_.connections)
      co_await accept_one();
    else
      co_await make_room();
  }
}

// All places are taken: waits until somebody wants one and one is free. Who sends request after request owes
// us nothing for long, so meanwhile no connection outlives its answer.
Task<> SocketServer::make_room() {
  boost::system::error_code error;
  co_await acceptor_.async_wait(Acceptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
  if (error && !stopping_) throw boost::system::system_error(error);
  load_.crowded = true;
  while (!stopping_ && active_.size() >= limits_.connections) {
    const std::uint64_t seen = ended_.count();
    evict_slowest();
    co_await ended_.wait_past(seen, clock_, clock_.steady() + patience);
  }
  load_.crowded = false;
}

Task<> SocketServer::accept_one() {
  boost::system::error_code error;
  Socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
  if (!error) {
    exhausted_ = false;
    start(std::move(socket));
    co_return;
  }
  if (stopping_) co_return;
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  if (!is_exhausted(error)) co_return;  // the peer went away before we took it
  if (!exhausted_) spdlog::warn("cannot accept connections for the moment: {}", error.message());
  exhausted_ = true;
  co_await clock_.sleep_for(exhausted_pause);
}

void SocketServer::start(Socket socket) {
  std::string peer = peer_of(socket);
  active_.emplace_front(clock_, handler_, limits_, load_, std::move(socket), std::move(peer), tls_);
  const auto entry = active_.begin();
  auto on_end = [this, entry](std::exception_ptr failure) {
    active_.erase(entry);
    ended_.notify();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const boost::system::system_error&) {
      // The peer went away, was too slow, or we were asked to stop.
    } catch (...) {
      spdlog::error("a connection of the HTTP server ended: {}", printable(current_error().what()));
    }
  };
  asio::co_spawn(acceptor_.get_executor(), entry->session.run(),
                 asio::bind_cancellation_slot(entry->cancel.slot(), std::move(on_end)));
}

void SocketServer::evict_slowest() {
  Active* slowest = nullptr;
  for (Active& active : active_) {
    const auto since = active.session.owing_since();
    if (active.evicted || !since) continue;
    if (slowest == nullptr || *since < *slowest->session.owing_since()) slowest = &active;
  }
  if (slowest == nullptr || clock_.steady() - *slowest->session.owing_since() < patience) return;
  slowest->evicted = true;
  slowest->cancel.emit(asio::cancellation_type::terminal);
}

void SocketServer::stop() {
  if (stopping_) return;
  stopping_ = true;
  close_listener();
  for (Active& active : active_) {
    active.session.end_after_answer();
    if (active.session.waiting_since()) active.cancel.emit(asio::cancellation_type::terminal);
  }
  ended_.notify();
}

Task<> SocketServer::drain(Milliseconds grace) {
  const Steady deadline = clock_.steady() + grace;
  while (!active_.empty() && clock_.steady() < deadline) {
    const std::uint64_t seen = ended_.count();
    co_await ended_.wait_past(seen, clock_, deadline);
  }
  for (Active& active : active_)
    active.cancel.emit(asio::cancellation_type::terminal);
  while (!active_.empty()) {
    const std::uint64_t seen = ended_.count();
    co_await ended_.wait_past(seen, clock_, clock_.steady() + std::chrono::minutes(1));
  }
}

void SocketServer::close_listener() {
  if (!acceptor_.is_open()) return;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  // Another daemon may have put its own socket there meanwhile.
  if (path_ && identity_ && identity_of(*path_) == identity_) ::unlink(path_->c_str());
}

}  // namespace

std::optional<std::string> ServerRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::unique_ptr<Server> listen(asio::any_io_executor executor, Clock& clock,
                               std::variant<TcpEndpoint, UnixEndpoint> endpoint, Handler handler,
                               ServerLimits limits, std::shared_ptr<ServerTls> tls) {
  Acceptor acceptor = std::visit([&](const auto& where) { return listen_on(executor, where); }, endpoint);
  std::optional<std::filesystem::path> path;
  if (const auto* socket = std::get_if<UnixEndpoint>(&endpoint)) path = socket->path;
  return std::make_unique<SocketServer>(clock, std::move(acceptor), std::move(path), std::move(handler),
                                        limits, std::move(tls));
}

}  // namespace sluice::net
