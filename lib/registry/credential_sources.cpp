#include "registry/credential_sources.hpp"

#include "registry/docker_credentials.hpp"

namespace sluice::registry {

std::shared_ptr<CredentialSource> CredentialSources::cloud(const CloudIdentity& identity) {
  auto& source = clouds_[identity];
  if (source) return source;
  switch (identity.kind) {
    case CloudIdentity::Kind::azure:
      source = make_azure_identity(world_, identity);
      break;
    case CloudIdentity::Kind::aws:
      source = make_aws_identity(world_);
      break;
    case CloudIdentity::Kind::google:
      source = make_google_identity(world_, identity);
      break;
  }
  return source;
}

std::shared_ptr<CredentialSource> CredentialSources::usual_files() {
  return files(login_files(world_.surroundings));
}

std::shared_ptr<CredentialSource> CredentialSources::file(const std::string& path) {
  return files({path});
}

std::shared_ptr<CredentialSource> CredentialSources::files(std::vector<std::string> paths) {
  auto& source = files_[paths];
  if (!source)
    source = std::make_shared<DockerCredentials>(world_.clock, world_.workers, launcher_, world_.surroundings,
                                                 paths);
  return source;
}

}  // namespace sluice::registry
