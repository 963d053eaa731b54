#include "registry/request.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/answer.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::registry {
namespace {

// Some servers answer with the request that they did not understand.
bool shows(std::string_view body, const Secret& authorization) {
  const auto value = authorization.reveal();
  const auto space = value.find(' ');
  return space != std::string_view::npos && body.find(value.substr(space + 1)) != std::string_view::npos;
}

/// Tells a source that fails from a registry that does.
class ToldSource final : public net::BodySource {
 public:
  explicit ToldSource(net::BodySource* source) : source_(source) {}
  bool failed() const { return failed_; }
  Task<std::size_t> read(std::span<char> buffer) override {
    try {
      co_return co_await source_->read(buffer);
    } catch (...) {
      // A registry that goes away ends the reading too.
      failed_ = current_error().kind() != ErrorKind::cancelled;
      throw;
    }
  }

 private:
  net::BodySource* source_;
  bool failed_ = false;
};

std::optional<Auth::Learned> learned_from(const net::Response& response) {
  auto challenge = choose_challenge(parse_challenges(response.headers().all("WWW-Authenticate")));
  if (!challenge) return std::nullopt;
  return Auth::Learned{std::move(*challenge), response.reached_at()};
}

}  // namespace

std::string pull_scope(const oci::Repository& repository) {
  return "repository:" + repository.path + ":pull";
}
std::string push_scope(const oci::Repository& repository) {
  return "repository:" + repository.path + ":pull,push";
}

Session::Session(net::Client& http, Clock& clock, Random& random,
                 std::function<Access(const std::string&)> access)
    : http_(http),
      clock_(clock),
      random_(random),
      access_(std::move(access)),
      auth_(http, clock),
      gates_(clock, random) {}

Endpoint Session::endpoint(const oci::Repository& repository) const {
  return endpoint_of(repository.registry, access_(repository.registry));
}

Task<std::unique_ptr<net::Response>> Session::send(oci::Repository repository, Call call) {
  if (!oci::is_valid_path(repository.path))
    throw Error(ErrorKind::invalid, "\"" + printable(repository.text(), 300) + "\" is not a repository");
  Endpoint endpoint = this->endpoint(repository);
  // What writes belongs to work that has begun elsewhere.
  if (call.method != "GET" && call.method != "HEAD") call.pace = Pace::go_on;
  net::Url url = endpoint.base;
  url.target += repository.path + "/" + call.path;
  // So that one that mirrors several registries knows which (distribution specification, "Registry
  // Proxying").
  if (!call.mirror_of.empty()) url.target += "?ns=" + net::percent_encode(call.mirror_of);
  if (call.url) url = *call.url;
  try {
    co_return co_await patiently(endpoint, call, url, repository.path);
  } catch (const Error& error) {
    // A copy: the failure of a shared token fetch is thrown to many.
    throw Error(error).within(call.method + " " + call.what + " of " + repository.text());
  }
}

std::vector<oci::Repository> Session::mirrors_of(const oci::Repository& repository, bool for_tags) const {
  std::vector<oci::Repository> places;
  for (const auto& mirror : access_(repository.registry).mirrors) {
    auto at = at_mirror(mirror, repository);
    const bool asked = (mirror.tags || !for_tags) && !mirror_notes_.is_passed_over(at, clock_.steady());
    if (asked) places.push_back(std::move(at));
  }
  return places;
}

void Session::mirror_failed(const oci::Repository& at, const Error& error) {
  mirror_notes_.failed(at, error, clock_.steady());
  spdlog::info("the mirror {} is passed over for a while: {}", printable(at.text(), 300),
               printable(error.what(), 600));
}

void Session::etags_are_digests(const std::string& registry, bool does) {
  if (does)
    etags_are_digests_.insert(registry);
  else
    etags_are_digests_.erase(registry);
}

// A refusal for a moment costs a moment, not the whole piece of work: the next attempt waits at the gate, or
// here when it was a storage behind the registry that refused, of which the gate knows nothing.
Task<std::unique_ptr<net::Response>> Session::patiently(Endpoint& endpoint, const Call& call,
                                                        const net::Url& url, std::string path) {
  for (int attempt = 1;; ++attempt) {
    Milliseconds pause{};
    try {
      co_return co_await admitted(endpoint, call, url, path);
    } catch (const Error& error) {
      const auto wait = error.retry_after();
      const bool soon = error.kind() == ErrorKind::rate_limited && wait && *wait <= endpoint.access.patience;
      const bool waits = call.pace != Pace::look && call.mirror_of.empty() && call.stream == nullptr;
      if (!soon || !waits || attempt >= endpoint.access.attempts) throw;
      pause = *wait;
    }
    if (gates_.pause(endpoint).count() == 0) co_await clock_.sleep_for(pause);
  }
}

