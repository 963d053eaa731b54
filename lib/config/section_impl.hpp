#pragma once
// What a Section holds. Private to the room.

#include "config/notes.hpp"
#include "config/section.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <yaml-cpp/node/node.h>

namespace sluice::config {

struct Context {
  Notes notes;
  const SecretSources& secrets;
};

struct Section::Impl {
  struct Entry {
    std::string key;
    Position key_at;
    YAML::Node value;
    bool known = false;
  };

  std::shared_ptr<Context> context;
  Position at;
  std::vector<Entry> entries;
  std::unordered_map<std::string_view, std::size_t> index;  // of entries, by key
  std::vector<std::string> asked;
  bool done = false;

  /// The entry, marked as known; null when there is none.
  Entry* ask(const std::string& key);
  /// The same, null also when it has no value or is not a scalar (which is noted).
  Entry* ask_scalar(const std::string& key);
  /// The entry when it is a scalar with a clean value, null otherwise (which is noted).
  Entry* scalar(Entry& entry);
  /// The section on the value of an entry.
  Section section_of(Entry& entry);
  /// `what` names the wanted shape: "a list".
  void wrong_shape(const Entry& entry, const std::string& what, const std::string& advice = {});
  /// The text of a scalar; false, and a note, when it holds control characters.
  bool is_clean(const Entry& entry, const YAML::Node& value);
};

/// A section on a node; anything but a mapping makes an empty one.
Section section_on(std::shared_ptr<Context> context, const YAML::Node& node, Position at);

/// A section that holds one value under a key that is not written down.
Section section_of_one(std::shared_ptr<Context> context, const std::string& key, const YAML::Node& value,
                       Position at);

/// Where a value stands: its own place or that of its key.
Position position_of(const Section::Impl::Entry& entry);

}  // namespace sluice::config
