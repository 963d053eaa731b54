#include "registry/upload_requests.hpp"

#include "core/error.hpp"
#include "core/retry.hpp"
#include "registry/location.hpp"

namespace sluice::registry {

Call UploadRequests::call(std::string method) const {
  Call call;
  call.what = what();
  call.method = std::move(method);
  call.scopes = {push_scope(target_)};
  call.pace = Pace::go_on;
  return call;
}

Call UploadRequests::call_at(std::string method, UploadLocation location) const {
  Call call = this->call(std::move(method));
  call.url = std::move(location.url);
  call.url_from = location.from;
  return call;
}

Task<std::unique_ptr<net::Response>> UploadRequests::send(Call call) const {
  return session_.send(target_, std::move(call));
}

Task<> UploadRequests::pause_after(int attempt) const {
  constexpr Backoff backoff{std::chrono::milliseconds(500), std::chrono::seconds(5)};
  co_await session_.clock().sleep_for(backoff.wait(attempt, session_.random().unit()));
}

UploadLocation UploadRequests::location_in(const net::Response& response) const {
  const Endpoint endpoint = session_.endpoint(target_);
  const std::string location = response.headers().get("Location").value_or("");
  return {upload_location(endpoint, response.url(), location), response.reached_at()};
}

// distribution asks for the right to delete here: a refusal is no news, and must not teach us to ask for that
// right.
Task<> UploadRequests::abandon(UploadLocation location) const {
  Call call = call_at("DELETE", std::move(location));
  call.answers_challenge = false;
  call.header_timeout = std::chrono::seconds(5);
  call.expected = {200, 202, 204};
  try {
    const auto response = co_await send(std::move(call));
    co_await drain(*response);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
}

}  // namespace sluice::registry
