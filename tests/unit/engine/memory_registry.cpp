#include "memory_registry.hpp"

#include "core/error.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";

class StoredResponse final : public net::Response {
 public:
  StoredResponse(net::Url url, int status, net::Headers headers, std::string body, std::uint64_t length)
      : url_(std::move(url)),
        status_(status),
        headers_(std::move(headers)),
        body_(std::move(body)),
        length_(length) {}
  int status() const override { return status_; }
  const net::Headers& headers() const override { return headers_; }
  const net::Url& url() const override { return url_; }
  std::optional<std::uint64_t> content_length() const override { return length_; }
  Task<std::size_t> read(std::span<char> buffer) override {
    const auto count = std::min(buffer.size(), body_.size() - at_);
    std::copy_n(body_.data() + at_, count, buffer.data());
    at_ += count;
    co_return count;
  }

 private:
  net::Url url_;
  int status_;
  net::Headers headers_;
  std::string body_;
  std::uint64_t length_;
  std::size_t at_ = 0;
};

std::string query_value(const std::string& query, const std::string& key) {
  const auto at = query.find(key + "=");
  if (at == std::string::npos) return {};
  auto value = query.substr(at + key.size() + 1);
  value = value.substr(0, value.find('&'));
  for (std::size_t colon; (colon = value.find("%3A")) != std::string::npos;)
    value.replace(colon, 3, ":");
  for (std::size_t slash; (slash = value.find("%2F")) != std::string::npos;)
    value.replace(slash, 3, "/");
  return value;
}

}  // namespace

Picture picture(std::vector<std::string> layers, const std::string& created) {
  Picture made{.layers = std::move(layers), .manifest = {}, .config = {}};
  nlohmann::json diff_ids = nlohmann::json::array();
  nlohmann::json descriptors = nlohmann::json::array();
  for (const auto& layer : made.layers) {
    const auto digest = oci::Digest::of(layer).text();
    diff_ids.push_back(digest);
    descriptors.push_back({{"mediaType", "application/vnd.oci.image.layer.v1.tar"},
                           {"digest", digest},
                           {"size", layer.size()}});
  }
  nlohmann::json config{
      {"os", "linux"}, {"architecture", "amd64"}, {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}};
  if (!created.empty()) config["created"] = created;
  made.config = config.dump();
  made.manifest = nlohmann::json{
      {"schemaVersion", 2},
      {"mediaType", manifest_type},
      {"config",
       {{"mediaType", "application/vnd.oci.image.config.v1+json"},
        {"digest", oci::Digest::of(made.config).text()},
        {"size", made.config.size()}}},
      {"layers",
       descriptors}}.dump();
  made.digest = oci::Digest::of(made.manifest);
  return made;
}

void MemoryRegistries::fail_while(const bool& is_down, std::string host, int status) {
  fault = [&is_down, host = std::move(host), status](const net::Request& request) -> std::optional<Fault> {
    if (!is_down || request.url.host != host) return std::nullopt;
    return Fault{.status = status};
  };
}

void MemoryRegistries::fail_repository_while(const bool& is_down, const std::string& repository) {
  fault = [&is_down, repository](const net::Request& request) -> std::optional<Fault> {
    const auto slash = repository.find('/');
    const bool asked = request.url.host == repository.substr(0, slash) &&
                       request.url.target.starts_with("/v2" + repository.substr(slash) + "/");
    if (!is_down || !asked) return std::nullopt;
    return Fault{.status = 503};
  };
}

void MemoryRegistries::refuse_tag_while(const bool& is_down, const std::string& tag, const Picture& image) {
  fault = [&is_down, tag, bytes = image.manifest](const net::Request& request) -> std::optional<Fault> {
    const bool writes =
        request.method == "PUT" && request.url.target.ends_with("/manifests/" + tag) && request.body == bytes;
    if (!is_down || !writes) return std::nullopt;
    return Fault{.status = 503};
  };
}

void MemoryRegistries::push(const std::string& name, const std::string& tag, const Picture& image) {
  auto& repository = repositories_[name];
  for (const auto& layer : image.layers)
    repository.blobs[oci::Digest::of(layer).text()] = layer;
  repository.blobs[oci::Digest::of(image.config).text()] = image.config;
  repository.manifests[image.digest.text()] = image.manifest;
  repository.tags[tag] = image.digest.text();
}

void MemoryRegistries::remove_tag(const std::string& repository, const std::string& tag) {
  repositories_[repository].tags.erase(tag);
}

std::optional<oci::Digest> MemoryRegistries::tag(const std::string& name, const std::string& tag) const {
  const auto repository = repositories_.find(name);
  if (repository == repositories_.end()) return std::nullopt;
  const auto found = repository->second.tags.find(tag);
  if (found == repository->second.tags.end()) return std::nullopt;
  return oci::Digest::parse(found->second);
}

std::vector<std::string> MemoryRegistries::tags(const std::string& name) const {
  std::vector<std::string> names;
  if (const auto repository = repositories_.find(name); repository != repositories_.end())
    for (const auto& [tag, digest] : repository->second.tags)
      names.push_back(tag);
  return names;
}

