#pragma once
// Answers.

#include "core/error.hpp"
#include "net/server.hpp"

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace sluice::api {

net::ServerResponse json_response(const nlohmann::json& value, int status = 200);
/// {"error":{"kind","message"}}.
net::ServerResponse error_response(int status, std::string kind, std::string message);
/// The same with the status that fits the kind, and Retry-After where the error has one. What another
/// registry refused (unauthorized, denied, corrupt) is 502: the caller of this API is not the one who lacks a
/// permission.
net::ServerResponse error_response(const Error& error);

}  // namespace sluice::api
