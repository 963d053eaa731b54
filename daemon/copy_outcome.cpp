#include "copy_outcome.hpp"

#include "core/text.hpp"
#include "registry_tool.hpp"
#include "size.hpp"
#include "terminal.hpp"

#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::ordered_json;

ordered_json platforms_of(const std::vector<oci::Platform>& platforms) {
  ordered_json list = ordered_json::array();
  for (const auto& platform : platforms)
    list.push_back(platform.text());
  return list;
}

ordered_json layers_json(const std::vector<oci::Descriptor>& layers) {
  ordered_json list = ordered_json::array();
  for (const auto& layer : layers)
    list.push_back({{"digest", layer.digest.text()}, {"size", layer.size}, {"urls", layer.urls}});
  return list;
}

const char* word_of(registry::Arrival arrival) {
  switch (arrival) {
    case registry::Arrival::present:
      return "present";
    case registry::Arrival::mounted:
      return "mount";
    case registry::Arrival::moved:
      return "copy";
  }
  return "";
}

void tell_platforms(const std::vector<oci::Platform>& left_out) {
  if (left_out.empty()) return;
  std::string names;
  for (const auto& platform : left_out)
    names += (names.empty() ? "" : ", ") + platform.text();
  std::cerr << "left out: " << printable(names, 500)
            << "; the index is a new one, with a digest of its own\n";
}

std::string referrers_text(int count) {
  return count == 0 ? "" : fmt::format(", with {} referrers", count);
}

void tell_layers(const std::vector<oci::Descriptor>& left_out) {
  for (const auto& layer : left_out)
    std::cerr << fmt::format("left out: foreign layer {} ({}), which is at {}\n", layer.digest.text(),
                             size_text(static_cast<std::uint64_t>(layer.size)),
                             printable(layer.urls.front(), 300));
  if (!left_out.empty()) std::cerr << "--foreign-layers copy brings foreign layers along\n";
}

void tell_plan(const registry::CopyPlan& plan) {
  for (const auto& layer : plan.layers_left_out)
    print(fmt::format("{:<7}  {}  {:>7}", "skip", layer.digest.text(),
                      size_text(static_cast<std::uint64_t>(layer.size))));
  for (const auto& [blob, arrival] : plan.blobs)
    print(fmt::format("{:<7}  {}  {:>7}", word_of(arrival), blob.digest.text(),
                      size_text(static_cast<std::uint64_t>(blob.size))));
  print(fmt::format("{} to move, {} manifests to write", size_text(plan.bytes()), plan.manifests) +
        referrers_text(plan.referrers));
  tell_platforms(plan.left_out);
  tell_layers(plan.layers_left_out);
}

}  // namespace

ordered_json outcome_json(const CopyPair& pair, const CopyEnded& ended) {
  ordered_json value{{"source", pair.source.text()}, {"target", pair.target.text()}};
  if (ended.failure)
    value["error"] = {{"kind", to_string(ended.failure->kind())}, {"message", text_of(*ended.failure)}};
  if (const auto& result = ended.result) {
    const auto& progress = result->progress;
    value["digest"] = result->digest.text();
    value["source_digest"] = result->source.text();
    value["platforms_left_out"] = platforms_of(result->left_out);
    value["layers_left_out"] = layers_json(progress.layers_left_out);
    value["bytes_moved"] = progress.bytes_moved;
    value["blobs"] = {{"copied", progress.blobs_copied},
                      {"mounted", progress.blobs_mounted},
                      {"present", progress.blobs_present}};
    value["manifests"] = {{"copied", progress.manifests_copied}, {"present", progress.manifests_present}};
    value["referrers"] = progress.referrers;
  }
  if (const auto& plan = ended.plan) {
    value["digest"] = plan->digest.text();
    value["source_digest"] = plan->source.text();
    value["platforms_left_out"] = platforms_of(plan->left_out);
    value["layers_left_out"] = layers_json(plan->layers_left_out);
    value["bytes_to_move"] = plan->bytes();
    value["manifests_to_write"] = plan->manifests;
    value["referrers"] = plan->referrers;
    ordered_json blobs = ordered_json::array();
    for (const auto& [blob, arrival] : plan->blobs)
      blobs.push_back({{"digest", blob.digest.text()}, {"size", blob.size}, {"action", word_of(arrival)}});
    value["blobs"] = std::move(blobs);
  }
  return value;
}

void tell_outcome(const CopyPair& pair, const CopyEnded& ended, bool quiet) {
  if (ended.failure) {
    std::cerr << "sluice: " << text_of(*ended.failure) << '\n';
    return;
  }
  if (ended.plan) return tell_plan(*ended.plan);
  const auto& [digest, source, left_out, progress] = *ended.result;
  tell_platforms(left_out);
  tell_layers(progress.layers_left_out);
  if (!quiet)
    std::cerr << fmt::format("{}: {} copied ({}), {} mounted, {} there already{}\n", pair.target.text(),
                             progress.blobs_copied, size_text(progress.bytes_moved), progress.blobs_mounted,
                             progress.blobs_present, referrers_text(progress.referrers));
  print(pair.target.text() + "@" + digest.text());
}

}  // namespace sluice::daemon
