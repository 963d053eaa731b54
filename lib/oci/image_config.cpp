#include "core/error.hpp"
#include "oci/manifest.hpp"
#include "oci/strict_json.hpp"

#include <nlohmann/json.hpp>

namespace sluice::oci {

ImageConfig parse_image_config(std::string_view bytes) {
  const auto document = parse_strict_object(bytes, "image config");
  const ObjectReader reader(document, "image config");
  ImageConfig config;
  config.platform = {reader.text("os"), reader.text("architecture"), reader.text("variant")};
  config.created = reader.text("created");
  const auto* root = reader.find("rootfs");
  if (!root) reader.fail("rootfs is missing, so this is not the config of a container image");
  // Absent or null for an image without layers.
  const ObjectReader files(*root, "image config: rootfs");
  if (const auto* list = files.array("diff_ids", max_descriptors))
    for (const auto& entry : *list)
      config.diff_ids.push_back(read_digest(entry, "image config: diff_ids"));
  if (const auto* settings = reader.find("config"))
    config.labels = ObjectReader(*settings, "image config: config").texts_by_name("Labels");
  return config;
}

}  // namespace sluice::oci
