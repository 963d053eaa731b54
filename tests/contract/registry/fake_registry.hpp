#pragma once
// A registry in memory that misbehaves exactly where a test says so. Unlike a real one it verifies nothing:
// what must not be stored has to be kept back by the client.

#include "images.hpp"
#include "oci/reference.hpp"
#include "support/scripted_server.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

class FakeRegistry {
 public:
  /// Called with the head of each request before the registry's own answer. True: it has answered, or has
  /// broken the connection by itself. The body of a request is still unread then.
  using Hook = std::function<bool(Exchange&, const RecordedRequest&)>;
  explicit FakeRegistry(Hook hook = {});

  std::string host() const { return server_.authority(); }
  oci::Repository repository(const std::string& path) const { return {host(), path}; }
  std::string url(const std::string& target) const { return server_.url(target); }

  void add(const std::string& path, const Piece& piece);
  void add(const std::string& path, const TestImage& image);
  void tag(const std::string& path, const std::string& tag, const Piece& manifest);
  void remove(const std::string& path, const oci::Digest& digest);
  /// What is stored under a digest, whatever its bytes are.
  std::optional<std::string> stored(const std::string& path, const oci::Digest& digest) const;

  /// The digest that a tag names.
  std::optional<std::string> tagged(const std::string& path, const std::string& tag) const;

  /// Bytes of an upload that a hook took off the connection, for the registry to keep.
  void receive(const RecordedRequest& request, const std::string& bytes);

  std::vector<RecordedRequest> requests() const { return server_.requests(); }
  /// How many requests had this method and a target with this text in it.
  int count(const std::string& method, const std::string& text = "") const;
  /// "METHOD target" of all requests that changed something: manifests and finished uploads.
  std::vector<std::string> writes() const;

 private:
  void serve(Exchange& exchange);
  void answer(Exchange& exchange, const RecordedRequest& request, const std::string& body);
  void answer_manifest(Exchange& exchange, const RecordedRequest& request, const std::string& path,
                       const std::string& reference, const std::string& body);
  void answer_blob(Exchange& exchange, const RecordedRequest& request, const std::string& path,
                   const std::string& digest);
  void answer_upload(Exchange& exchange, const RecordedRequest& request, const std::string& path,
                     const std::string& body);

  Hook hook_;
  mutable std::mutex mutex_;
  std::map<std::string, Piece> content_;     // by "path@digest"
  std::map<std::string, std::string> tags_;  // digest by "path:tag"
  int uploads_ = 0;
  std::map<std::string, std::string> received_;  // by upload
  ScriptedServer server_;                        // last: its threads use all above
};

/// True for a request of this method whose target has this text in it.
bool is(const RecordedRequest& request, const std::string& method, const std::string& text);
/// The body of a request whose head was read.
std::string read_body(Exchange& exchange, const RecordedRequest& request);

}  // namespace sluice::test
