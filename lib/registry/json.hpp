#pragma once
// Members of JSON documents that a stranger wrote.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice::registry {

/// The text of a member, as long as `object` lives; empty when there is none or it is no text.
template <class Json>
std::string_view text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return {};
  return found->template get_ref<const std::string&>();
}

}  // namespace sluice::registry
