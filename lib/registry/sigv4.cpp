#include "registry/sigv4.hpp"

#include "core/text.hpp"
#include "net/signature.hpp"
#include "oci/digest.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include <spdlog/fmt/fmt.h>

namespace sluice::registry {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string sha256_hex(std::string_view bytes) {
  const auto digest = oci::Digest::of(bytes);
  return std::string(digest.hex());
}

// "20150830T123600Z"
std::string timestamp(Time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string canonical_path(std::string_view path) {
  std::string text;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    text += net::percent_encode(path.substr(0, slash));
    if (slash < path.size()) text += '/';
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return text.empty() ? "/" : text;
}

std::string canonical_query(std::string_view query) {
  const auto encoded = [](std::string_view part) {
    return net::percent_encode(net::percent_decode(part).value_or(std::string(part)));
  };
  std::vector<std::string> pairs;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    const auto equals = std::min(pair.find('='), pair.size());
    if (!pair.empty())
      pairs.push_back(encoded(pair.substr(0, equals)) + "=" +
                      encoded(pair.substr(std::min(equals + 1, pair.size()))));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& pair : pairs)
    text += (text.empty() ? "" : "&") + pair;
  return text;
}

// Without spaces around, and with one where there are many.
std::string folded(std::string_view value) {
  std::string text;
  for (const char c : value)
    if (c != ' ' || (!text.empty() && text.back() != ' ')) text += c;
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

std::map<std::string, std::string> canonical_headers(const net::Headers& headers) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : headers.fields()) {
    auto& joined = sorted[lower(name)];
    joined += (joined.empty() ? "" : ",") + folded(value);
  }
  return sorted;
}

}  // namespace

net::Headers sign_v4(const AwsKeys& keys, const SigningScope& scope, std::string_view method,
                     const net::Url& url, const net::Headers& headers, std::string_view body) {
  net::Headers added;
  const std::string time = timestamp(scope.at);
  added.add("X-Amz-Date", time);
  if (!keys.session_token.empty())
    added.add("X-Amz-Security-Token", std::string(keys.session_token.reveal()));

  net::Headers all = headers;
  all.set("Host", url.authority());
  for (const auto& [name, value] : added.fields())
    all.add(name, value);
  std::string lines;
  std::string names;
  for (const auto& [name, value] : canonical_headers(all)) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }

  const auto question = std::min(url.target.find('?'), url.target.size());
  const std::string query = url.target.substr(std::min(question + 1, url.target.size()));
  const std::string request = std::string(method) + "\n" + canonical_path(url.target.substr(0, question)) +
                              "\n" + canonical_query(query) + "\n" + lines + "\n" + names + "\n" +
                              sha256_hex(body);

  const std::string day = time.substr(0, 8);
  const std::string where = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string text = std::string(algorithm) + "\n" + time + "\n" + where + "\n" + sha256_hex(request);
  Secret key("AWS4" + std::string(keys.secret.reveal()));
  for (const std::string& part : {day, scope.region, scope.service, std::string("aws4_request")})
    key = Secret(net::hmac(net::Hash::sha256, key.reveal(), part));
  const std::string signature = net::hex_encode(net::hmac(net::Hash::sha256, key.reveal(), text));
  added.add("Authorization", std::string(algorithm) + " Credential=" + keys.id + "/" + where +
                                 ", SignedHeaders=" + names + ", Signature=" + signature);
  return added;
}

}  // namespace sluice::registry
