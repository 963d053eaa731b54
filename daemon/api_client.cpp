#include "api_client.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "core/workers.hpp"
#include "exit_code.hpp"
#include "net/client.hpp"
#include "run_cancellable.hpp"

#include <csignal>
#include <exception>
#include <functional>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t largest_answer = 64 * 1024 * 1024;
// Asking for a run makes the daemon ask a registry first.
constexpr Milliseconds answer_patience{120'000};

struct Answer {
  int status = 0;
  std::string body;
};

Task<Answer> exchange(net::Client& http, net::Request request) {
  auto response = co_await http.send(std::move(request));
  Answer answer;
  answer.status = response->status();
  answer.body = co_await response->read_all(largest_answer);
  co_return answer;
}

// What went wrong at a registry that the daemon asked has the exit code that it has for commands which ask it
// themselves.
int exit_code_of_answer(int status, ErrorKind kind) {
  switch (status) {
    case 404:
      return exit_code::not_found;
    case 400:
    case 405:
    case 415:
      return exit_code::usage;
    case 403:
    case 409:
      return exit_code::refused;
    case 502:
      return exit_code_of(kind);
    case 503:
    case 504:
      return kind == ErrorKind::rate_limited ? exit_code::refused : exit_code::unreachable;
    default:
      return exit_code::failed;
  }
}

json read_answer(const Answer& answer) {
  const auto value = json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (answer.status < 300 && !value.is_discarded()) return value;
  std::string message, kind;
  if (value.is_object() && value.contains("error") && value["error"].is_object()) {
    message = value["error"].value("message", "");
    kind = value["error"].value("kind", "");
  }
  if (message.empty())
    message = "the daemon answered with status " + std::to_string(answer.status) + ": " + answer.body;
  throw Failure(exit_code_of_answer(answer.status, error_kind_from(kind)), printable(message, 4000));
}

bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

Failure unreachable(const Address& address, const Error& error) {
  return {
      exit_code::unreachable,
      "no sluice daemon answers at " + address.text() + " (from " + address.origin +
          "): " + printable(error.what(), 400) +
          "\nIs it running? `sluice serve --config FILE` starts it. If it listens elsewhere, say where with"
          "\n--socket PATH, --url URL or --config FILE, or set SLUICE_SOCKET, SLUICE_URL or SLUICE_CONFIG."};
}

}  // namespace

struct ApiClient::State {
  explicit State(Address the_address) : address(std::move(the_address)) {}

  Address address;
  boost::asio::io_context loop{1};
  SystemClock clock;
  Workers workers{1};
  std::unique_ptr<net::Client> http = net::make_client(clock, workers);
  std::optional<boost::asio::signal_set> signals;
  boost::asio::cancellation_signal cancel;
  int caught = 0;

  void watch_signals();
  void await(Task<> task);
  net::Url url(const std::string& target) const;
  json send(net::Request request, const std::string& target);
};

void ApiClient::State::watch_signals() {
  signals->async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    // An ending is not taken back by what comes behind it.
    if (caught == 0 || caught == SIGWINCH || caught == SIGTSTP) caught = number;
    cancel.emit(boost::asio::cancellation_type::all);
    watch_signals();
  });
}

// Runs the loop until the task has ended; a signal ends it early.
void ApiClient::State::await(Task<> task) {
  const auto failure = run_cancellable(loop, std::move(task), cancel, [this] { return caught != 0; });
  if (caught != 0) throw Interrupted{std::exchange(caught, 0)};
  if (failure) std::rethrow_exception(failure);
}

net::Url ApiClient::State::url(const std::string& target) const {
  net::Url url;
  if (address.socket.empty()) {
    url = net::Url::parse(address.url);
  } else {
    url.scheme = "unix";
    url.host = address.socket;
  }
  url.target = target;
  return url;
}

json ApiClient::State::send(net::Request request, const std::string& target) {
  try {
    request.url = url(target);
  } catch (const Error& error) {
    throw Failure(exit_code::usage, address.origin + ": " + error.what());
  }
  Answer answer;
  // Lives until await() returns, and so does what it refers to.
  const auto ask = [](net::Client& client, net::Request what, Answer& into) -> Task<> {
    into = co_await exchange(client, std::move(what));
  };
  try {
    await(ask(*http, std::move(request), answer));
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    throw unreachable(address, current_error());
  }
  return read_answer(answer);
}

ApiClient::ApiClient(Address address) : state_(std::make_unique<State>(std::move(address))) {}
ApiClient::~ApiClient() = default;

json ApiClient::get(const std::string& target, Milliseconds wait) {
  net::Request request;
  request.header_timeout = answer_patience + wait;
  return state_->send(std::move(request), target);
}

json ApiClient::post(const std::string& target, const json& body) {
  net::Request request;
  request.method = "POST";
  request.header_timeout = answer_patience;
  request.headers.set("Content-Type", "application/json");
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return state_->send(std::move(request), target);
}

void ApiClient::catch_signals() {
  if (state_->signals) return;
  state_->signals.emplace(state_->loop);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP, SIGWINCH})
    if (!is_ignored(number)) state_->signals->add(number);
  state_->watch_signals();
}

// By the signal itself, which the system drops where nobody could make the process go on.
void ApiClient::stop() {
  state_->signals->remove(SIGTSTP);
  std::raise(SIGTSTP);
  state_->signals->add(SIGTSTP);
}

void ApiClient::pause(Milliseconds duration) {
  state_->await(state_->clock.sleep_for(duration));
}

std::string api_path(const std::vector<std::string>& segments) {
  std::string path = "/api/v1";
  for (const auto& segment : segments)
    path += "/" + net::percent_encode(segment);
  return path;
}

std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::optional<std::string>>>& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (!value) continue;
    path += separator + name + "=" + net::percent_encode(*value);
    separator = '&';
  }
  return path;
}

}  // namespace sluice::daemon
