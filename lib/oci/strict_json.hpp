#pragma once
// JSON from outside, read strictly. Include nlohmann/json.hpp to use the result.

#include "oci/digest.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace sluice::oci {

/// Reads one JSON object. Throws Error(corrupt), which begins with `what` and quotes the text, when it is not
/// JSON, is not an object, is larger than max_manifest_bytes, nests deeper than 64 or repeats a key.
nlohmann::json parse_strict_object(std::string_view bytes, std::string_view what);
/// The same for any JSON value.
nlohmann::json parse_strict_value(std::string_view bytes, std::string_view what);

/// Typed access to the members of an object. `where` names the object in messages. JSON null counts as
/// absent, because programs in Go write it for empty lists and maps. All throw Error(corrupt) on a wrong
/// type.
class ObjectReader {
 public:
  /// Throws when the value is not an object. Keeps a reference to it.
  ObjectReader(const nlohmann::json& value, std::string where);
  const std::string& where() const { return where_; }
  bool has(const char* name) const { return find(name) != nullptr; }
  /// The member, or nullptr when it is absent or null.
  const nlohmann::json* find(const char* name) const;
  /// Empty when absent.
  std::string text(const char* name) const;
  std::map<std::string, std::string> texts_by_name(const char* name) const;
  std::vector<std::string> texts(const char* name) const;
  /// Must be there.
  Digest digest(const char* name) const;
  /// Must be there; an integer of 0 to 2^53-1.
  std::int64_t size(const char* name) const;
  /// The elements of an array; nullopt when absent. Throws when there are more than `most`.
  const nlohmann::json* array(const char* name, std::size_t most) const;
  [[noreturn]] void fail(std::string_view why) const;

 private:
  const nlohmann::json& value_;
  std::string where_;
};

/// Reads a digest in a list.
Digest read_digest(const nlohmann::json& value, const std::string& where);

}  // namespace sluice::oci
