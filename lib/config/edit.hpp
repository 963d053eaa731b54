#pragma once
// Changing the text of a configuration file without touching the rest of it: comments, order, indentation and
// line ends stay byte for byte.

#include "oci/reference.hpp"

#include <string>

namespace sluice::config {

/// A pipeline that is to be written.
struct NewPipeline {
  std::string name;
  oci::Reference upstream;  // with a tag
  oci::Repository staging;
  oci::Repository target;
  std::string stable_tag;  // the unique one is "<stable>-{run}"
  std::string every;       // "15m"; empty: the pace of the registry
};

struct Edited {
  std::string text;
  int line = 0;  // where the pipeline begins, from 1
};

/// The text with one more pipeline at the end of its `pipelines`, which are made when they are missing. In a
/// file that is written in flow style (JSON) the pipeline is, too. What comes out reads as the same
/// configuration with one more pipeline; where that cannot be had (an alias in place of the list, a file that
/// is no mapping), Error(invalid) says why. Whether the new pipeline is a good one is for the loader to say.
Edited add_pipeline(const std::string& text, const NewPipeline& pipeline);

/// Whether a text says nothing: no bytes, comments only, an empty document. False for what is not YAML.
bool says_nothing(const std::string& text);

/// A whole file with this pipeline and nothing else, for where there is none yet.
Edited first_config(const NewPipeline& pipeline);

}  // namespace sluice::config
