#pragma once
// Forms as they are posted to services of tokens (application/x-www-form-urlencoded).

#include "core/secret.hpp"
#include "net/client.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sluice::registry {

/// "a=b&c=d", values percent-encoded.
Secret form_of(const std::vector<std::pair<std::string, std::string>>& fields);
/// Makes it a POST of a form that wants JSON back.
net::Request with_form(net::Request request, const Secret& form);

}  // namespace sluice::registry
