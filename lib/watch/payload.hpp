#pragma once
// Reading payloads: what is needed must be there and of the right type, the rest may be anything. Everything
// here throws Error(invalid) that names the field.

#include "watch/sender.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace sluice::watch {

using nlohmann::json;

/// Bytes of a name, a tag or the like.
inline constexpr std::size_t longest_text = 4096;

/// JSON with at most 64 levels and without repeated keys.
json read_payload(std::string_view body);

/// A JSON object with the way to it, for messages. Null counts as absent.
class Fields {
 public:
  explicit Fields(const json& value, std::string where = {});
  bool has(const char* name) const { return find(name) != nullptr; }
  /// Empty when absent.
  std::string text(const char* name) const;
  std::string required(const char* name) const;
  /// A text, a number or a truth value as a text; empty when absent.
  std::string scalar(const char* name) const;
  Fields object(const char* name) const;
  /// An empty object when absent.
  Fields maybe_object(const char* name) const;
  /// Objects of a list; none when absent.
  std::vector<Fields> objects(const char* name) const;
  /// A list of texts, or one text; empty when absent.
  std::vector<std::string> texts(const char* name) const;
  const json* find(const char* name) const;
  [[noreturn]] void fail(const char* name, std::string_view why) const;

 private:
  const json& value_;
  std::string where_;
};

/// What a JSON pointer (RFC 6901) names; nullptr when there is nothing.
const json* at_pointer(const json& value, std::string_view pointer);
bool is_pointer(std::string_view text);

/// "host" of "https://host:port/path" and of "host:port/path", with the port.
std::string host_of(std::string_view url);
bool is_digest(std::string_view tag);

/// The configured registry, else what the sender says, put before a path. Throws when there is neither.
std::string in_registry(const Reading& reading, std::string_view said, std::string_view path);

/// A delivery may have 1000 events.
void add_event(Parsed& parsed, Event event);

/// Adds an event, unless `tag` is empty or a digest: a manifest that only a digest names moves no tag.
void add_image(Parsed& parsed, std::string repository, std::string tag);

}  // namespace sluice::watch
