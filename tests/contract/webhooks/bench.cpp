#include "bench.hpp"

#include "core/error.hpp"
#include "net/url.hpp"
#include "support/eventually.hpp"
#include "support/run.hpp"
#include "triggers/trigger.hpp"
#include "watch/hook.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>

namespace sluice::test {
namespace {

class Document final : public net::Response {
 public:
  Document(net::Url url, std::string body) : url_(std::move(url)), body_(std::move(body)) {}
  int status() const override { return 200; }
  const net::Headers& headers() const override { return headers_; }
  const net::Url& url() const override { return url_; }
  std::optional<std::uint64_t> content_length() const override { return body_.size(); }
  Task<std::size_t> read(std::span<char> buffer) override {
    const auto count = body_.copy(buffer.data(), buffer.size());
    body_.erase(0, count);
    co_return count;
  }

 private:
  net::Url url_;
  net::Headers headers_;
  std::string body_;
};

std::filesystem::path new_folder() {
  std::string name = std::filesystem::temp_directory_path() / "sluice-webhooks-XXXXXX";
  if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  return name;
}

std::shared_ptr<const config::Config> parsed(const std::string& text,
                                             const std::map<std::string, std::string>& secrets) {
  config::SecretSources sources;
  sources.environment = [secrets](const std::string& name) -> std::optional<std::string> {
    const auto found = secrets.find(name);
    return found == secrets.end() ? std::nullopt : std::optional(found->second);
  };
  config::Parts parts;
  parts.webhook = watch::parse_hook;
  parts.triggers = triggers::table();
  auto loaded = config::parse(text, "sluice.yaml", parts, sources);
  if (!loaded.config) throw std::runtime_error(loaded.diagnostics.text());
  return loaded.config;
}

}  // namespace

Task<std::unique_ptr<net::Response>> Outside::send(net::Request request) {
  asked.push_back(request.url.text());
  const auto found = documents.find(request.url.text());
  if (found == documents.end()) throw Error(ErrorKind::unavailable, "cannot be reached");
  co_return std::make_unique<Document>(request.url, found->second);
}

HookBench::HookBench(const std::string& config, std::map<std::string, std::string> secrets)
    : folder(new_folder()) {
  store = store::Store::open({.path = folder / "sluice.db", .readers = 1, .new_instance = "instance"});
  engine = std::make_unique<engine::Engine>(engine::World{.clock = clock,
                                                          .random = random,
                                                          .workers = workers,
                                                          .launcher = launcher,
                                                          .http = outside,
                                                          .store = *store},
                                            parsed(config, secrets));
}

HookBench::~HookBench() {
  engine.reset();
  store.reset();
  std::filesystem::remove_all(folder);
}

void HookBench::play(std::function<Task<>()> story) {
  run([&](boost::asio::io_context& loop) -> Task<> {
    auto server =
        net::listen(loop.get_executor(), clock, net::TcpEndpoint{"127.0.0.1", 0}, engine->webhook_handler());
    port = server->port();
    client_ = net::make_client(clock, workers);
    bool ended = false;
    boost::asio::co_spawn(loop, server->serve(), [&](std::exception_ptr) { ended = true; });
    std::exception_ptr failure;
    try {
      co_await story();
    } catch (...) {
      failure = std::current_exception();
    }
    client_.reset();
    server->stop();
    co_await eventually([&] { return ended; });
    if (failure) std::rethrow_exception(failure);
  });
}

Task<HookAnswer> HookBench::send(std::string method, std::string target, net::Headers headers,
                                 std::string body) {
  net::Request request;
  request.method = method;
  request.url = net::Url::parse("http://127.0.0.1:" + std::to_string(port) + target);
  request.headers = std::move(headers);
  request.body = std::move(body);
  const auto response = co_await client_->send(std::move(request));
  HookAnswer answer{.status = response->status(), .headers = response->headers(), .body = {}};
  answer.body = co_await response->read_all(1 << 20);
  answer.headers.remove("Date");
  co_return answer;
}

Task<std::vector<std::string>> HookBench::owed() {
  auto query = [](store::Tables& tables) {
    std::vector<std::string> names;
    for (const auto& look : tables.webhooks.owed())
      names.push_back(look.pipeline);
    return names;
  };
  co_return co_await store->read(std::move(query));
}

Task<> HookBench::settle() {
  auto change = [](store::Tables& tables) {
    for (const auto& look : tables.webhooks.owed())
      tables.webhooks.looked(look.pipeline, look.receipt);
  };
  co_await store->write(std::move(change));
}

Task<int> HookBench::forget_receipts() {
  auto change = [](store::Tables& tables) { return tables.webhooks.forget(Time::max(), 1'000'000); };
  co_return co_await store->write(std::move(change));
}

}  // namespace sluice::test
