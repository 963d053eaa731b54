#include "oci/strict_json.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/manifest.hpp"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::oci {
namespace {

using nlohmann::json;

constexpr std::size_t deepest = 64;
constexpr std::int64_t largest_size = (std::int64_t{1} << 53) - 1;  // exact in every JSON implementation

[[noreturn]] void corrupt(std::string_view where, std::string_view why) {
  throw Error(ErrorKind::corrupt, fmt::format("{}: {}", where, why));
}

/// Looks at each event of the parser before anything is kept: depth and repeated keys.
class Guard {
 public:
  explicit Guard(std::string_view what) : what_(what) {}
  bool operator()(json::parse_event_t event, const json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (keys_.size() == deepest) corrupt(what_, fmt::format("JSON is nested deeper than {}", deepest));
        keys_.emplace_back();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key:
        // Readers disagree on which of two values counts, so what was checked may not be what is used.
        if (!keys_.back().insert(value.get_ref<const std::string&>()).second)
          corrupt(what_, fmt::format("JSON key '{}' appears twice in one object",
                                     printable(value.get_ref<const std::string&>(), 100)));
        break;
      case json::parse_event_t::value:
        break;
    }
    return true;
  }

 private:
  std::string_view what_;
  std::vector<std::set<std::string>> keys_;
};

const char* type_name(const json& value) {
  return value.type_name();
}

}  // namespace

json parse_strict_object(std::string_view bytes, std::string_view what) {
  if (bytes.size() > max_manifest_bytes)
    corrupt(what, fmt::format("{} bytes are more than the limit of {}", bytes.size(), max_manifest_bytes));
  Guard guard(what);
  const auto inspect = [&guard](int, json::parse_event_t event, json& value) { return guard(event, value); };
  json document;
  try {
    document = json::parse(bytes, inspect);
  } catch (const json::exception&) {
    corrupt(what, bytes.empty() ? "it is empty"
                                : fmt::format("it is not JSON but begins with: {}", printable(bytes, 120)));
  }
  if (!document.is_object())
    corrupt(what,
            fmt::format("JSON {} where an object is needed: {}", type_name(document), printable(bytes, 120)));
  return document;
}

ObjectReader::ObjectReader(const json& value, std::string where) : value_(value), where_(std::move(where)) {
  if (!value.is_object()) fail(fmt::format("is {} where an object is needed", type_name(value)));
}

void ObjectReader::fail(std::string_view why) const {
  corrupt(where_, why);
}

const json* ObjectReader::find(const char* name) const {
  const auto found = value_.find(name);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

std::string ObjectReader::text(const char* name) const {
  const auto* value = find(name);
  if (!value) return {};
  if (!value->is_string()) fail(fmt::format("{} is {} where a string is needed", name, type_name(*value)));
  return value->get<std::string>();
}

std::map<std::string, std::string> ObjectReader::texts_by_name(const char* name) const {
  std::map<std::string, std::string> result;
  const auto* value = find(name);
  if (!value) return result;
  if (!value->is_object()) fail(fmt::format("{} is {} where an object is needed", name, type_name(*value)));
  for (const auto& [key, entry] : value->items()) {
    if (!entry.is_string()) fail(fmt::format("{} '{}' is not a string", name, printable(key, 100)));
    result.emplace(key, entry.get<std::string>());
  }
  return result;
}

const json* ObjectReader::array(const char* name, std::size_t most) const {
  const auto* value = find(name);
  if (!value) return nullptr;
  if (!value->is_array()) fail(fmt::format("{} is {} where an array is needed", name, type_name(*value)));
  if (value->size() > most)
    fail(fmt::format("{} has {} entries, more than the limit of {}", name, value->size(), most));
  return value;
}

std::vector<std::string> ObjectReader::texts(const char* name) const {
  std::vector<std::string> result;
  const auto* list = array(name, 1000);
  if (!list) return result;
  for (const auto& entry : *list) {
    if (!entry.is_string()) fail(fmt::format("{} holds {} where a string is needed", name, type_name(entry)));
    result.push_back(entry.get<std::string>());
  }
  return result;
}

Digest ObjectReader::digest(const char* name) const {
  const auto* value = find(name);
  if (!value) fail(fmt::format("{} is missing", name));
  return read_digest(*value, where_ + ": " + name);
}

std::int64_t ObjectReader::size(const char* name) const {
  const auto* value = find(name);
  if (!value) fail(fmt::format("{} is missing", name));
  const bool good =
      value->is_number_unsigned() && value->get<std::uint64_t>() <= static_cast<std::uint64_t>(largest_size);
  if (!good) fail(fmt::format("{} must be a whole number from 0 to 2^53-1", name));
  return value->get<std::int64_t>();
}

Digest read_digest(const json& value, const std::string& where) {
  if (!value.is_string()) corrupt(where, fmt::format("is {} where a digest is needed", type_name(value)));
  const auto& text = value.get_ref<const std::string&>();
  auto digest = Digest::parse(text);
  if (!digest) corrupt(where, fmt::format("'{}' is not a sha256 or sha512 digest", printable(text, 160)));
  return *digest;
}

}  // namespace sluice::oci
