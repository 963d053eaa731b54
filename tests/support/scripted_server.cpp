#include "support/scripted_server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cctype>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <openssl/ssl.h>

namespace sluice::test {
namespace {

// Thrown through the script when its connection or the server ends.
struct Gone {};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

RecordedRequest parse(const std::string& head, int connection) {
  RecordedRequest request;
  request.connection = connection;
  const auto first = head.find(' ');
  const auto second = head.find(' ', first + 1);
  request.method = head.substr(0, first);
  request.target = head.substr(first + 1, second - first - 1);
  std::size_t at = head.find("\r\n") + 2;
  for (std::size_t end = head.find("\r\n", at); end != std::string::npos && end > at;
       end = head.find("\r\n", at)) {
    const std::string line = head.substr(at, end - at);
    const auto colon = line.find(':');
    const auto value = line.find_first_not_of(' ', colon + 1);
    request.headers[lower(line.substr(0, colon))] = value == std::string::npos ? "" : line.substr(value);
    at = end + 2;
  }
  return request;
}

using SslContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

SslContext load(const TlsFiles& files) {
  SslContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    throw std::runtime_error("the test server cannot load " + files.certificate.string());
  if (files.client_ca) {
    SSL_CTX_load_verify_file(context.get(), files.client_ca->c_str());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

}  // namespace

struct ScriptedServer::Impl {
  Script script;
  SslContext tls{nullptr, &SSL_CTX_free};
  int listener = -1;
  std::string address;
  std::uint16_t port = 0;
  std::atomic<bool> stopping = false;
  std::atomic<int> accepted = 0;
  mutable std::mutex mutex;
  std::vector<RecordedRequest> requests;
  std::thread acceptor;
  std::vector<std::thread> connections;

  void accept_loop();
  void run(int descriptor, int number);
};

namespace {

class Connection final : public Exchange {
 public:
  Connection(int descriptor, int number, SSL_CTX* context, const std::atomic<bool>& stopping,
             std::function<void(RecordedRequest)> record)
      : descriptor_(descriptor), number_(number), stopping_(stopping), record_(std::move(record)) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), descriptor_);
  }
  ~Connection() override {
    if (ssl_ && secured_ && !was_reset_) SSL_shutdown(ssl_.get());
    if (!was_reset_) finish();
    ::close(descriptor_);
  }

  void secure() {
    if (!ssl_) return;
    // The socket times out every 50 ms (see run()), so that the end of the test is noticed.
    while (true) {
      const int result = SSL_accept(ssl_.get());
      if (result == 1) break;
      if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ || stopping_) throw Gone{};
    }
    secured_ = true;
  }

  int connection() const override { return number_; }

  RecordedRequest read_request() override {
    RecordedRequest request = take_head();
    const auto length = request.headers.find("content-length");
    if (length != request.headers.end()) {
      request.body = read_bytes(std::stoull(length->second));
    } else if (request.headers.contains("transfer-encoding")) {
      std::size_t end = received_.find("0\r\n\r\n");
      for (; end == std::string::npos; end = received_.find("0\r\n\r\n"))
        receive();
      request.body = take(end + 5);
    }
    record_(request);
    return request;
  }

  RecordedRequest read_head() override {
    RecordedRequest request = take_head();
    record_(request);
    return request;
  }

