#include "watch/sns.hpp"

#include "core/error.hpp"
#include "net/signature.hpp"
#include "watch/payload.hpp"

#include <algorithm>
#include <vector>

namespace sluice::watch {
namespace {

// arn:aws:sns:us-west-2:123456789012:name
std::string region_of(const std::string& topic) {
  std::size_t start = 0;
  for (int i = 0; i < 3; ++i) {
    start = topic.find(':', start);
    if (start == std::string::npos) throw Error(ErrorKind::invalid, "TopicArn is not the ARN of a topic");
    ++start;
  }
  auto region = topic.substr(start, topic.find(':', start) - start);
  if (region.empty() ||
      region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    throw Error(ErrorKind::invalid, "TopicArn names no region");
  return region;
}

// "/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem", without anything that leads elsewhere or
// to the same place in another way.
bool is_certificate_path(std::string_view path) {
  constexpr std::string_view begin = "/SimpleNotificationService";
  constexpr std::string_view end = ".pem";
  if (path.size() < begin.size() + end.size() || !path.starts_with(begin) || !path.ends_with(end))
    return false;
  const auto name = path.substr(begin.size(), path.size() - begin.size() - end.size());
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// The fields that are signed, in this order, each followed by its value.
std::string signed_text(const Fields& fields, const std::string& type) {
  std::vector<const char*> names{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"};
  if (type != "Notification")
    names = {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"};
  std::string text;
  for (const char* name : names) {
    if (!fields.has(name)) continue;
    const auto* value = fields.find(name);
    if (!value->is_string()) fields.fail(name, "must be a text");
    text += std::string(name) + "\n" + value->get_ref<const std::string&>() + "\n";
  }
  return text;
}

}  // namespace

bool is_sns_address(const net::Url& url, std::string_view region) {
  const auto host = "sns." + std::string(region) + ".amazonaws.com";
  return url.scheme == "https" && url.port == 443 && (url.host == host || url.host == host + ".cn");
}

SnsMessage read_sns(std::string_view body) {
  const auto payload = read_payload(body);
  const Fields fields(payload);
  const auto type = fields.required("Type");
  SnsMessage message;
  message.topic = fields.required("TopicArn");
  message.region = region_of(message.topic);
  const auto url = net::Url::parse(fields.required("SigningCertURL"));
  if (!is_sns_address(url, message.region) || !is_certificate_path(url.target))
    fields.fail("SigningCertURL", "is not a certificate of SNS in the region of the topic");
  // One address has one text, however it was written.
  message.certificate_url = url.text();
  // It is asked when the subscription is confirmed, so it must not lead anywhere else.
  if (const auto subscribe = fields.text("SubscribeURL");
      !subscribe.empty() && !is_sns_address(net::Url::parse(subscribe), message.region))
    fields.fail("SubscribeURL", "is not an address of SNS in the region of the topic");
  const auto version = fields.required("SignatureVersion");
  if (version != "1" && version != "2") fields.fail("SignatureVersion", "must be 1 or 2");
  message.sha256 = version == "2";
  const auto signature = net::base64_decode(fields.required("Signature"));
  if (!signature) fields.fail("Signature", "is not base64");
  message.signature = *signature;
  const auto at = parse_time(fields.required("Timestamp"));
  if (!at) fields.fail("Timestamp", "is not a time");
  message.at = *at;
  message.signed_text = signed_text(fields, type);
  return message;
}

bool is_signed_by(const SnsMessage& message, std::string_view certificate, Time now) {
  try {
    const auto key = net::PublicKey::from_certificate(certificate, now);
    return key.verifies(message.sha256 ? net::Hash::sha256 : net::Hash::sha1, message.signed_text,
                        message.signature);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace sluice::watch
