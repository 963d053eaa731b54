#pragma once
// Amazon SNS signs what it sends
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html). Pure: the certificate is
// got by the caller.

#include "core/clock.hpp"
#include "net/url.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::watch {

struct SnsMessage {
  std::string topic;
  std::string region;           // of the topic
  std::string certificate_url;  // checked: an address of SNS in the topic's region
  std::string signed_text;
  std::string signature;  // raw bytes
  bool sha256 = false;
  Time at;
};

/// Throws Error(invalid) when it is not a message of SNS, or names a certificate somewhere else.
SnsMessage read_sns(std::string_view body);

/// Whether the message was signed by the owner of the certificate.
bool is_signed_by(const SnsMessage& message, std::string_view certificate, Time now);

/// Whether an address belongs to SNS: https, no other port, host sns.<region>.amazonaws.com or the same
/// with .cn. Nothing else is ever asked because a message says so.
bool is_sns_address(const net::Url& url, std::string_view region);

}  // namespace sluice::watch
