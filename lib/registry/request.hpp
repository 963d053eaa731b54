#pragma once
// One request to a registry: URL, authorization, one answer to a challenge, and errors in words.
// Event-loop thread only.

#include "core/keyed_lock.hpp"
#include "oci/reference.hpp"
#include "registry/auth.hpp"
#include "registry/client.hpp"
#include "registry/endpoint.hpp"
#include "registry/gates.hpp"
#include "registry/kept_manifests.hpp"
#include "registry/mirror_notes.hpp"
#include "registry/warnings.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::registry {

struct Call {
  std::string what;  // "manifest 9-alpine", for messages
  std::string method = "GET";
  std::string path;             // below /v2/<repository>/, with its query
  std::optional<net::Url> url;  // instead of path: an upload location, the next page of a list
  /// The class of the address that `url` was learned from.
  net::AddressClass url_from = net::AddressClass::global;
  net::Headers headers;
  std::string body;
  net::BodySource* stream = nullptr;
  std::uint64_t stream_length = 0;
  std::vector<int> expected{200};
  std::vector<std::string> scopes;
  int redirects = 0;
  /// False: a page for people with a 2xx is corrupt (captive portals, proxies, websites at the registry's
  /// name).
  bool html_allowed = false;
  /// False: a 401 is an answer like any other, and nothing is learned from it.
  bool answers_challenge = true;
  Milliseconds header_timeout{std::chrono::seconds(30)};
  Pace pace = Pace::begin;
  /// Counts as a pull where pulls are counted.
  bool is_pull = false;
  /// The registry whose mirror is asked, empty for none. It is not waited for: others have the same.
  std::string mirror_of;
};

std::string pull_scope(const oci::Repository& repository);
std::string push_scope(const oci::Repository& repository);

class Session {
 public:
  Session(net::Client& http, Clock& clock, Random& random, std::function<Access(const std::string&)> access);

  /// Sends the call, when the registry's gate lets it through, and returns an answer with one of the expected
  /// statuses; any other is thrown as Error. A refusal for a short time (429) is waited for and tried again.
  /// On 401 a new authorization is tried once; not with a stream, which cannot be sent again (the caller may
  /// start over). Another host than the registry gets no Authorization, and its 401 is not answered.
  Task<std::unique_ptr<net::Response>> send(oci::Repository repository, Call call);

  /// See Client::verify().
  Task<bool> verify(std::string registry);
  /// See Client::credentials().
  Task<std::optional<Credentials>> credentials(oci::Repository repository);

  Endpoint endpoint(const oci::Repository& repository) const;
  /// The repository's mirrors that were not of no use lately, in order; `for_tags`: those that may tell tags.
  std::vector<oci::Repository> mirrors_of(const oci::Repository& repository, bool for_tags) const;
  /// A mirror was of no use: it is passed over for a while.
  void mirror_failed(const oci::Repository& at, const Error& error);
  KeptManifests& kept_manifests() { return kept_manifests_; }
  /// Held while a list of referrers is read, changed and written, by its repository and tag.
  KeyedLock& fallback_lists() { return fallback_lists_; }
  /// Whether the registry's entity tags of manifests (ETag) are their digests, as its answers show.
  bool etags_are_digests(const std::string& registry) const { return etags_are_digests_.contains(registry); }
  void etags_are_digests(const std::string& registry, bool does);
  Gates& gates() { return gates_; }
  Endpoint endpoint(const std::string& registry) const { return endpoint_of(registry, access_(registry)); }
  std::vector<RegistryStatus> statuses() const { return gates_.statuses(); }
  Clock& clock() { return clock_; }
  Random& random() { return random_; }

 private:
  Task<std::unique_ptr<net::Response>> patiently(Endpoint& endpoint, const Call& call, const net::Url& url,
                                                 std::string path);
  Task<std::unique_ptr<net::Response>> admitted(Endpoint& endpoint, const Call& call, const net::Url& url,
                                                std::string path);
  Task<std::unique_ptr<net::Response>> attempt(Endpoint& endpoint, const Call& call, const net::Url& url,
                                               std::string path);
  Task<> look_up(Endpoint& endpoint, std::string path);
  Task<Secret> authorization(Gates::Passage& passage, const Endpoint& endpoint,
                             const std::vector<std::string>& scopes);
  Task<std::unique_ptr<net::Response>> exchange(Gates::Passage& passage, const Endpoint& endpoint,
                                                const Call& call, const net::Url& url, Secret authorization);
  void tell_warnings(const Endpoint& endpoint, const net::Response& response);
  Task<bool> learn(Gates::Passage& passage, Endpoint& endpoint, const Call& call,
                   const net::Response& response, Secret sent, std::string path);
  Task<> check(const Gates::Passage& passage, const Endpoint& endpoint, const Call& call,
               net::Response& response, Secret sent);

  net::Client& http_;
  Clock& clock_;
  Random& random_;
  std::function<Access(const std::string&)> access_;
  Auth auth_;
  Gates gates_;
  MirrorNotes mirror_notes_;
  Warnings warnings_;
  KeptManifests kept_manifests_;
  KeyedLock fallback_lists_;
  std::set<std::string> etags_are_digests_;
};

/// Reads at most `limit` bytes, for error texts; what fails on the way is left out.
Task<std::string> read_beginning(net::Response& response, std::size_t limit);
/// Reads a short rest away, so that the connection can be used again.
Task<> drain(net::Response& response);

}  // namespace sluice::registry
