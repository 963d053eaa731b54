#pragma once
// Registries in memory that answer the distribution protocol through net::Client: the shipped registry client
// and the whole engine run against them, with faults wherever a test wants them.

#include "net/client.hpp"
#include "oci/digest.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

/// What an image is made of; its bytes follow from these.
struct Picture {
  std::vector<std::string> layers;  // contents
  std::string manifest;             // bytes, made by picture()
  std::string config;
  oci::Digest digest = oci::Digest::of("");
};
/// An image for linux/amd64 with these layers; `created` as its config has it.
Picture picture(std::vector<std::string> layers, const std::string& created = {});

class MemoryRegistries final : public net::Client {
 public:
  struct Fault {
    int status = 0;            // answered instead, or
    bool lose_answer = false;  // done, but the connection breaks before the answer
  };
  /// Asked for each request; nullopt lets it through.
  std::function<std::optional<Fault>(const net::Request&)> fault;
  /// As `fault`: this host answers everything with `status` while `is_down`, which must outlive this.
  void fail_while(const bool& is_down, std::string host, int status);
  /// The same of one repository, "host/path", with 503.
  void fail_repository_while(const bool& is_down, const std::string& repository);
  /// The same of each PUT of this image under the tag.
  void refuse_tag_while(const bool& is_down, const std::string& tag, const Picture& image);
  /// Awaited, when set, before a request is answered.
  std::function<Task<>(const net::Request&)> wait_before;
  /// Adds to the header of an answer.
  std::function<void(const net::Request&, net::Headers&)> also_say;
  /// "METHOD host/path" of every request, oldest first.
  std::vector<std::string> requests;

  /// Puts an image under "host/repository:tag", as somebody else would.
  void push(const std::string& repository, const std::string& tag, const Picture& image);
  void remove_tag(const std::string& repository, const std::string& tag);
  std::optional<oci::Digest> tag(const std::string& repository, const std::string& tag) const;
  std::vector<std::string> tags(const std::string& repository) const;
  /// How many PUTs of manifests under a tag this repository saw.
  int tag_writes(const std::string& repository, const std::string& tag) const;

  Task<std::unique_ptr<net::Response>> send(net::Request request) override;
  void close_idle() override {}

 private:
  struct Repository {
    std::map<std::string, std::string> manifests;  // digest -> bytes
    std::map<std::string, std::string> tags;       // tag -> digest
    std::map<std::string, std::string> blobs;
    std::map<std::string, int> writes;
  };
  struct Answer {
    int status = 200;
    net::Headers headers;
    std::string body;
  };
  Answer answer(const net::Request& request, std::string body);
  Answer tag_list(const std::string& name);
  Answer manifest(Repository& repository, const net::Request& request, const std::string& name,
                  std::string body);
  Answer blob(Repository& repository, const net::Request& request, const std::string& digest);
  Answer upload(Repository& repository, const net::Request& request, const std::string& host,
                std::string body);

  std::map<std::string, Repository> repositories_;  // "host/path"
};

}  // namespace sluice::test