// What was refused may have been changed where it came from since it was looked up: then it is tried once
// more.
Task<std::unique_ptr<net::Response>> Session::admitted(Endpoint& endpoint, const Call& call,
                                                       const net::Url& url, std::string path) {
  const auto source = endpoint.access.source;
  std::optional<Error> refusal;
  try {
    co_return co_await attempt(endpoint, call, url, path);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unauthorized || !source || !call.answers_challenge) throw;
    refusal = error;
  }
  const auto refused = std::exchange(endpoint.access.credentials, std::nullopt);
  source->refused(endpoint, path);
  if (call.stream != nullptr || !refused) throw *refusal;
  co_await look_up(endpoint, path);
  if (endpoint.access.credentials == refused) throw *refusal;
  co_return co_await attempt(endpoint, call, url, path);
}

Task<std::unique_ptr<net::Response>> Session::attempt(Endpoint& endpoint, const Call& call,
                                                      const net::Url& url, std::string path) {
  const bool at_home = url.same_origin(endpoint.base);
  const bool waits = call.pace != Pace::look && call.mirror_of.empty();
  co_await gates_.wait(endpoint, call.pace, call.is_pull, waits ? endpoint.access.patience : Milliseconds(0));
  Gates::Passage passage(gates_, endpoint, call.is_pull);
  Secret authorization;
  if (at_home && auth_.known(endpoint.registry)) {
    co_await look_up(endpoint, path);
    authorization = co_await this->authorization(passage, endpoint, call.scopes);
  }
  auto response = co_await exchange(passage, endpoint, call, url, authorization);
  const bool challenged = response->status() == 401 && at_home && call.answers_challenge &&
                          response->url().same_origin(endpoint.base);
  if (challenged) {
    const bool better = co_await learn(passage, endpoint, call, *response, authorization, path);
    if (better && call.stream == nullptr) {
      co_await drain(*response);
      authorization = co_await this->authorization(passage, endpoint, call.scopes);
      response = co_await exchange(passage, endpoint, call, url, authorization);
    }
  }
  co_await check(passage, endpoint, call, *response, authorization);
  co_return response;
}

// Without its token service a registry is of no use: the two are one to the gate.
Task<Secret> Session::authorization(Gates::Passage& passage, const Endpoint& endpoint,
                                    const std::vector<std::string>& scopes) {
  try {
    co_return co_await auth_.authorization(endpoint, scopes);
  } catch (const Error& error) {
    passage.failed(error);
    throw passage.with_pause(error);
  }
}

Task<bool> Session::verify(std::string registry) {
  Endpoint endpoint = endpoint_of(registry, access_(registry));
  Call call;
  call.what = "/v2/";
  try {
    const auto response = co_await patiently(endpoint, call, endpoint.base, std::string());
    co_await drain(*response);
    co_return auth_.known(registry).has_value();
  } catch (const Error& error) {
    throw Error(error).within("asking " + printable(registry, 200) + " for /v2/");
  }
}

Task<std::optional<Credentials>> Session::credentials(oci::Repository repository) {
  Endpoint endpoint = this->endpoint(repository);
  co_await look_up(endpoint, repository.path);
  co_return endpoint.access.credentials;
}

// Not before the registry wants credentials: most pulls from public registries need no program to be run and
// no cloud to be asked.
Task<> Session::look_up(Endpoint& endpoint, std::string path) {
  const auto source = endpoint.access.source;
  if (endpoint.access.credentials || !source) co_return;
  Endpoint asked = endpoint;
  endpoint.access.credentials = co_await source->find(std::move(asked), std::move(path));
}

