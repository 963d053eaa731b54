#pragma once
// What senders of webhooks are answered. Pure, room-internal.

#include "core/clock.hpp"
#include "net/server.hpp"

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace sluice::engine {

net::ServerResponse answer_of(int status, const nlohmann::json& body);
net::ServerResponse error_of(int status, std::string_view kind, std::string message);
/// As the last answer of its connection: whoever is not proven keeps none.
net::ServerResponse closing(net::ServerResponse response);
/// The same for a name that does not exist, a wrong secret and a wrong source.
net::ServerResponse nothing_here();
/// With Retry-After.
net::ServerResponse later(int status, std::string_view kind, std::string message, Milliseconds wait);
/// To OPTIONS (https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection).
net::ServerResponse handshake(const net::ServerRequest& request);
/// JSON in its many names, text/plain for Amazon SNS, a form for GitHub, or nothing said.
bool is_readable(const net::Headers& headers);

}  // namespace sluice::engine
