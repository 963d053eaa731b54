#pragma once
// AWS Signature Version 4 ("Create a signed AWS API request", AWS General Reference). Pure.

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

#include <string>
#include <string_view>

namespace sluice::registry {

struct AwsKeys {
  std::string id;
  Secret secret;
  Secret session_token;  // of temporary keys, else empty
};

struct SigningScope {
  std::string region;   // "eu-west-1"
  std::string service;  // "ecr"
  Time at;
};

/// The headers that make the request a signed one: X-Amz-Date, X-Amz-Security-Token where there is a session
/// token, and Authorization. All of `headers` are signed, and Host as the URL has it; nothing may be changed
/// afterwards. The path is signed as it stands in the URL, encoded once more as every service but S3 wants.
net::Headers sign_v4(const AwsKeys& keys, const SigningScope& scope, std::string_view method,
                     const net::Url& url, const net::Headers& headers, std::string_view body);

}  // namespace sluice::registry
