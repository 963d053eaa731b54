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

/// Reads without building anything, so that depth and repeated keys are refused before they cost memory. Not
/// as the callback of json::parse, which takes quadratic time for long arrays.
class Guard final : public json::json_sax_t {
 public:
  explicit Guard(std::string_view what) : what_(what) {}
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    // Readers disagree on which of two values counts, so what was checked may not be what is used.
    if (!keys_.back().insert(name).second)
      corrupt(what_, fmt::format("JSON key '{}' appears twice in one object", printable(name, 100)));
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  bool enter() {
    if (keys_.size() == deepest) corrupt(what_, fmt::format("JSON is nested deeper than {}", deepest));
    keys_.emplace_back();
    return true;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }
  std::string_view what_;
  std::vector<std::set<std::string>> keys_;
};

const char* type_name(const json& value) {
  return value.type_name();
}

}  // namespace

json parse_strict_value(std::string_view bytes, std::string_view what) {
  if (bytes.size() > max_manifest_bytes)
    corrupt(what, fmt::format("{} bytes are more than the limit of {}", bytes.size(), max_manifest_bytes));
  Guard guard(what);
  json document(json::value_t::discarded);
  if (json::sax_parse(bytes, &guard)) document = json::parse(bytes, nullptr, false);
  if (document.is_discarded() || bytes.empty())
    corrupt(what, bytes.empty() ? "it is empty"
                                : fmt::format("it is not JSON but begins with: {}", printable(bytes, 120)));
  return document;
}

json parse_strict_object(std::string_view bytes, std::string_view what) {
  auto document = parse_strict_value(bytes, what);
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
