#pragma once
// Copies between places, with an index of two images in a layout to begin with.

#include "images.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace sluice::test {

/// A folder that is gone at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-places-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  /// Names of what is in it.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline const TestImage amd64 = make_image("amd64", 71, {300'000, 1000});
inline const TestImage arm64 = make_image("arm64", 72, {2'000'000, 50});
inline const Piece both = make_index({{amd64.manifest, "amd64"}, {arm64.manifest, "arm64"}});

/// A layout with the index, written by hand.
struct Given : OciLayout {
  Given() {
    add(amd64);
    add(arm64);
    set_root(both);
  }
};

inline registry::CopyResult copy(const std::string& from, const std::string& to,
                                 registry::CopyOptions options = {}) {
  return run([&]() -> Task<std::optional<registry::CopyResult>> {
           Rig rig;
           co_return co_await rig.client.copy(registry::Place::parse(from), registry::Place::parse(to),
                                              options);
         })
      .value();
}

inline Error copy_failure(const std::string& from, const std::string& to,
                          registry::CopyOptions options = {}) {
  return run([&]() -> Task<std::optional<Error>> {
           Rig rig;
           co_return co_await failure_of(
               rig.client.copy(registry::Place::parse(from), registry::Place::parse(to), options));
         })
      .value();
}

inline registry::CopyOptions with_referrers() {
  registry::CopyOptions options;
  options.referrers = true;
  return options;
}

inline registry::CopyOptions with_force() {
  registry::CopyOptions options;
  options.replace = true;
  return options;
}

inline std::vector<std::string> tags(const std::string& place) {
  return run([&]() -> Task<std::vector<std::string>> {
    Rig rig;
    co_return co_await rig.client.tags(registry::Place::parse(place));
  });
}

inline registry::FetchedManifest manifest(const std::string& place) {
  return run([&]() -> Task<std::optional<registry::FetchedManifest>> {
           Rig rig;
           co_return co_await rig.client.manifest(registry::Place::parse(place));
         })
      .value();
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace sluice::test
