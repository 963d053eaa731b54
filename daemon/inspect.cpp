// `sluice inspect IMAGE`: manifest, platforms, layers, labels and referrers of an image.

#include "commands.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "registry_tool.hpp"
#include "size.hpp"
#include "terminal.hpp"

#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::ordered_json;

/// What was found out about an image.
struct Found {
  std::optional<registry::FetchedManifest> manifest;
  std::string config;  // bytes, when asked for and there is one
  std::optional<std::vector<oci::Descriptor>> referrers;
  std::vector<registry::TaggedReferrer> tagged;  // of cosign; with `referrers`
};

// Of an index, a person wants to see the platforms; its config is that of one of them.
Task<registry::FetchedManifest> manifest_of(registry::Client& client, registry::Place place,
                                            std::optional<oci::Platform> platform, bool config) {
  if (platform) co_return co_await client.manifest(place, std::move(*platform));
  auto fetched = co_await client.manifest(place);
  if (!config || !fetched.manifest.is_index) co_return fetched;
  place.digest = fetched.digest;
  co_return co_await client.manifest(place, oci::Platform::host());
}

Task<> look(registry::Client& client, registry::Place place, InspectOptions options,
            std::optional<oci::Platform> platform, Found& found) {
  auto fetched = co_await manifest_of(client, place, std::move(platform), options.image_config);
  place.digest = fetched.digest;
  if (fetched.manifest.config && !options.raw)
    found.config = co_await client.small_blob(place, *fetched.manifest.config);
  if (options.referrers) {
    found.referrers = co_await client.referrers(place, fetched.digest);
    found.tagged = co_await client.cosign_tags(place, fetched.digest);
  }
  found.manifest = std::move(fetched);
}

ordered_json inspected_json(const oci::Descriptor& descriptor) {
  ordered_json value{
      {"media_type", descriptor.media_type}, {"digest", descriptor.digest.text()}, {"size", descriptor.size}};
  if (!descriptor.artifact_type.empty()) value["artifact_type"] = descriptor.artifact_type;
  if (descriptor.platform) value["platform"] = descriptor.platform->text();
  if (!descriptor.annotations.empty()) value["annotations"] = descriptor.annotations;
  return value;
}

ordered_json inspected_json(const std::vector<oci::Descriptor>& descriptors) {
  ordered_json list = ordered_json::array();
  for (const auto& descriptor : descriptors)
    list.push_back(inspected_json(descriptor));
  return list;
}

ordered_json referrers_json(const Found& found) {
  ordered_json list = inspected_json(*found.referrers);
  for (const auto& [tag, named] : found.tagged)
    list.push_back({{"tag", tag},
                    {"media_type", named.media_type},
                    {"digest", named.digest.text()},
                    {"size", named.size}});
  return list;
}

std::optional<oci::ImageConfig> image_config(const Found& found) {
  try {
    if (!found.config.empty()) return oci::parse_image_config(found.config);
  } catch (const Error&) {
    // The config of an artifact is whatever its makers like.
  }
  return std::nullopt;
}

ordered_json inspected_json(const registry::Place& place, const Found& found) {
  const auto& [digest, media_type, bytes, manifest] = *found.manifest;
  ordered_json value{
      {"image", place.text()}, {"digest", digest.text()}, {"media_type", media_type}, {"size", bytes.size()}};
  if (!manifest.artifact_type.empty()) value["artifact_type"] = manifest.artifact_type;
  if (!manifest.annotations.empty()) value["annotations"] = manifest.annotations;
  if (manifest.is_index) value["manifests"] = inspected_json(manifest.manifests);
  if (manifest.config) value["config"] = inspected_json(*manifest.config);
  if (manifest.config) value["layers"] = inspected_json(manifest.layers);
  if (!manifest.is_index && !manifest.config) value["blobs"] = inspected_json(manifest.blobs);
  if (const auto config = image_config(found)) {
    value["platform"] = config->platform.text();
    value["created"] = config->created;
    value["labels"] = config->labels;
  }
  if (found.referrers) value["referrers"] = referrers_json(found);
  return value;
}

void print_field(const std::string& name, const std::string& value) {
  if (!value.empty()) print(fmt::format("{:<12}{}", name, printable(value, 400)));
}

void print_part(const oci::Digest& digest, std::int64_t size, const std::string& what) {
  print(fmt::format("  {}  {:>7}  {}", digest.text(), size_text(static_cast<std::uint64_t>(size)),
                    printable(what, 100)));
}

void print_descriptors(const std::string& title, const std::vector<oci::Descriptor>& descriptors) {
  print(title);
  for (const auto& descriptor : descriptors) {
    const auto& type = descriptor.artifact_type.empty() ? descriptor.media_type : descriptor.artifact_type;
    print_part(descriptor.digest, descriptor.size, descriptor.platform ? descriptor.platform->text() : type);
  }
}

void print_text(const registry::Place& place, const Found& found) {
  const auto& [digest, media_type, bytes, manifest] = *found.manifest;
  print_field("image", place.text());
  print_field("digest", digest.text());
  print_field("media type", media_type);
  print_field("artifact", manifest.artifact_type);
  if (const auto config = image_config(found)) {
    print_field("platform", config->platform.text());
    print_field("created", config->created);
    for (const auto& [name, label] : config->labels)
      print_field("label", name + "=" + label);
  }
  const auto& parts = manifest.config ? manifest.layers : manifest.blobs;
  std::uint64_t size = 0;
  for (const auto& part : parts)
    size += static_cast<std::uint64_t>(part.size);
  if (!manifest.is_index) print_field("size", size_text(size));
  if (manifest.is_index) print_descriptors("platforms", manifest.manifests);
  if (!manifest.is_index) print_descriptors(manifest.config ? "layers" : "blobs", parts);
  if (!found.referrers) return;
  print_descriptors("referrers", *found.referrers);
  for (const auto& [tag, named] : found.tagged)
    print_part(named.digest, named.size, tag);
}

}  // namespace

int inspect(const InspectOptions& options) {
  const auto place = read_place(options.image);
  RegistryTool tool(options.config);
  Found found;
  tool.run(look(tool.client(), place, options, read_platform(options.platform), found));
  if (options.raw || options.image_config) {
    // Exactly these bytes, so that their digest can be computed.
    std::cout << (options.raw ? found.manifest->bytes : found.config) << std::flush;
    return exit_code::ok;
  }
  if (options.json)
    print(inspected_json(place, found).dump(2, ' ', false, ordered_json::error_handler_t::replace));
  else
    print_text(place, found);
  return exit_code::ok;
}

}  // namespace sluice::daemon