  std::string read_bytes(std::size_t count) override {
    while (received_.size() < count)
      receive();
    return take(count);
  }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      if (stopping_) throw Gone{};
      const auto count = ssl_ ? SSL_write(ssl_.get(), bytes.data(),
                                          static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)))
                              : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        if (would_block(static_cast<int>(count))) continue;
        throw Gone{};
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void drip(std::string_view bytes, std::chrono::milliseconds pause) override {
    for (const char& byte : bytes) {
      for (auto until = std::chrono::steady_clock::now() + pause; std::chrono::steady_clock::now() < until;) {
        if (stopping_) throw Gone{};
        std::this_thread::sleep_for(std::min(pause, std::chrono::milliseconds(20)));
      }
      write(std::string_view(&byte, 1));
    }
  }

  void stall() override {
    while (true) {
      receive();
      received_.clear();
    }
  }

  void close() override { throw Gone{}; }

  void reset() override {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    was_reset_ = true;
    throw Gone{};
  }

 private:
  bool would_block(int result) {
    if (!ssl_) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    const int error = SSL_get_error(ssl_.get(), result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  void receive() {
    std::string buffer(65536, '\0');
    while (true) {
      if (stopping_) throw Gone{};
      const auto count = ssl_ ? SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()))
                              : ::recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (count > 0) {
        received_.append(buffer, 0, static_cast<std::size_t>(count));
        return;
      }
      if (count == 0 && !ssl_) throw Gone{};
      if (!would_block(static_cast<int>(count))) throw Gone{};
    }
  }

  RecordedRequest take_head() {
    std::size_t end = received_.find("\r\n\r\n");
    for (; end == std::string::npos; end = received_.find("\r\n\r\n"))
      receive();
    return parse(take(end + 4), number_);
  }

  std::string take(std::size_t count) {
    std::string taken = received_.substr(0, count);
    received_.erase(0, count);
    return taken;
  }

  // An orderly end that does not destroy what we wrote last when bytes of the peer are still unread.
  void finish() {
    ::shutdown(descriptor_, SHUT_WR);
    char unread[4096];
    for (int rounds = 0; rounds < 20 && !stopping_; ++rounds) {
      const auto count = ::recv(descriptor_, unread, sizeof unread, 0);
      if (count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) return;
    }
  }

  int descriptor_;
  int number_;
  const std::atomic<bool>& stopping_;
  std::function<void(RecordedRequest)> record_;
  Ssl ssl_{nullptr, &SSL_free};
  bool secured_ = false;
  bool was_reset_ = false;
  std::string received_;
};

}  // namespace

void ScriptedServer::Impl::accept_loop() {
  while (!stopping) {
    pollfd waiting{listener, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) continue;
    const int number = accepted++;
    connections.emplace_back([this, descriptor, number] { run(descriptor, number); });
  }
}

void ScriptedServer::Impl::run(int descriptor, int number) {
  const timeval slice{0, 50'000};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice);
  auto record = [this](RecordedRequest request) {
    std::lock_guard lock(mutex);
    requests.push_back(std::move(request));
  };
  try {
    Connection connection(descriptor, number, tls.get(), stopping, record);
    try {
      connection.secure();
      script(connection);
    } catch (const Gone&) {
      // The script ends with its connection.
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "a test server's script failed: %s\n", error.what());
  }
}

ScriptedServer::ScriptedServer(Script script, std::optional<TlsFiles> tls, std::string address)
    : impl_(std::make_unique<Impl>()) {
  impl_->address = std::move(address);
  impl_->script = std::move(script);
  if (tls) impl_->tls = load(*tls);
  impl_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  ::inet_pton(AF_INET, impl_->address.c_str(), &name.sin_addr);
  socklen_t size = sizeof name;
  if (impl_->listener < 0 || ::bind(impl_->listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(impl_->listener, 64) != 0 ||
      ::getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&name), &size) != 0)
    throw std::runtime_error("the test server cannot listen on " + impl_->address);
  impl_->port = ntohs(name.sin_port);
  impl_->acceptor = std::thread([impl = impl_.get()] { impl->accept_loop(); });
}

ScriptedServer::~ScriptedServer() {
  impl_->stopping = true;
  impl_->acceptor.join();
  for (auto& connection : impl_->connections)
    connection.join();
  ::close(impl_->listener);
}

std::uint16_t ScriptedServer::port() const {
  return impl_->port;
}

std::string ScriptedServer::authority() const {
  return impl_->address + ":" + std::to_string(port());
}

std::string ScriptedServer::url(std::string_view target) const {
  return (impl_->tls ? "https://" : "http://") + authority() + std::string(target);
}

std::vector<RecordedRequest> ScriptedServer::requests() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

int ScriptedServer::connections() const {
  return impl_->accepted;
}

void Exchange::answer(int status, std::string_view body, std::string_view extra_headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
  text += extra_headers;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  write(text);
}

ScriptedServer::Script answer_all(std::function<void(Exchange&, const RecordedRequest&)> answer) {
  return [answer = std::move(answer)](Exchange& exchange) {
    while (true) {
      const RecordedRequest request = exchange.read_request();
      answer(exchange, request);
    }
  };
}

}  // namespace sluice::test
