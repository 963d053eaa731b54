#include "watch/senders/kinds.hpp"

#include <algorithm>
#include <array>

namespace sluice::watch {
namespace {

const std::array all_senders{
    &acr_sender,          &aliyun_sender,    &artifactory_sender, &cloudevents_sender,
    &distribution_sender, &dockerhub_sender, &ecr_sender,         &gar_sender,
    &generic_sender,      &gitea_sender,     &github_sender,      &gitlab_sender,
    &harbor_sender,       &nexus_sender,     &quay_sender,        &zot_sender,
};

}  // namespace

const Sender* sender(std::string_view name) {
  const auto found =
      std::find_if(all_senders.begin(), all_senders.end(), [&](const Sender* one) { return one->name == name; });
  return found == all_senders.end() ? nullptr : *found;
}

std::vector<std::string> sender_names() {
  std::vector<std::string> names;
  for (const auto* one : all_senders)
    names.emplace_back(one->name);
  return names;
}

}  // namespace sluice::watch
