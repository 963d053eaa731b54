#include "fake_registry.hpp"

#include "support/token_server.hpp"

#include <algorithm>

namespace sluice::test {
namespace {

const std::string not_found = R"({"errors":[{"code":"NAME_UNKNOWN","message":"not here"}]})";

std::string header_lines(const Piece& piece) {
  return "Content-Type: " + piece.media_type + "\r\nDocker-Content-Digest: " + piece.digest().text() + "\r\n";
}

void answer_head(Exchange& exchange, const Piece& piece, const std::string& digest_header) {
  exchange.write("HTTP/1.1 200 OK\r\nContent-Type: " + piece.media_type + "\r\nDocker-Content-Digest: " +
                 digest_header + "\r\nContent-Length: " + std::to_string(piece.bytes.size()) + "\r\n\r\n");
}

}  // namespace

bool is(const RecordedRequest& request, const std::string& method, const std::string& text) {
  return request.method == method && request.target.find(text) != std::string::npos;
}

std::string read_body(Exchange& exchange, const RecordedRequest& request) {
  const auto length = request.headers.find("content-length");
  return length == request.headers.end() ? "" : exchange.read_bytes(std::stoull(length->second));
}

FakeRegistry::FakeRegistry(Hook hook)
    : hook_(std::move(hook)), server_([this](Exchange& exchange) { serve(exchange); }) {}

void FakeRegistry::add(const std::string& path, const Piece& piece) {
  std::lock_guard lock(mutex_);
  content_.insert_or_assign(path + "@" + piece.digest().text(), piece);
}

void FakeRegistry::add(const std::string& path, const TestImage& image) {
  add(path, image.manifest);
  for (const auto& blob : image.blobs)
    add(path, blob);
}

void FakeRegistry::tag(const std::string& path, const std::string& tag, const Piece& manifest) {
  std::lock_guard lock(mutex_);
  tags_[path + ":" + tag] = manifest.digest().text();
}

void FakeRegistry::remove(const std::string& path, const oci::Digest& digest) {
  std::lock_guard lock(mutex_);
  content_.erase(path + "@" + digest.text());
}

std::optional<std::string> FakeRegistry::stored(const std::string& path, const oci::Digest& digest) const {
  std::lock_guard lock(mutex_);
  const auto found = content_.find(path + "@" + digest.text());
  if (found == content_.end()) return std::nullopt;
  return found->second.bytes;
}

std::optional<std::string> FakeRegistry::tagged(const std::string& path, const std::string& tag) const {
  std::lock_guard lock(mutex_);
  const auto found = tags_.find(path + ":" + tag);
  if (found == tags_.end()) return std::nullopt;
  return found->second;
}

int FakeRegistry::count(const std::string& method, const std::string& text) const {
  const auto all = requests();
  return static_cast<int>(
      std::count_if(all.begin(), all.end(), [&](const auto& request) { return is(request, method, text); }));
}

std::vector<std::string> FakeRegistry::writes() const {
  std::vector<std::string> found;
  for (const auto& request : requests())
    if (request.method == "PUT") found.push_back(request.method + " " + request.target);
  return found;
}

void FakeRegistry::serve(Exchange& exchange) {
  while (true) {
    const RecordedRequest request = exchange.read_head();
    if (hook_ && hook_(exchange, request)) continue;
    const std::string body = read_body(exchange, request);
    answer(exchange, request, body);
  }
}

void FakeRegistry::answer(Exchange& exchange, const RecordedRequest& request, const std::string& body) {
  const std::string target = request.target.substr(0, request.target.find('?'));
  for (const std::string kind : {"/manifests/", "/blobs/uploads/", "/blobs/"}) {
    const auto at = target.find(kind);
    if (at == std::string::npos || !target.starts_with("/v2/")) continue;
    const std::string path = target.substr(4, at - 4);
    const std::string last = target.substr(at + kind.size());
    if (kind == "/manifests/") return answer_manifest(exchange, request, path, last, body);
    if (kind == "/blobs/") return answer_blob(exchange, request, path, last);
    return answer_upload(exchange, request, path, body);
  }
  exchange.answer(target == "/v2/" ? 200 : 404, "{}");
}

void FakeRegistry::answer_manifest(Exchange& exchange, const RecordedRequest& request,
                                   const std::string& path, const std::string& reference,
                                   const std::string& body) {
  std::unique_lock lock(mutex_);
  if (request.method == "PUT") {
    const Piece piece{request.headers.at("content-type"), body};
    content_.insert_or_assign(path + "@" + piece.digest().text(), piece);
    if (reference.find(':') == std::string::npos) tags_[path + ":" + reference] = piece.digest().text();
    lock.unlock();
    return exchange.answer(201, "", "Docker-Content-Digest: " + piece.digest().text() + "\r\n");
  }
  const auto tag = tags_.find(path + ":" + reference);
  const auto found = content_.find(path + "@" + (tag == tags_.end() ? reference : tag->second));
  const std::optional<Piece> piece =
      found == content_.end() ? std::nullopt : std::optional<Piece>(found->second);
  lock.unlock();
  if (!piece) return request.method == "HEAD" ? exchange.answer(404) : exchange.answer(404, not_found);
  if (request.method == "HEAD") return answer_head(exchange, *piece, piece->digest().text());
  exchange.answer(200, piece->bytes, header_lines(*piece));
}

void FakeRegistry::answer_blob(Exchange& exchange, const RecordedRequest& request, const std::string& path,
                               const std::string& digest) {
  std::unique_lock lock(mutex_);
  const auto found = content_.find(path + "@" + digest);
  const std::optional<Piece> piece =
      found == content_.end() ? std::nullopt : std::optional<Piece>(found->second);
  lock.unlock();
  if (!piece) return request.method == "HEAD" ? exchange.answer(404) : exchange.answer(404, not_found);
  if (request.method == "HEAD") return answer_head(exchange, *piece, digest);
  const auto range = request.headers.find("range");
  if (range == request.headers.end())
    return exchange.answer(200, piece->bytes, "Content-Type: application/octet-stream\r\n");
  const auto from = std::stoull(range->second.substr(std::string("bytes=").size()));
  const auto size = std::to_string(piece->bytes.size());
  exchange.answer(206, piece->bytes.substr(from),
                  "Content-Range: bytes " + std::to_string(from) + "-" +
                      std::to_string(piece->bytes.size() - 1) + "/" + size + "\r\n");
}

namespace {

/// "/v2/b/blobs/uploads/7?_state=a%3Db" -> "7"
std::string upload_of(const std::string& target) {
  const auto path = target.substr(0, target.find('?'));
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

void FakeRegistry::receive(const RecordedRequest& request, const std::string& bytes) {
  std::lock_guard lock(mutex_);
  received_[upload_of(request.target)] += bytes;
}

void FakeRegistry::answer_upload(Exchange& exchange, const RecordedRequest& request, const std::string& path,
                                 const std::string& body) {
  std::unique_lock lock(mutex_);
  const std::string id = request.method == "POST" ? std::to_string(++uploads_) : upload_of(request.target);
  std::string& received = received_[id];
  received += body;
  const std::string location = "Location: /v2/" + path + "/blobs/uploads/" + id + "?_state=a%3Db\r\n";
  const std::string range = "Range: 0-" + std::to_string(received.empty() ? 0 : received.size() - 1) + "\r\n";
  if (request.method == "PUT") {
    const auto digests = query_values(request.target, "digest");
    const auto states = query_values(request.target, "_state");
    const bool valid = digests.size() == 1 && states == std::vector<std::string>{"a=b"};
    if (valid)
      content_.insert_or_assign(path + "@" + digests.front(), Piece{"application/octet-stream", received});
    lock.unlock();
    return exchange.answer(valid ? 201 : 400);
  }
  lock.unlock();
  if (request.method == "DELETE" || request.method == "GET")
    return exchange.answer(204, "", location + range);
  exchange.answer(202, "", location + range);
}

}  // namespace sluice::test
