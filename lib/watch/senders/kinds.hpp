#pragma once
// The senders of the table, one file each. Room-internal.

#include "watch/sender.hpp"

namespace sluice::watch {

extern const Sender acr_sender;
extern const Sender aliyun_sender;
extern const Sender artifactory_sender;
extern const Sender cloudevents_sender;
extern const Sender distribution_sender;
extern const Sender dockerhub_sender;
extern const Sender ecr_sender;
extern const Sender gar_sender;
extern const Sender generic_sender;
extern const Sender gitea_sender;
extern const Sender github_sender;
extern const Sender gitlab_sender;
extern const Sender harbor_sender;
extern const Sender nexus_sender;
extern const Sender quay_sender;
extern const Sender zot_sender;

/// The envelope of the CNCF registry, which GitLab sends too.
Parsed parse_distribution(const Delivery& delivery, const Reading& reading);

}  // namespace sluice::watch
