#pragma once
// Reading the files of other tools, and what is found in them. Private to the room.

#include "config/import/import.hpp"
#include "oci/reference.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <yaml-cpp/node/node.h>

namespace sluice::config {

/// Which tags of a repository are meant, where it is more than one. Of glob, regex and semver, those that are
/// set must all hold.
struct TagFilter {
  std::string glob = {}, regex = {}, semver = {};
  bool pre_releases = false;           // with semver
  std::set<std::string> exclude = {};  // tags that have a pipeline of their own
  long newest = 0;                     // only so many; 0: all
};

/// When something is looked at: one of `every` and `cron`, or neither.
struct FoundPace {
  std::string every = {};   // "6h"
  std::string cron = {};    // five fields that the loader takes, when they are no plain interval
  std::string zone = {};    // of the cron; empty: UTC
  std::string unread = {};  // a schedule that has no counterpart, as it was written
};

struct FoundPipeline {
  std::string file;
  Position at;
  oci::Reference upstream;  // with the one tag, unless `tags` is set
  std::optional<TagFilter> tags = {};
  std::optional<oci::Repository> target = {};
  std::string target_tag = {};  // when it is not the upstream's
  std::string platform = {};    // "linux/arm64"
  FoundPace pace = {};
};

struct FoundRegistry {
  std::string username = {};
  std::string password = {};  // a reference: "{file: /run/secrets/hub}"; empty: a place has to be chosen
  bool login = false;         // it has a password somewhere
  std::string identity = {};  // "aws", "google": the machine's own
  bool http = false;
};

/// What was found in all files.
struct Findings {
  std::vector<FoundPipeline> pipelines;
  std::map<std::string, FoundRegistry> registries;
  std::vector<Remark> remarks;
  std::vector<Diagnostics> mistakes;
  std::size_t untold = 0;  // remarks that were too many

  void remark(Remark::Kind kind, const std::string& file, Position at, std::string what, std::string why);
};

/// A value of a foreign file. Getters mark their key; done() tells the others.
class Foreign {
 public:
  Foreign(YAML::Node node, Position at, const std::string& file, Findings& findings);

  Foreign(const Foreign&) = default;
  Foreign& operator=(const Foreign& other);

  bool is_mapping() const { return node_.IsMap(); }
  bool is_list() const { return node_.IsSequence(); }
  Position at() const { return at_; }
  const std::string& file() const { return *file_; }
  bool has(const std::string& key) const;
  Position at(const std::string& key) const;
  std::vector<std::string> keys() const;

  /// The text under a key, empty when there is none; anything else is told and left out.
  std::string text(const std::string& key);
  long number(const std::string& key);
  bool flag(const std::string& key);
  /// A list of texts, or one text.
  std::vector<std::string> texts(const std::string& key);
  Foreign mapping(const std::string& key);
  std::vector<Foreign> list(const std::string& key);
  std::vector<Foreign> items() const;
  std::string scalar() const { return node_.IsScalar() ? node_.Scalar() : std::string(); }

  /// An image; nullopt, and told, when it is none.
  std::optional<oci::Reference> image(const std::string& text);
  void left_out(const std::string& key, const std::string& why);
  void ignore(const std::string& key) { asked_.insert(key); }
  void remark(Remark::Kind kind, Position at, std::string what, std::string why);
  void done();

 private:
  YAML::Node child(const std::string& key) const;
  YAML::Node ask(const std::string& key);

  YAML::Node node_;
  Position at_;
  const std::string* file_;
  Findings* findings_;
  std::set<std::string> asked_;
};

/// The documents of a YAML file; what is wrong goes to Findings::mistakes.
std::vector<Foreign> foreign_documents(const ForeignText& file, const std::string& text, Findings& findings);

/// Cron expressions (five fields, six with seconds, @every, @hourly ..., TZ= before them) that come round
/// regularly are intervals. What does not carry over is told at `at`.
FoundPace pace_of_cron(Foreign& place, Position at, const std::string& expression);
/// A duration of Go ("1h30m0s"); nullopt when it has no counterpart.
std::optional<std::string> interval_of_go(const std::string& duration);
std::string interval_of_seconds(long seconds);

/// docker.io under all its names.
std::string registry_name(std::string host);
/// The registry's settings, made when there are none.
FoundRegistry& registry_of(Findings& findings, const std::string& host);

/// The readers, one file each.
void read_diun(const std::vector<ForeignText>& files, Findings& findings);
void read_dregsy(const std::vector<ForeignText>& files, Findings& findings);
void read_keel(const std::vector<ForeignText>& files, Findings& findings);
void read_regsync(const std::vector<ForeignText>& files, Findings& findings);
void read_renovate(const std::vector<ForeignText>& files, Findings& findings);

/// Our file with what was found. Adds remarks on what had to be chosen; drops what the loader would refuse.
Imported write_imported(const std::string& tool, Findings findings, const ImportPlaces& places,
                        const SecretSources& sources);

}  // namespace sluice::config
