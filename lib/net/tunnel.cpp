#include "net/tunnel.hpp"

#include "core/text.hpp"
#include "net/head.hpp"

#include <array>

#include <boost/asio/ip/address.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace asio = boost::asio;

Task<> write_whole(Stream& stream, std::string bytes) {
  std::string_view left = bytes;
  while (!left.empty()) {
    const asio::const_buffer buffer(left.data(), left.size());
    left.remove_prefix(co_await stream.write_some(buffer));
  }
}

Task<std::size_t> read_piece(Stream& stream, char* to, std::size_t size) {
  const asio::mutable_buffer buffer(to, size);
  co_return co_await stream.read_some(buffer);
}

Task<std::string> read_exactly(Stream& stream, std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t have = 0; have < count;)
    have += co_await read_piece(stream, bytes.data() + have, count - have);
  co_return bytes;
}

std::string connect_request(const Proxy& proxy, const std::string& host, std::uint16_t port) {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const std::string target = fmt::format("{}:{}", name, port);
  Headers headers{{"Host", target}};
  const Secret credentials = proxy_authorization(proxy);
  if (!credentials.empty()) headers.add("Proxy-Authorization", std::string(credentials.reveal()));
  return serialize("CONNECT " + target + " HTTP/1.1", headers);
}

Task<> connect(Stream& stream, Proxy proxy, std::string host, std::uint16_t port) {
  std::string request = connect_request(proxy, host, port);
  co_await write_whole(stream, std::move(request));
  std::string answer;
  std::optional<std::size_t> size;
  while (!size) {
    if (!may_be_response(answer))
      throw Error(ErrorKind::corrupt, fmt::format("it does not speak HTTP, its answer begins with \"{}\"",
                                                  printable(answer, 80)));
    if (answer.size() >= connect_answer_limit)
      throw Error(ErrorKind::corrupt,
                  fmt::format("the header of its answer is larger than {} bytes", connect_answer_limit));
    const std::size_t before = answer.size();
    answer.resize(std::min(before + 2048, connect_answer_limit));
    const std::size_t count = co_await read_piece(stream, answer.data() + before, answer.size() - before);
    answer.resize(before + count);
    size = head_size(answer, before);
  }
  const int status = parse_response_head(std::string_view(answer).substr(0, *size)).status;
  if (status < 200 || status > 299) throw proxy_refusal(status);
  // In TLS it is we who speak first: these bytes are not the target's.
  if (answer.size() > *size) throw Error(ErrorKind::corrupt, "it sends bytes of its own through the tunnel");
}

// RFC 1928 6.
Error socks_refusal(int code) {
  switch (code) {
    case 2:
      return {ErrorKind::denied, "its rules do not allow this connection"};
    case 3:
      return {ErrorKind::unavailable, "it found the network unreachable"};
    case 4:
      return {ErrorKind::unavailable, "it found the host unreachable"};
    case 5:
      return {ErrorKind::unavailable, "the target refused its connection"};
    case 6:
      return {ErrorKind::unavailable, "it got no answer from the target (TTL expired)"};
    case 7:
      return {ErrorKind::invalid, "it does not support connections for its clients"};
    case 8:
      return {ErrorKind::invalid, "it does not support this type of address"};
    default:
      return {ErrorKind::unavailable, fmt::format("it failed (SOCKS5 answer {})", code)};
  }
}

int byte_at(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

Task<> log_in(Stream& stream, Proxy proxy) {
  const std::string_view password = proxy.password.reveal();
  std::string message = "\x01";
  message += static_cast<char>(proxy.username.size());
  message += proxy.username;
  message += static_cast<char>(password.size());
  message += password;
  co_await write_whole(stream, std::move(message));
  const std::string answer = co_await read_exactly(stream, 2);
  if (answer[1] != 0)
    throw Error(ErrorKind::unauthorized, "it refused the user name and password; check those of the proxy");
}

std::string socks_target(const std::string& host, std::uint16_t port) {
  boost::system::error_code is_name;
  const auto address = asio::ip::make_address(host, is_name);
  std::string text;
  if (is_name) {
    text = '\x03';
    text += static_cast<char>(host.size());
    text += host;
  } else if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    text = '\x01' + std::string(bytes.begin(), bytes.end());
  } else {
    const auto bytes = address.to_v6().to_bytes();
    text = '\x04' + std::string(bytes.begin(), bytes.end());
  }
  text += static_cast<char>(port >> 8);
  text += static_cast<char>(port & 0xff);
  return text;
}

Task<> socks(Stream& stream, Proxy proxy, std::string host, std::uint16_t port) {
  const bool has_credentials = !proxy.username.empty();
  std::string greeting =
      has_credentials ? std::string("\x05\x02\x00\x02", 4) : std::string("\x05\x01\x00", 3);
  co_await write_whole(stream, std::move(greeting));
  const std::string method = co_await read_exactly(stream, 2);
  if (method[0] != 5) throw Error(ErrorKind::corrupt, "it does not speak SOCKS5");
  if (byte_at(method, 1) == 2 && has_credentials)
    co_await log_in(stream, proxy);
  else if (method[1] != 0)
    throw Error(ErrorKind::unauthorized, has_credentials
                                             ? "it accepts no user name and password"
                                             : "it wants a user name and password; configure them");
  std::string request("\x05\x01\x00", 3);
  request += socks_target(host, port);
  co_await write_whole(stream, std::move(request));
  const std::string answer = co_await read_exactly(stream, 4);
  if (answer[0] != 5) throw Error(ErrorKind::corrupt, "it does not speak SOCKS5");
  if (answer[1] != 0) throw socks_refusal(byte_at(answer, 1));
  // The address that it is bound to says nothing to us, but is in the way.
  std::size_t rest = 0;
  if (answer[3] == 1) rest = 4;
  if (answer[3] == 4) rest = 16;
  if (answer[3] == 3) {
    const std::string length = co_await read_exactly(stream, 1);
    rest = static_cast<std::size_t>(byte_at(length, 0));
  } else if (rest == 0) {
    throw Error(ErrorKind::corrupt, "it does not speak SOCKS5");
  }
  co_await read_exactly(stream, rest + 2);
}

}  // namespace

Task<> open_tunnel(Stream& stream, Proxy proxy, std::string host, std::uint16_t port) {
  if (proxy.kind == Proxy::Kind::http)
    co_await connect(stream, std::move(proxy), std::move(host), port);
  else
    co_await socks(stream, std::move(proxy), std::move(host), port);
}

Secret proxy_authorization(const Proxy& proxy) {
  if (proxy.username.empty()) return Secret();
  const Secret pair(proxy.username + ":" + std::string(proxy.password.reveal()));
  return Secret("Basic " + base64_encode(pair.reveal()));
}

Error proxy_refusal(int status) {
  if (status == 407)
    return {ErrorKind::unauthorized, "it wants other credentials (407); check those of the proxy"};
  if (status == 429) return {ErrorKind::rate_limited, "it answered 429"};
  if (status == 408 || status >= 500)
    return {ErrorKind::unavailable, fmt::format("it did not reach the target (it answered {})", status)};
  return {ErrorKind::denied, fmt::format("it refused the connection to the target (it answered {})", status)};
}

}  // namespace sluice::net
