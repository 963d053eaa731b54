#include "images.hpp"

#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <stdlib.h>

namespace sluice::test {

std::string Piece::descriptor(const std::string& extra) const {
  return R"({"mediaType": ")" + media_type + R"(", "digest": ")" + digest().text() + R"(", "size": )" +
         std::to_string(bytes.size()) + extra + "}";
}

std::string noise(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 generator(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(generator());
  return bytes;
}

TestImage make_image(const std::string& architecture, std::uint64_t seed,
                     const std::vector<std::size_t>& layer_sizes) {
  TestImage image;
  std::vector<Piece> layers;
  std::string diff_ids;
  std::string descriptors;
  for (const auto size : layer_sizes) {
    const Piece layer{"application/vnd.oci.image.layer.v1.tar+gzip",
                      noise(seed * 1000 + layers.size(), size)};
    diff_ids += (diff_ids.empty() ? "\"" : ", \"") + layer.digest().text() + "\"";
    descriptors += (descriptors.empty() ? "" : ", ") + layer.descriptor();
    layers.push_back(layer);
  }
  const Piece config{"application/vnd.oci.image.config.v1+json",
                     R"({"os": "linux", "architecture": ")" + architecture +
                         R"(", "config": {"Labels": {"seed": ")" + std::to_string(seed) +
                         R"("}}, "rootfs": {"type": "layers", "diff_ids": [)" + diff_ids + "]}}"};
  image.manifest = {std::string(oci::media_type::oci_manifest),
                    R"({"schemaVersion": 2,  "mediaType": ")" + std::string(oci::media_type::oci_manifest) +
                        "\",\n \"config\": " + config.descriptor() + ",\n \"layers\": [" + descriptors +
                        "]}"};
  image.blobs.push_back(config);
  image.blobs.insert(image.blobs.end(), layers.begin(), layers.end());
  return image;
}

Piece make_index(const std::vector<std::pair<Piece, std::string>>& children) {
  std::string entries;
  for (const auto& [piece, architecture] : children) {
    const std::string platform =
        architecture.empty() ? ""
                             : R"(, "platform": {"os": "linux", "architecture": ")" + architecture + "\"}";
    entries += (entries.empty() ? "" : ", ") + piece.descriptor(platform);
  }
  return {std::string(oci::media_type::oci_index), "{\"schemaVersion\": 2,\t\"mediaType\": \"" +
                                                       std::string(oci::media_type::oci_index) +
                                                       "\",\n\n\"manifests\": [" + entries + "]  }\n"};
}

OciLayout::OciLayout() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sluice-layout-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory for an image");
  directory_ = pattern;
  std::filesystem::create_directories(directory_ / "blobs" / "sha256");
  std::ofstream(directory_ / "oci-layout") << R"({"imageLayoutVersion": "1.0.0"})";
}

OciLayout::~OciLayout() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void OciLayout::add(const Piece& piece) {
  std::ofstream(directory_ / "blobs" / "sha256" / piece.digest().hex(), std::ios::binary) << piece.bytes;
}

void OciLayout::add(const TestImage& image) {
  add(image.manifest);
  for (const auto& blob : image.blobs)
    add(blob);
}

void OciLayout::set_root(const Piece& piece) {
  add(piece);
  std::ofstream(directory_ / "index.json")
      << R"({"schemaVersion": 2, "manifests": [)" << piece.descriptor() << "]}";
}

std::map<std::string, std::string> OciLayout::blobs() const {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "blobs" / "sha256")) {
    std::ifstream file(entry.path(), std::ios::binary);
    found.emplace(entry.path().filename().string(), std::string(std::istreambuf_iterator<char>(file), {}));
  }
  return found;
}

}  // namespace sluice::test
