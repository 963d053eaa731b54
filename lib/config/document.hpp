#pragma once
// From text to a tree of YAML nodes that is safe to walk. Private to the room.

#include "config/notes.hpp"

#include <optional>
#include <string>
#include <vector>

#include <yaml-cpp/node/node.h>

namespace sluice::config {

inline constexpr std::size_t largest_file = 1024 * 1024;
/// Values of a file, each use of an alias counted: what a bomb of aliases unfolds to.
inline constexpr std::size_t most_values = 100'000;
inline constexpr int deepest_nesting = 32;

/// All documents of a file, none when it cannot be read (what is wrong is noted). Keys that stand twice are
/// noted too. An empty file has no document, or one that is null.
std::vector<YAML::Node> read_documents(const std::string& text, Notes& notes);

/// The file's one mapping; nullopt when there is none (what is wrong is noted). Keys that stand twice are
/// noted too.
std::optional<YAML::Node> read_document(const std::string& text, Notes& notes);

Position position_of(const YAML::Node& node);

}  // namespace sluice::config
