#include "net/listener.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace asio = boost::asio;

[[noreturn]] void cannot_listen(const std::string& where, const std::string& reason) {
  throw Error(ErrorKind::unavailable, fmt::format("cannot listen on {}: {}", where, reason));
}

std::string errno_text() {
  return std::generic_category().message(errno);
}

sockaddr_un socket_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path)
    throw Error(ErrorKind::invalid, fmt::format("the socket path \"{}\" must have 1 to {} bytes",
                                                printable(path), sizeof name.sun_path - 1));
  std::memcpy(name.sun_path, path.data(), path.size());
  return name;
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

// A daemon that was killed leaves its socket file behind; one that answers is a second daemon.
void clear_stale(const std::string& path, const sockaddr_un& name) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) cannot_listen(path, "the file exists and is not a socket");
  Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) cannot_listen(path, errno_text());
  const bool refused = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
                       errno == ECONNREFUSED;
  if (!refused) cannot_listen(path, "address already in use");
  if (::unlink(path.c_str()) != 0) cannot_listen(path, errno_text());
}

}  // namespace

Acceptor listen_on(const asio::any_io_executor& executor, const TcpEndpoint& endpoint) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.address, error);
  if (error)
    throw Error(ErrorKind::invalid,
                fmt::format("cannot listen on \"{}\": not an IP address", printable(endpoint.address)));
  const asio::ip::tcp::endpoint at(address, endpoint.port);
  const std::string where = address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.port)
                                            : fmt::format("{}:{}", address.to_string(), endpoint.port);
  Acceptor acceptor(executor);
  asio::generic::stream_protocol protocol(at.protocol());
  acceptor.open(protocol, error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) cannot_listen(where, error.message());
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  return acceptor;
}

Acceptor listen_on(const asio::any_io_executor& executor, const UnixEndpoint& endpoint) {
  const std::string path = endpoint.path.string();
  const sockaddr_un name = socket_name(path);
  clear_stale(path, name);
  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (descriptor.get() < 0 ||
      ::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    cannot_listen(path, errno_text());
  // Nobody can connect before listen(), so the mode is right from the first connection, whatever the umask.
  if (::chmod(path.c_str(), static_cast<mode_t>(endpoint.mode)) != 0 ||
      ::listen(descriptor.get(), asio::socket_base::max_listen_connections) != 0) {
    const std::string reason = errno_text();
    ::unlink(path.c_str());
    cannot_listen(path, reason);
  }
  Acceptor acceptor(executor);
  acceptor.assign(asio::generic::stream_protocol(AF_UNIX, 0), descriptor.get());
  descriptor.release();
  return acceptor;
}

std::uint16_t port_of(const Acceptor& acceptor) {
  const auto endpoint = acceptor.local_endpoint();
  if (endpoint.protocol().family() == AF_UNIX) return 0;
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  return tcp.port();
}

std::string peer_of(Socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  if (endpoint.protocol().family() == AF_UNIX) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    const int descriptor = socket.native_handle();
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return "unknown";
    return fmt::format("uid:{}", credentials.uid);
  }
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), endpoint.data(), std::min(endpoint.size(), tcp.capacity()));
  return tcp.address().to_string();
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> identity_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return std::pair<std::uint64_t, std::uint64_t>(status.st_dev, status.st_ino);
}

}  // namespace sluice::net
