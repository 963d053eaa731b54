#include "net/client.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/connection.hpp"
#include "net/exchange.hpp"
#include "net/failure.hpp"
#include "net/redirect.hpp"
#include "net/response.hpp"
#include "net/tunnel.hpp"

#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

/// A request that cannot be repeated takes no connection that was idle for longer: the peer may be closing
/// it.
constexpr Milliseconds youth_for_streams{std::chrono::seconds(2)};
/// Bodies of redirects that are read, to keep their connection, instead of closed.
constexpr std::size_t small_redirect = 16 * 1024;

void check_request(const Request& request) {
  if (!is_token(request.method))
    throw Error(ErrorKind::invalid, fmt::format("\"{}\" is no HTTP method", printable(request.method, 40)));
  const std::string& target = request.url.target;
  const auto visible = [](char c) { return c > 0x20 && c < 0x7F; };
  if (target.empty() || target.front() != '/' || !std::all_of(target.begin(), target.end(), visible))
    throw Error(ErrorKind::invalid,
                "the target of a request must start with '/' and hold visible ASCII only");
}

// Only to use the connection again: that it cannot be read does not matter.
Task<> drop_body(Response& response) {
  try {
    co_await response.read_all(small_redirect);
  } catch (const Error&) {
    co_return;
  }
}

class SocketClient final : public Client {
 public:
  SocketClient(Clock& clock, Workers& workers, ClientOptions options)
      : clock_(clock),
        options_(std::move(options)),
        connector_(clock, workers, options_),
        pool_(std::make_shared<Pool>(clock, options_.idle_connections_per_host, options_.idle_lifetime)) {}

  Task<std::unique_ptr<Response>> send(Request request) override;
  void close_idle() override { pool_->clear(); }

 private:
  using Asked = std::shared_ptr<const Request>;
  Task<std::unique_ptr<Response>> ask(Asked request);
  Task<std::unique_ptr<Response>> ask_on(std::unique_ptr<Connection> connection, Asked request, bool& stale);

  Clock& clock_;
  ClientOptions options_;
  Connector connector_;
  std::shared_ptr<Pool> pool_;
};

Task<std::unique_ptr<Response>> SocketClient::send(Request request) {
  for (int hops = 0;; ++hops) {
    check_request(request);
    if (request.asked != nullptr) *request.asked = request.url;
    const auto asked = std::make_shared<const Request>(std::move(request));
    std::unique_ptr<Response> response = co_await ask(asked);
    if (asked->max_redirects <= 0) co_return response;
    auto next = follow(*asked, response->status(), response->headers(), response->reached_at());
    if (!next) co_return response;
    if (hops >= asked->max_redirects)
      throw Error(ErrorKind::unavailable, fmt::format("{} {}: more than {} redirects", asked->method,
                                                      asked->url.without_query(), asked->max_redirects));
    const auto length = response->content_length();
    if (length && *length <= small_redirect) co_await drop_body(*response);
    response.reset();
    request = std::move(*next);
  }
}

Task<std::unique_ptr<Response>> SocketClient::ask(Asked request) {
  const bool streams = request->stream != nullptr;
  const Proxies* proxies = request->proxies ? request->proxies.get() : options_.proxies.get();
  const std::optional<Proxy> proxy = proxies ? proxies->choose(request->url) : std::nullopt;
  auto connection = pool_->take(key_of(*request, proxy), request->reach,
                                streams ? youth_for_streams : options_.idle_lifetime);
  if (connection) {
    bool stale = false;
    auto response = co_await ask_on(std::move(connection), request, stale);
    if (!stale) co_return response;
  }
  connection = co_await connector_.open(*request, proxy);
  bool ignored = false;
  co_return co_await ask_on(std::move(connection), std::move(request), ignored);
}

// Null, with `stale` set, when the request may go out again on a fresh connection.
Task<std::unique_ptr<Response>> SocketClient::ask_on(std::unique_ptr<Connection> connection, Asked request,
                                                     bool& stale) {
  Exchange exchange(clock_, *connection, *request, options_);
  ResponseHead head;
  try {
    head = co_await exchange.run();
  } catch (const Error& error) {
    stale = connection->reused && !exchange.answered() && request->stream == nullptr &&
            error.kind() == ErrorKind::unavailable;
    if (!stale) throw;
  }
  if (stale) co_return nullptr;
  // Only a proxy that reads the request itself can send this; from a target it would be nonsense.
  if (head.status == 407 && speaks_absolute(*connection))
    throw failed(*request, Phase::waiting, request->header_timeout,
                 std::make_exception_ptr(proxy_refusal(head.status)), connection->via());
  std::exception_ptr malformed;
  try {
    co_return std::make_unique<LiveResponse>(clock_, request, std::move(head), std::move(connection), pool_,
                                             exchange.sent(), options_.bandwidth);
  } catch (const Error&) {
    malformed = std::current_exception();
  }
  throw failed(*request, Phase::waiting, request->header_timeout, malformed);
}

}  // namespace

std::unique_ptr<Client> make_client(Clock& clock, Workers& workers, ClientOptions options) {
  return std::make_unique<SocketClient>(clock, workers, std::move(options));
}

}  // namespace sluice::net
