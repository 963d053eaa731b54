#include "registry/ecr.hpp"

#include "core/error.hpp"
#include "net/http.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr double hour = 3600;

std::string_view next_label(std::string_view& rest) {
  const auto label = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  return label;
}

bool is_account(std::string_view label) {
  return label.size() == 12 && label.find_first_not_of("0123456789") == label.npos;
}

bool is_region(std::string_view label) {
  return !label.empty() && label.size() <= 32 &&
         label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == label.npos;
}

std::string ecr_api_host(bool fips, std::string_view region, std::string_view domain) {
  const std::string where(region);
  if (domain == "on.aws") return (fips ? "ecr-fips." : "ecr.") + where + ".api.aws";
  return (fips ? "ecr-fips." : "api.ecr.") + where + "." + std::string(domain);
}

[[noreturn]] void refuse_ecr_token() {
  throw Error(ErrorKind::corrupt, "the answer of Amazon ECR holds no login");
}

}  // namespace

std::optional<EcrHost> parse_ecr_host(std::string_view host) {
  const auto account = next_label(host);
  auto kind = std::string(next_label(host));
  if (kind == "dkr") kind += "-" + std::string(next_label(host));
  const bool fips = kind == "dkr-ecr-fips";
  const auto region = next_label(host);
  const bool domain = host == "amazonaws.com" || host == "amazonaws.com.cn" || host == "on.aws";
  if (!is_account(account) || !(fips || kind == "dkr-ecr") || !is_region(region) || !domain)
    return std::nullopt;
  return EcrHost{std::string(account), std::string(region), ecr_api_host(fips, region, host)};
}

EcrLogin parse_ecr_answer(std::string_view body, Time now) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("authorizationData") || !json["authorizationData"].is_array() ||
      json["authorizationData"].empty() || !json["authorizationData"][0].is_object())
    refuse_ecr_token();
  const auto& data = json["authorizationData"][0];
  const auto token = data.find("authorizationToken");
  if (token == data.end() || !token->is_string()) refuse_ecr_token();
  const auto pair = net::base64_decode(token->get_ref<const std::string&>());
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos || colon == 0 || colon + 1 == pair->size()) refuse_ecr_token();

  // Seconds since 1970, with a fraction. Without, or by a clock that differs much: an hour.
  const auto expires = data.find("expiresAt");
  const double today = std::chrono::duration<double>(now.time_since_epoch()).count();
  double seconds = expires != data.end() && expires->is_number() ? expires->get<double>() - today : hour;
  if (!(seconds > 0)) seconds = hour;
  seconds = std::min(seconds, 12 * hour);
  EcrLogin login;
  login.credentials.username = pair->substr(0, colon);
  login.credentials.password = Secret(pair->substr(colon + 1));
  login.credentials.own_host_only = true;
  login.lifetime = Milliseconds(static_cast<Milliseconds::rep>(seconds * 1000));
  return login;
}

}  // namespace sluice::registry
