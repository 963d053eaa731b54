#pragma once
// Listening sockets. Room-internal.

#include "net/server.hpp"
#include "net/stream.hpp"

#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>

namespace sluice::net {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// Binds and listens. Throws Error(unavailable) with address and reason, Error(invalid) for a malformed
/// address.
Acceptor listen_on(const boost::asio::any_io_executor& executor, const TcpEndpoint& endpoint);
Acceptor listen_on(const boost::asio::any_io_executor& executor, const UnixEndpoint& endpoint);

std::uint16_t port_of(const Acceptor& acceptor);

/// Who is on the other side: the IP address, or "uid:<n>" on a Unix socket.
std::string peer_of(Socket& socket);

/// Device and inode of a file, so that we remove only our own socket file.
std::optional<std::pair<std::uint64_t, std::uint64_t>> identity_of(const std::filesystem::path& path);

}  // namespace sluice::net
