#pragma once
// Bodies of HTML forms (https://url.spec.whatwg.org/#application/x-www-form-urlencoded). Pure.

#include <optional>
#include <string>
#include <string_view>

namespace sluice::watch {

/// The first field of this name, decoded; nullopt when there is none or it is malformed.
std::optional<std::string> form_field(std::string_view body, std::string_view name);

}  // namespace sluice::watch
