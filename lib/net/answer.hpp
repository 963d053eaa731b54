#pragma once
// Answers of the server as bytes, and errors as answers. Pure, room-internal.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "net/server.hpp"

#include <string>

namespace sluice::net {

/// What the server itself refuses, before any handler.
struct Refusal {
  int status;
  std::string message;
};

ServerResponse answer_to(const Error& error);
ServerResponse answer_to(const Refusal& refusal);

/// The whole answer. Throws Error(invalid) when a header field cannot be sent.
std::string serialize_answer(const ServerResponse& response, Time now, bool with_body, bool keep_alive);

}  // namespace sluice::net
