#pragma once
// Hand-made images: exact bytes whose digests a test knows.

#include "oci/digest.hpp"
#include "oci/manifest.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sluice::test {

struct Piece {
  std::string media_type;
  std::string bytes;
  oci::Digest digest() const { return oci::Digest::of(bytes); }
  /// As a JSON descriptor; `extra` is put behind its members (", \"platform\": ...").
  std::string descriptor(const std::string& extra = "") const;
};

struct TestImage {
  Piece manifest;
  std::vector<Piece> blobs;  // config first
};

/// Bytes that no two seeds share and that do not compress.
std::string noise(std::uint64_t seed, std::size_t size);
/// An image for linux/<architecture> with a layer of each size.
TestImage make_image(const std::string& architecture, std::uint64_t seed,
                     const std::vector<std::size_t>& layer_sizes);
/// An index of images, and of indexes. Written with odd white space, so that a copy that re-serialises is
/// found out.
Piece make_index(const std::vector<std::pair<Piece, std::string>>& children);

/// A directory in the form of the OCI image layout, removed at the end; what skopeo reads and writes.
class OciLayout {
 public:
  OciLayout();
  ~OciLayout();
  OciLayout(const OciLayout&) = delete;
  OciLayout& operator=(const OciLayout&) = delete;
  void add(const Piece& piece);
  void add(const TestImage& image);
  /// The entry that `oci:<path>` names.
  void set_root(const Piece& piece);
  std::string path() const { return directory_.string(); }
  /// Digest (hexadecimal) and bytes of all blobs in the directory.
  std::map<std::string, std::string> blobs() const;

 private:
  std::filesystem::path directory_;
};

}  // namespace sluice::test
