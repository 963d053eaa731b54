#include "net/head.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <memory_resource>
#include <tuple>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace http = boost::beast::http;

using Allocator = std::pmr::polymorphic_allocator<char>;

/// A parser with room for the fields of a head: Beast allocates for each of them.
template <bool is_request>
class Parser {
 public:
  auto& operator*() { return parser_; }
  auto* operator->() { return &parser_; }

 private:
  std::array<char, 4096> first_;
  std::pmr::monotonic_buffer_resource room_{first_.data(), first_.size()};
  http::parser<is_request, http::empty_body, Allocator> parser_{std::piecewise_construct, std::make_tuple(),
                                                                std::make_tuple(Allocator(&room_))};
};

std::string text_of(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

template <class Message>
Headers headers_of(const Message& message) {
  Headers headers;
  headers.reserve(static_cast<std::size_t>(std::distance(message.begin(), message.end())));
  for (const auto& field : message)
    headers.add(text_of(field.name_string()), text_of(field.value()));
  return headers;
}

// Callers limit the size; Beast's own limits would only add a second error for the same thing.
template <bool is_request>
void feed(http::parser<is_request, http::empty_body, Allocator>& parser, std::string_view bytes) {
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser.body_limit(boost::none);
  parser.skip(true);
  boost::system::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (!error && (!parser.is_header_done() || used != bytes.size())) error = http::error::partial_message;
  if (error)
    throw Error(ErrorKind::corrupt, fmt::format("malformed HTTP header ({}), it begins with \"{}\"",
                                                error.message(), printable(bytes, 80)));
}

bool is_token_character(char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::size_t> head_size(std::string_view bytes, std::size_t searched) {
  const std::size_t from = searched > 3 ? searched - 3 : 0;
  const auto at = bytes.find("\r\n\r\n", from);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 4;
}

bool may_be_response(std::string_view bytes) {
  constexpr std::string_view start = "HTTP/1.";
  return bytes.substr(0, start.size()) == start.substr(0, bytes.size());
}

RequestHead parse_request_head(std::string_view bytes) {
  // Folded lines are read differently by different servers, which request smuggling lives on (RFC 9112 5.2).
  if (bytes.find("\n ") != std::string_view::npos || bytes.find("\n\t") != std::string_view::npos)
    throw Error(ErrorKind::corrupt, "a header field is folded over several lines");
  Parser<true> parser;
  feed(*parser, bytes);
  const auto& message = parser->get();
  RequestHead head;
  head.method = text_of(message.method_string());
  head.target = text_of(message.target());
  head.minor = static_cast<int>(message.version() % 10);
  head.headers = headers_of(message);
  return head;
}

ResponseHead parse_response_head(std::string_view bytes) {
  Parser<false> parser;
  feed(*parser, bytes);
  const auto& message = parser->get();
  ResponseHead head;
  head.status = static_cast<int>(message.result_int());
  head.minor = static_cast<int>(message.version() % 10);
  head.headers = headers_of(message);
  if (head.status < 100)
    throw Error(ErrorKind::corrupt, fmt::format("the status {} does not exist", head.status));
  return head;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value))
    throw Error(ErrorKind::invalid,
                fmt::format("the header field \"{}\" cannot be sent: control characters or a malformed name",
                            printable(name, 80)));
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string serialize(std::string_view start_line, const Headers& headers) {
  std::string text(start_line);
  text += "\r\n";
  for (const auto& [name, value] : headers.fields())
    append_field(text, name, value);
  text += "\r\n";
  return text;
}

bool has_token(const Headers& headers, std::string_view name, std::string_view token) {
  for (const std::string& value : headers.all(name)) {
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (same_without_case(trimmed(rest.substr(0, comma)), token)) return true;
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  return false;
}

}  // namespace sluice::net
