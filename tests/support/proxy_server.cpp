#include "support/proxy_server.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace sluice::test {
namespace {

/// Closes what it holds.
struct Descriptor {
  explicit Descriptor(int open) : number(open) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(port);
  return name;
}

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in name = loopback(port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return socket;
  ::close(socket);
  return -1;
}

struct PeerGone {};

std::string basic_credentials(const std::string& text) {
  constexpr const char* letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = (group << 8U) | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U);
    for (unsigned i = 0; i < 4; ++i)
      out += at + i > text.size() ? '=' : letters[(group >> (18U - 6U * i)) & 63U];
  }
  return out;
}

std::uint16_t port_of(const std::string& authority) {
  return static_cast<std::uint16_t>(std::stoi(authority.substr(authority.rfind(':') + 1)));
}

}  // namespace

struct ProxyServer::Impl {
  ProxyWish wish;
  int listener = -1;
  std::uint16_t port = 0;
  std::atomic<bool> stopping = false;
  mutable std::mutex mutex;
  std::vector<std::string> asked;
  std::string heard;
  std::thread acceptor;
  std::vector<std::thread> clients;

  void accept_loop();
  void serve(int client);
  void serve_http(int client, std::string head);
  void serve_socks(int client);
  void relay(int client, int target);
  bool wait_readable(int one, int other);

  void note(std::string what) {
    std::lock_guard lock(mutex);
    asked.push_back(std::move(what));
  }
  void send(int to, const std::string& bytes) {
    if (::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
      throw PeerGone();
  }
  std::string read(int from, std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
      wait_readable(from, from);
      std::string piece(count - bytes.size(), '\0');
      const auto got = ::recv(from, piece.data(), piece.size(), 0);
      if (got <= 0) throw PeerGone();
      bytes.append(piece, 0, static_cast<std::size_t>(got));
    }
    std::lock_guard lock(mutex);
    heard += bytes;
    return bytes;
  }
};

bool ProxyServer::Impl::wait_readable(int one, int other) {
  while (!stopping) {
    pollfd waiting[] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
    if (::poll(waiting, 2, 20) > 0) return waiting[0].revents != 0;
  }
  throw PeerGone();
}

void ProxyServer::Impl::accept_loop() {
  while (!stopping) {
    pollfd waiting{listener, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) clients.emplace_back([this, client] { serve(client); });
  }
}

void ProxyServer::Impl::serve(int number) {
  const Descriptor client(number);
  try {
    const std::string first = read(number, 1);
    if (!wish.garbage.empty()) {
      send(number, wish.garbage);
      return;
    }
    while (wish.hangs)
      read(number, 1);
    if (first == "\x05")
      serve_socks(number);
    else
      serve_http(number, first);
  } catch (const PeerGone&) {
    // The client or the test is over.
  }
}

void ProxyServer::Impl::serve_http(int client, std::string head) {
  while (!head.ends_with("\r\n\r\n"))
    head += read(client, 1);
  const auto first_blank = head.find(' ');
  const auto second_blank = head.find(' ', first_blank + 1);
  const std::string method = head.substr(0, first_blank);
  std::string goal = head.substr(first_blank + 1, second_blank - first_blank - 1);
  note(method + " " + goal);
  const std::string pass =
      "Proxy-Authorization: Basic " + basic_credentials(wish.username + ":" + wish.password) + "\r\n";
  if (!wish.username.empty() && head.find(pass) == std::string::npos)
    return send(client, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  if (wish.refuse_with != 0)
    return send(client, "HTTP/1.1 " + std::to_string(wish.refuse_with) + " No\r\nContent-Length: 0\r\n\r\n");
  const bool tunnel = method == "CONNECT";
  if (!tunnel) goal = goal.substr(7, goal.find('/', 7) - 7);
  const Descriptor target(connect_to(port_of(goal)));
  if (target.number < 0) return send(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  if (tunnel)
    send(client, "HTTP/1.0 200 Connection established\r\nVia: test\r\n\r\n");
  else
    send(target.number, head);
  relay(client, target.number);
}

void ProxyServer::Impl::serve_socks(int client) {
  const auto count = static_cast<unsigned char>(read(client, 1)[0]);
  const std::string methods = read(client, count);
  if (!wish.username.empty()) {
    if (methods.find('\x02') == std::string::npos) return send(client, "\x05\xff");
    send(client, "\x05\x02");
    read(client, 1);
    const std::string name = read(client, static_cast<unsigned char>(read(client, 1)[0]));
    const std::string password = read(client, static_cast<unsigned char>(read(client, 1)[0]));
    const bool good = name == wish.username && password == wish.password;
    send(client, good ? std::string("\x01\x00", 2) : std::string("\x01\x01"));
    if (!good) return;
  } else {
    send(client, std::string("\x05\x00", 2));
  }
  const std::string request = read(client, 4);
  const bool named = request[3] == 3;
  std::string host;
  if (named) {
    host = read(client, static_cast<unsigned char>(read(client, 1)[0]));
  } else {
    const std::string bytes = read(client, request[3] == 1 ? 4 : 16);
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(request[3] == 1 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    host = text;
  }
  const std::string port_bytes = read(client, 2);
  const auto goal = static_cast<std::uint16_t>((static_cast<unsigned char>(port_bytes[0]) << 8) |
                                               static_cast<unsigned char>(port_bytes[1]));
  note(std::string("SOCKS ") + (named ? "name " : "address ") + host + ":" + std::to_string(goal));
  while (wish.ignores_ipv6 && request[3] == 4)
    read(client, 1);
  const int refusal = wish.refuses_ipv6 && request[3] == 4 ? 8 : wish.socks_code;
  const Descriptor target(refusal == 0 ? connect_to(goal) : -1);
  const int code = target.number >= 0 ? 0 : (refusal != 0 ? refusal : 5);
  // The bound address as a name: the longest way to say it.
  send(client, std::string("\x05") + static_cast<char>(code) + std::string("\x00\x03\x04here\x00\x01", 9));
  if (code == 0) relay(client, target.number);
}

void ProxyServer::Impl::relay(int client, int target) {
  std::string piece(64 * 1024, '\0');
  while (true) {
    const bool from_client = wait_readable(client, target);
    const int from = from_client ? client : target;
    const auto got = ::recv(from, piece.data(), piece.size(), 0);
    if (got <= 0) return;
    send(from_client ? target : client, piece.substr(0, static_cast<std::size_t>(got)));
  }
}

ProxyServer::ProxyServer(ProxyWish wish) : impl_(std::make_unique<Impl>()) {
  impl_->wish = std::move(wish);
  impl_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name = loopback(0);
  socklen_t size = sizeof name;
  if (impl_->listener < 0 || ::bind(impl_->listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(impl_->listener, 64) != 0 ||
      ::getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&name), &size) != 0)
    throw std::runtime_error("the test proxy cannot listen");
  impl_->port = ntohs(name.sin_port);
  impl_->acceptor = std::thread([impl = impl_.get()] { impl->accept_loop(); });
}

ProxyServer::~ProxyServer() {
  impl_->stopping = true;
  impl_->acceptor.join();
  for (auto& client : impl_->clients)
    client.join();
  ::close(impl_->listener);
}

std::string ProxyServer::url(const std::string& scheme, bool logged_in) const {
  const std::string login = logged_in ? impl_->wish.username + ":" + impl_->wish.password + "@" : "";
  return scheme + "://" + login + "127.0.0.1:" + std::to_string(impl_->port);
}

std::vector<std::string> ProxyServer::asked() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->asked;
}

std::string ProxyServer::heard() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->heard;
}

}  // namespace sluice::test
