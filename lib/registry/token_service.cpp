#include "registry/token_service.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/answer.hpp"
#include "registry/form.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace sluice::registry {
namespace {

struct Answer {
  int status = 0;
  std::optional<Token> token;
  std::optional<Error> failure;
};

// Services that do not know a way say so by these: Google 404, Artifactory 401, Azure 400, others 405.
bool knows_no_post(int status) {
  static constexpr std::array statuses{400, 401, 404, 405};
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

bool knows_no_get(int status) {
  return status == 404 || status == 405;
}

// One service, one registry: sends what is asked and sorts the answers.
class Service {
 public:
  Service(net::Client& http, Clock& clock, const Endpoint& endpoint, TokenRequest wanted,
          net::AddressClass named_at)
      : http_(http), clock_(clock), endpoint_(endpoint), wanted_(std::move(wanted)), named_at_(named_at) {}

  Task<Answer> get() {
    net::Request request = request_to(endpoint_, wanted_.url, named_at_);
    request.headers.add("Accept", "application/json");
    if (wanted_.with_credentials && endpoint_.access.credentials->has_basic())
      request.headers.add("Authorization", std::string(endpoint_.access.credentials->basic().reveal()));
    co_return co_await send(std::move(request), Secret());
  }

  Task<Answer> post(Secret form, Secret refresh) {
    net::Request request = with_form(request_to(endpoint_, wanted_.realm, named_at_), form);
    co_return co_await send(std::move(request), std::move(refresh));
  }

 private:
  Task<Answer> send(net::Request request, Secret refresh) {
    request.headers.add("Accept-Encoding", "identity");
    const auto response = co_await http_.send(std::move(request));
    const std::string body = co_await response->read_all(max_token_answer);
    Answer answer;
    answer.status = response->status();
    if (answer.status == 200) {
      answer.token = parse_token(body, clock_.now());
      co_return answer;
    }
    const std::string who = "token service " + printable(wanted_.url.authority(), 200);
    std::vector<Secret> secrets{refresh};
    if (endpoint_.access.credentials)
      for (auto& secret : secrets_of(*endpoint_.access.credentials))
        secrets.push_back(std::move(secret));
    const Error error =
        error_from(who, answer.status, response->headers(), without_secrets(body, secrets), clock_.now());
    // Whatever else a token service says about the request (bad service, unknown account, a redirect that is
    // not followed) means that we are not let in, and that asking again will not help.
    const bool later = error.kind() == ErrorKind::rate_limited || error.kind() == ErrorKind::unavailable;
    answer.failure = later ? error : Error(ErrorKind::unauthorized, error.what());
    co_return answer;
  }

  net::Client& http_;
  Clock& clock_;
  const Endpoint& endpoint_;
  const TokenRequest wanted_;
  const net::AddressClass named_at_;
};

void check_host(const Endpoint& endpoint, const TokenRequest& wanted) {
  const auto& credentials = endpoint.access.credentials;
  if (!credentials || !credentials->own_host_only || wanted.url.host == endpoint.base.host) return;
  throw Error(ErrorKind::unauthorized,
              endpoint.registry + " names the token service " + printable(wanted.url.authority(), 200) +
                  ": refused, what a cloud gave for a registry goes to no other host");
}

}  // namespace

Task<Token> fetch_token(net::Client& http, Clock& clock, Endpoint endpoint, Challenge challenge,
                        net::AddressClass named_at, std::vector<std::string> scopes, Secret refresh) {
  TokenRequest wanted = token_request(endpoint, challenge, scopes);
  check_host(endpoint, wanted);
  const std::string service_name = challenge.get("service").value_or("");
  const auto& credentials = endpoint.access.credentials;
  const bool basic = credentials && credentials->has_basic();
  const bool identity = credentials && !credentials->identity_token.empty();
  if (identity) refresh = credentials->identity_token;
  Service service(http, clock, endpoint, std::move(wanted), named_at);

  if (!refresh.empty()) {
    Secret form = refresh_form(service_name, scopes, refresh);
    Answer answer = co_await service.post(std::move(form), refresh);
    if (answer.token) {
      answer.token->by_refresh_token = true;
      co_return std::move(*answer.token);
    }
    // An earlier answer's token may have ended; the password is still good then, whatever the refusal says.
    const bool goes_on =
        identity ? knows_no_post(answer.status) : answer.failure->kind() == ErrorKind::unauthorized;
    if (!basic || !goes_on) throw *answer.failure;
  }
  Answer answer = co_await service.get();
  if (!answer.token && knows_no_get(answer.status) && credentials && !credentials->password.empty()) {
    Secret form = password_form(service_name, scopes, credentials->username, credentials->password);
    Answer posted = co_await service.post(std::move(form), credentials->password);
    answer = std::move(posted);
  }
  if (!answer.token) throw *answer.failure;
  co_return std::move(*answer.token);
}

}  // namespace sluice::registry