int MemoryRegistries::tag_writes(const std::string& name, const std::string& tag) const {
  const auto repository = repositories_.find(name);
  if (repository == repositories_.end()) return 0;
  const auto found = repository->second.writes.find(tag);
  return found == repository->second.writes.end() ? 0 : found->second;
}

Task<std::unique_ptr<net::Response>> MemoryRegistries::send(net::Request request) {
  requests.push_back(request.method + " " + request.url.host + request.url.target);
  if (wait_before) co_await wait_before(request);
  const auto trouble = fault ? fault(request) : std::nullopt;
  std::string body = request.body;
  if (request.stream) {
    std::string buffer(64 * 1024, '\0');
    for (std::size_t count; (count = co_await request.stream->read(buffer)) > 0;)
      body.append(buffer, 0, count);
  }
  if (trouble && trouble->status != 0) {
    net::Headers none;
    co_return std::make_unique<StoredResponse>(request.url, trouble->status, none, "", 0);
  }
  auto given = answer(request, std::move(body));
  if (trouble && trouble->lose_answer)
    throw Error(ErrorKind::unavailable, request.method + " " + request.url.text() + ": connection reset");
  if (also_say) also_say(request, given.headers);
  const std::uint64_t length = given.body.size();
  if (request.method == "HEAD") given.body.clear();
  co_return std::make_unique<StoredResponse>(request.url, given.status, std::move(given.headers),
                                             std::move(given.body), length);
}

MemoryRegistries::Answer MemoryRegistries::answer(const net::Request& request, std::string body) {
  const auto path = request.url.target.substr(0, request.url.target.find('?'));
  for (const std::string verb : {"/manifests/", "/blobs/uploads/", "/blobs/"}) {
    const auto at = path.find(verb);
    if (at == std::string::npos) continue;
    auto& repository = repositories_[request.url.host + path.substr(3, at - 3)];
    const auto name = path.substr(at + verb.size());
    if (verb == "/manifests/") return manifest(repository, request, name, std::move(body));
    if (verb == "/blobs/") return blob(repository, request, name);
    return upload(repository, request, request.url.host, std::move(body));
  }
  if (const auto at = path.find("/tags/list"); at != std::string::npos)
    return tag_list(request.url.host + path.substr(3, at - 3));
  return {.status = 200, .headers = {}, .body = "{}"};
}

MemoryRegistries::Answer MemoryRegistries::tag_list(const std::string& name) {
  const auto found = repositories_.find(name);
  if (found == repositories_.end()) return {.status = 404, .headers = {}, .body = {}};
  auto list = nlohmann::json::array();
  for (const auto& [tag, digest] : found->second.tags)
    list.push_back(tag);
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}},
          .body = nlohmann::json{{"name", name}, {"tags", list}}.dump()};
}

MemoryRegistries::Answer MemoryRegistries::manifest(Repository& repository, const net::Request& request,
                                                    const std::string& name, std::string body) {
  const bool by_digest = name.find(':') != std::string::npos;
  if (request.method == "PUT") {
    const auto digest = oci::Digest::of(body).text();
    repository.manifests[digest] = std::move(body);
    if (!by_digest) {
      repository.tags[name] = digest;
      ++repository.writes[name];
    }
    return {.status = 201, .headers = {{"Docker-Content-Digest", digest}}, .body = {}};
  }
  const auto tag = repository.tags.find(name);
  const auto digest = by_digest ? name : tag == repository.tags.end() ? std::string() : tag->second;
  const auto found = repository.manifests.find(digest);
  if (found == repository.manifests.end()) return {.status = 404, .headers = {}, .body = {}};
  return {.status = 200,
          .headers = {{"Docker-Content-Digest", digest}, {"Content-Type", manifest_type}},
          .body = found->second};
}

MemoryRegistries::Answer MemoryRegistries::blob(Repository& repository, const net::Request&,
                                                const std::string& digest) {
  const auto found = repository.blobs.find(digest);
  if (found == repository.blobs.end()) return {.status = 404, .headers = {}, .body = {}};
  return {.status = 200, .headers = {{"Docker-Content-Digest", digest}}, .body = found->second};
}

MemoryRegistries::Answer MemoryRegistries::upload(Repository& repository, const net::Request& request,
                                                  const std::string& host, std::string body) {
  const auto question = request.url.target.find('?');
  const auto query = question == std::string::npos ? std::string() : request.url.target.substr(question + 1);
  if (request.method == "PUT") {
    repository.blobs[query_value(query, "digest")] = std::move(body);
    return {.status = 201, .headers = {}, .body = {}};
  }
  if (request.method == "DELETE") return {.status = 204, .headers = {}, .body = {}};
  const auto mount = query_value(query, "mount");
  if (!mount.empty()) {
    const auto& source = repositories_[host + "/" + query_value(query, "from")];
    if (const auto found = source.blobs.find(mount); found != source.blobs.end()) {
      repository.blobs[mount] = found->second;
      return {.status = 201, .headers = {}, .body = {}};
    }
  }
  const auto path = request.url.target.substr(0, question);
  return {.status = 202, .headers = {{"Location", path + "session"}}, .body = {}};
}

}  // namespace sluice::test
