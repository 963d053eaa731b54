#include "api/api.hpp"

#include "api/call.hpp"
#include "api/guard.hpp"
#include "api/output.hpp"
#include "api/route.hpp"
#include "core/text.hpp"

#include <optional>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <spdlog/spdlog.h>

namespace sluice::api {
namespace {

net::ServerResponse no_such_route(const Match& match, const net::ServerRequest& request) {
  const auto path = printable(request.path, 120);
  if (match.allowed.empty()) return error_response(404, "not_found", "there is nothing at " + path);
  std::string allowed;
  for (const auto& method : match.allowed)
    allowed += (allowed.empty() ? "" : ", ") + std::string(method);
  auto response = error_response(
      405, "invalid", printable(request.method, 20) + " is not possible on " + path + ", use " + allowed);
  response.headers.set("Allow", allowed);
  return response;
}

std::optional<net::ServerResponse> refused_route(const Route& route, Door door, bool is_shut) {
  if (route.unix_only && door != Door::unix_socket)
    return error_response(403, "denied", "this is possible over the Unix socket only");
  if (route.changes && is_shut) {
    auto response = error_response(503, "unavailable", "the daemon is stopping; ask again when it is back");
    response.headers.set("Retry-After", "5");
    return response;
  }
  return std::nullopt;
}

}  // namespace

struct Api::State {
  Context context;

  Task<net::ServerResponse> answer(Door door, net::ServerRequest request);
};

Api::Api(engine::Engine& engine, store::Store& store, Clock& clock, Options options)
    : state_(new State{.context = {engine, store, clock, std::move(options), {}, false}}) {}
Api::~Api() = default;

net::Handler Api::handler(Door door) {
  return [state = state_.get(), door](net::ServerRequest request) {
    return state->answer(door, std::move(request));
  };
}

void Api::shut() {
  state_->context.is_shut = true;
  state_->context.shut.notify();
}

Task<net::ServerResponse> Api::State::answer(Door door, net::ServerRequest request) {
  if (auto refused = refusal(door, request)) co_return std::move(*refused);
  auto match = find_route(routes(), request.method, request.path);
  if (!match.route) co_return no_such_route(match, request);
  if (auto refused = refused_route(*match.route, door, context.is_shut)) co_return std::move(*refused);
  const bool head = request.method == "HEAD";
  const auto asked = request.method + " " + printable(request.path, 120);
  auto name = who(door, request, context.options);
  Call call{context, std::move(request), std::move(match.arguments), std::move(name)};
  std::optional<net::ServerResponse> response;
  std::optional<Error> error;
  try {
    response = co_await match.route->action(std::move(call));
  } catch (...) {
    error = current_error();
  }
  if (error) {
    if (error->kind() == ErrorKind::internal) spdlog::error("{}: {}", asked, printable(error->what(), 2000));
    response = error_response(*error);
  }
  if (head) response->body.clear();
  co_return std::move(*response);
}

Task<bool> wait_for_change(Context& context, std::uint64_t seen, Steady until) {
  using namespace boost::asio::experimental::awaitable_operators;
  if (context.is_shut) co_return false;
  const auto now = context.clock.steady();
  if (now >= until) co_return false;
  const auto left = std::chrono::ceil<Milliseconds>(until - now);
  const auto shut = context.shut.count();
  co_await (context.engine.wait_change(seen, left) || context.shut.wait_past(shut, context.clock, until));
  co_return context.engine.changes() > seen && !context.is_shut;
}

}  // namespace sluice::api
