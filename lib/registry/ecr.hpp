#pragma once
// Amazon Elastic Container Registry as values. Pure.

#include "core/clock.hpp"
#include "registry/credentials.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::registry {

struct EcrHost {
  std::string account;  // 12 digits
  std::string region;   // "eu-west-1"
  std::string api;      // host of its API: "api.ecr.eu-west-1.amazonaws.com"
  bool operator==(const EcrHost&) const = default;
};

/// Reads the name of a private registry: <account>.dkr.ecr[-fips].<region>.amazonaws.com[.cn], or
/// <account>.dkr-ecr[-fips].<region>.on.aws (Amazon ECR, "endpoints and quotas"). Nullopt for any other.
std::optional<EcrHost> parse_ecr_host(std::string_view host);

struct EcrLogin {
  Credentials credentials;
  Milliseconds lifetime{};
};
/// The answer of GetAuthorizationToken (Amazon ECR API Reference): user and password in base64, and until
/// when. Throws Error(corrupt) without quoting it.
EcrLogin parse_ecr_answer(std::string_view body, Time now);

}  // namespace sluice::registry
