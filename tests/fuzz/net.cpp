// HTTP as bytes: heads, framing, chunks, URLs, proxies and encodings.

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/client.hpp"
#include "net/framing.hpp"
#include "net/head.hpp"
#include "net/proxy.hpp"
#include "net/redirect.hpp"
#include "net/target.hpp"
#include "net/url.hpp"
#include "target.hpp"

#include <algorithm>
#include <map>

using namespace sluice;
using namespace sluice::fuzz;

namespace {

void check_fields(const net::Headers& headers) {
  for (const auto& [name, value] : headers.fields())
    HOLDS(net::is_token(name) && net::is_field_value(value));
}

/// What a lenient reader of the same head would see: every line break ends a line, white space and control
/// characters around names do not count. Somebody in front of us may be such a reader (request smuggling).
std::vector<std::string> lenient_values(std::string_view head, std::string_view wanted) {
  constexpr std::string_view ignored = " \t\r\v\f";
  std::vector<std::string> values;
  take_line(head);
  while (!head.empty()) {
    auto line = take_line(head);
    if (trimmed(line, ignored).empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    if (same_without_case(trimmed(line.substr(0, colon), ignored), wanted))
      values.emplace_back(trimmed(line.substr(std::min(colon + 1, line.size())), ignored));
  }
  return values;
}

void check_unambiguous(std::string_view head, const net::Framing& framing) {
  const auto lengths = lenient_values(head, "Content-Length");
  const auto codings = lenient_values(head, "Transfer-Encoding");
  HOLDS(lengths.size() <= 1 && codings.size() <= 1);
  HOLDS(lengths.empty() || codings.empty());
  if (!codings.empty())
    HOLDS(lower(codings.front()) == "chunked" && framing.kind == net::Framing::Kind::chunked);
  if (!lengths.empty())
    HOLDS(!lengths.front().empty() &&
          std::ranges::all_of(lengths.front(), [](char c) { return c >= '0' && c <= '9'; }));
}

struct Decoded {
  std::string payload;
  std::size_t consumed = 0;
  bool done = false;
  bool refused = false;
};

Decoded decode(std::string_view bytes, std::size_t piece) {
  Decoded result;
  net::ChunkDecoder decoder;
  try {
    while (!bytes.empty() && !decoder.done()) {
      std::vector<char> buffer(bytes.begin(),
                               bytes.begin() + static_cast<std::ptrdiff_t>(std::min(piece, bytes.size())));
      const auto step = decoder.decode(buffer);
      HOLDS(step.payload <= step.consumed && step.consumed <= buffer.size());
      HOLDS(decoder.done() || step.consumed == buffer.size());
      result.payload.append(buffer.data(), step.payload);
      result.consumed += step.consumed;
      bytes.remove_prefix(step.consumed);
    }
  } catch (...) {
    judge_error();
    result.refused = true;
  }
  result.done = decoder.done();
  return result;
}

/// The pieces in which bytes arrive change nothing.
void check_chunks(std::string_view bytes) {
  const auto whole = decode(bytes, std::max<std::size_t>(bytes.size(), 1));
  const auto small = decode(bytes, 3);
  HOLDS(whole.done == small.done && whole.refused == small.refused);
  if (whole.refused) return;
  HOLDS(whole.payload == small.payload && whole.consumed == small.consumed);
}

}  // namespace

// As the server reads what arrives: head, framing, body, request target.
SLUICE_FUZZ_TARGET(net_server_request) {
  const auto size = net::head_size(input);
  if (!size) return;
  HOLDS(*size <= input.size() && input.substr(0, *size).ends_with("\r\n\r\n"));
  const auto bytes = input.substr(0, *size);
  const auto head = attempt([&] { return net::parse_request_head(bytes); });
  if (!head) return;
  HOLDS(head->minor == 0 || head->minor == 1);
  HOLDS(net::is_token(head->method));
  check_fields(head->headers);
  const auto start = head->method + " " + head->target + " HTTP/1." + std::to_string(head->minor);
  const auto again = net::parse_request_head(net::serialize(start, head->headers));
  HOLDS(again.headers.fields() == head->headers.fields() && again.target == head->target);
  if (const auto target = net::parse_target(head->target)) {
    HOLDS(target->path.starts_with('/') && target->path.find('\0') == std::string::npos);
  }
  const auto framing = attempt([&] { return net::request_framing(*head); });
  if (!framing) return;
  HOLDS(framing->kind != net::Framing::Kind::until_close);
  check_unambiguous(bytes, *framing);
  if (framing->kind == net::Framing::Kind::chunked) check_chunks(input.substr(*size));
}

// As the client reads what arrives, and where a redirect leads.
SLUICE_FUZZ_TARGET(net_client_answer) {
  HOLDS(!input.starts_with("HTTP/1.1 200 OK\r\n") || net::may_be_response(input));
  const auto size = net::head_size(input);
  if (!size) return;
  const auto head = attempt([&] { return net::parse_response_head(input.substr(0, *size)); });
  if (!head) return;
  HOLDS(head->status >= 100 && head->status <= 999);
  check_fields(head->headers);
  HOLDS(!attempt([&] { return net::response_framing(*head, true); }) ||
        net::response_framing(*head, true).kind == net::Framing::Kind::none);
  const auto framing = attempt([&] { return net::response_framing(*head, false); });
  if (framing && framing->kind == net::Framing::Kind::chunked) check_chunks(input.substr(*size));

  net::Request request;
  request.url = net::Url::parse("https://registry.example.com/v2/");
  request.headers.add("Authorization", "Bearer secret");
  const auto next =
      attempt([&] { return net::follow(request, head->status, head->headers, net::AddressClass::global); });
  if (!next || !*next) return;
  HOLDS((*next)->url.scheme == "https");
  if (!(*next)->url.same_origin(request.url)) {
    HOLDS(!(*next)->headers.get("Authorization"));
    HOLDS(!(*next)->reach.named_by.empty());
  }
}

SLUICE_FUZZ_TARGET(net_chunks) {
  check_chunks(input);
  // What is written in chunks is read.
  const auto size = input.size();
  char digits[32];
  std::snprintf(digits, sizeof digits, "%zx", size);
  const auto encoded =
      (size == 0 ? std::string() : std::string(digits) + "\r\n" + std::string(input) + "\r\n") +
      "0\r\n\r\nrest";
  const auto decoded = decode(encoded, 5);
  HOLDS(decoded.done && !decoded.refused && decoded.payload == input &&
        decoded.consumed == encoded.size() - 4);
}

// A URL in the first line, and what is resolved against it in the second.
SLUICE_FUZZ_TARGET(net_url) {
  auto rest = input;
  const auto first = take_line(rest);
  const auto location = take_line(rest);
  const auto url = attempt([&] { return net::Url::parse(first); });
  const auto base =
      url.value_or(net::Url::parse("https://registry.example.com/v2/library/node/tags/list?n=5"));
  if (url) {
    HOLDS(net::Url::parse(url->text()) == *url);
    HOLDS(is_showable(url->text()));
    HOLDS(url->scheme == "http" || url->scheme == "https");
    HOLDS(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
    HOLDS(url->host.find_first_of("@/?#\\ %") == std::string::npos);
    HOLDS(url->without_query().find('?') == std::string::npos);
  }
  const auto resolved = attempt([&] { return base.resolve(location); });
  if (resolved) {
    HOLDS(resolved->scheme == "http" || resolved->scheme == "https");
    HOLDS(net::Url::parse(resolved->text()) == *resolved);
  }
}

// HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY a line each, then URLs.
SLUICE_FUZZ_TARGET(net_proxy) {
  auto rest = input;
  std::map<std::string, std::string> environment;
  for (const char* name : {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"})
    environment[name] = std::string(take_line(rest));
  const auto read = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  };
  if (const auto proxy = attempt([&] { return net::Proxy::parse(environment["HTTPS_PROXY"]); })) {
    const auto again = net::Proxy::parse(proxy->text());
    HOLDS(again.host == proxy->host && again.port == proxy->port && again.kind == proxy->kind);
    HOLDS(is_showable(proxy->text()));
  }
  const auto proxies = attempt([&] { return net::proxies_from(read); });
  if (!proxies) return;
  for (const auto* local : {"http://127.0.0.1/", "https://localhost:5000/", "http://[::1]:80/"})
    HOLDS(!proxies->choose(net::Url::parse(local)));
  for (const auto& line : lines_of(rest, 4))
    if (const auto url = attempt([&] { return net::Url::parse(line); }))
      static_cast<void>(proxies->choose(*url));
}

SLUICE_FUZZ_TARGET(net_coding) {
  HOLDS(net::base64_decode(net::base64_encode(input)) == input);
  HOLDS(net::percent_decode(net::percent_encode(input)) == input);
  HOLDS(net::percent_encode(input).find_first_of(" /?&=#+\r\n") == std::string::npos);
  if (const auto bytes = net::base64_decode(input))
    HOLDS(net::base64_decode(net::base64_encode(*bytes)) == bytes);
  if (const auto bytes = net::percent_decode(input)) HOLDS(bytes->size() <= input.size());
  HOLDS(net::equal_secret(input, input));
  if (const auto target = net::parse_target(input)) HOLDS(target->path.starts_with('/'));
}