Task<std::unique_ptr<net::Response>> Session::exchange(Gates::Passage& passage, const Endpoint& endpoint,
                                                       const Call& call, const net::Url& url,
                                                       Secret authorization) {
  net::Request request = request_to(endpoint, url, call.url_from);
  request.method = call.method;
  request.headers = call.headers;
  // Digests are over the bytes as stored: nobody may compress them on the way.
  request.headers.set("Accept-Encoding", "identity");
  if (!authorization.empty()) request.headers.set("Authorization", std::string(authorization.reveal()));
  request.body = call.body;
  ToldSource stream(call.stream);
  if (call.stream != nullptr) request.stream = &stream;
  request.stream_length = call.stream_length;
  request.max_redirects = call.redirects;
  request.header_timeout = call.header_timeout;
  net::Url asked = url;
  request.asked = &asked;
  std::unique_ptr<net::Response> response;
  try {
    response = co_await http_.send(std::move(request));
  } catch (const Error& error) {
    // The failure of a storage that it sent us to is not the registry's.
    if (!stream.failed() && asked.same_origin(endpoint.base)) passage.failed(error);
    throw;
  }
  if (response->url().same_origin(endpoint.base)) {
    passage.answered(*response, call.method == "HEAD");
    tell_warnings(endpoint, *response);
  } else if (url.same_origin(endpoint.base)) {
    passage.sent_elsewhere();
  }
  co_return response;
}

void Session::tell_warnings(const Endpoint& endpoint, const net::Response& response) {
  for (const auto& text : warnings_.news(endpoint.registry, response.headers()))
    spdlog::warn("{} warns: {}", printable(endpoint.registry, 200), text);
}

Task<bool> Session::learn(Gates::Passage& passage, Endpoint& endpoint, const Call& call,
                          const net::Response& response, Secret sent, std::string path) {
  auto learned = learned_from(response);
  // Some registries (gcr.io) send a 401 without a challenge; the one of /v2/ holds for all.
  if (!learned) learned = auth_.known(endpoint.registry);
  if (!learned) {
    Call ping;
    const auto answer = co_await exchange(passage, endpoint, ping, endpoint.base, Secret());
    if (answer->status() == 401) learned = learned_from(*answer);
    co_await drain(*answer);
  }
  if (!learned) co_return false;
  co_await look_up(endpoint, std::move(path));
  co_return auth_.refused(endpoint, call.scopes, sent, *learned);
}

Task<> Session::check(const Gates::Passage& passage, const Endpoint& endpoint, const Call& call,
                      net::Response& response, Secret sent) {
  const int status = response.status();
  const bool expected = std::find(call.expected.begin(), call.expected.end(), status) != call.expected.end();
  const bool page = status < 300 && content_type(response.headers()) == "text/html" && !call.html_allowed;
  if (expected && !page) co_return;

  std::string body = co_await read_beginning(response, max_error_body);
  if (shows(body, sent)) body.clear();
  const std::string who = printable(response.url().authority(), 200);
  if (page)
    throw Error(ErrorKind::corrupt, who + " answered " + std::to_string(status) +
                                        " with a web page instead of a registry's answer " +
                                        quoted_beginning(body));
  const bool at_home = response.url().same_origin(endpoint.base);
  const auto codes = error_codes(body);
  Error error = error_from(who, status, response.headers(), body, clock_.now());
  if (at_home)
    error = Error(error.kind(), error.what() + hint(response.url(), status, codes), error.retry_after());
  if (at_home && (status == 429 || status == 503)) error = passage.with_pause(error);
  // Signed URLs of a storage behind the registry end after minutes: a later try gets a fresh one.
  if ((status == 401 || status == 403) && !at_home) throw Error(ErrorKind::unavailable, error.what());
  // Some stores show a blob a moment after it was pushed; and one that was collected meanwhile comes with the
  // next try.
  const bool lacks_blob = std::any_of(codes.begin(), codes.end(), [](const auto& code) {
    return code == "MANIFEST_BLOB_UNKNOWN" || code == "BLOB_UNKNOWN";
  });
  if (call.method == "PUT" && lacks_blob) throw Error(ErrorKind::unavailable, error.what());
  throw error;
}

Task<std::string> read_beginning(net::Response& response, std::size_t limit) {
  std::string text(limit, '\0');
  std::size_t size = 0;
  try {
    while (size < limit) {
      const std::size_t more = co_await response.read(std::span<char>(text).subspan(size));
      if (more == 0) break;
      size += more;
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
  text.resize(size);
  co_return text;
}

Task<> drain(net::Response& response) {
  co_await read_beginning(response, max_error_body);
}

}  // namespace sluice::registry
