#pragma once
// Configurations of other tools, turned into ours as far as their meaning carries over.

#include "config/diagnostics.hpp"
#include "config/section.hpp"

#include <string>
#include <vector>

namespace sluice::config {

struct ForeignText {
  std::string name;  // for messages
  std::string text;
};

/// Something that did not carry over as it was.
struct Remark {
  enum class Kind {
    left_out,  // it has no counterpart here
    changed,   // it became something near
    to_do,     // a person has to add something
  };
  Kind kind = Kind::left_out;
  std::string file;
  Position at;
  std::string what;
  std::string why;
  auto operator<=>(const Remark&) const = default;
};
/// "left out", "changed", "to do".
std::string to_string(Remark::Kind kind);

/// Where images go that the other tool has no place for: what stands before their names.
struct ImportPlaces {
  std::string staging;  // "registry.example.com/staging"; empty: beside the target
  std::string target;   // "registry.example.com/base"; empty: a name to be replaced
};

struct Imported {
  /// A file that the loader takes, with comments that name the lines it came from. No secret is in it.
  std::string text;
  std::size_t pipelines = 0;
  std::vector<Remark> remarks;  // by file and line
  /// Of the files that cannot be read; then the rest is empty.
  std::vector<Diagnostics> mistakes;
};

/// The tools whose files are understood: "diun", "dregsy", "keel", "regsync", "renovate".
std::vector<std::string> import_sources();

/// `tool` is one of them (Error(invalid) otherwise). Files that belong together are read together. Hostile
/// ones are refused: the limits are those of our own files. Throws Error(invalid) when what comes out is more
/// than one file of ours may hold, too. `sources` know time zones, and no secrets.
Imported import_config(const std::string& tool, const std::vector<ForeignText>& files,
                       const ImportPlaces& places, const SecretSources& sources = placeholder_secrets());

}  // namespace sluice::config
