#include "registry/certificates.hpp"

#include <map>

#include <catch2/catch.hpp>

using namespace sluice;
using registry::RegistryCertificates;

namespace {

using Folders = std::map<std::string, std::vector<std::string>>;

registry::Surroundings with_folders(Folders folders, int* asked = nullptr) {
  registry::Surroundings surroundings;
  surroundings.environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "HOME" ? std::optional<std::string>("/home/bot") : std::nullopt;
  };
  surroundings.names = [folders = std::move(folders), asked](const std::string& folder) {
    if (asked) ++*asked;
    const auto found = folders.find(folder);
    return found == folders.end() ? std::vector<std::string>{} : found->second;
  };
  return surroundings;
}

}  // namespace

TEST_CASE("authorities and a certificate of our own are found by the registry's name and port") {
  RegistryCertificates certificates(with_folders(
      {{"/etc/docker/certs.d/r.example:5000/", {"client.key", "b.crt", "a.crt", "client.cert", "README"}}}));
  const auto tls = certificates.find("r.example:5000");
  const std::string folder = "/etc/docker/certs.d/r.example:5000/";
  CHECK(tls.ca == std::vector<std::filesystem::path>{folder + "a.crt", folder + "b.crt"});
  CHECK(tls.certificate == folder + "client.cert");
  CHECK(tls.key == folder + "client.key");
  CHECK(certificates.find("r.example") == net::TlsOptions{});
}

TEST_CASE("the person's folder comes before the machine's, podman's before docker's") {
  Folders folders{{"/etc/docker/certs.d/r.example/", {"docker.crt"}},
                  {"/etc/containers/certs.d/r.example/", {"podman.crt"}}};
  CHECK(RegistryCertificates(with_folders(folders)).find("r.example").ca.front().filename() == "podman.crt");
  folders["/home/bot/.config/containers/certs.d/r.example/"] = {"mine.crt"};
  CHECK(RegistryCertificates(with_folders(folders)).find("r.example").ca.front().filename() == "mine.crt");
}

TEST_CASE("a certificate without its key is not used") {
  RegistryCertificates certificates(with_folders(
      {{"/etc/docker/certs.d/r.example/", {"a.cert", "b.cert", "b.key", "c.cert", "c.key", "ca.crt"}}}));
  const auto tls = certificates.find("r.example");
  CHECK(tls.certificate->filename() == "b.cert");
  CHECK(tls.key->filename() == "b.key");
  CHECK(tls.ca.size() == 1);
}

TEST_CASE("certificates are looked for once, and again after a reload") {
  int asked = 0;
  RegistryCertificates certificates(with_folders({}, &asked));
  certificates.find("r.example");
  certificates.find("r.example");
  CHECK(asked == 3);
  certificates.forget();
  certificates.find("r.example");
  CHECK(asked == 6);
}

TEST_CASE("D9: no name leads out of the folders of certificates") {
  int asked = 0;
  RegistryCertificates certificates(with_folders({}, &asked));
  for (const char* name : {"", ".", "..", "../x", "a/../../b", "/etc"})
    CHECK(certificates.find(name) == net::TlsOptions{});
  CHECK(asked == 0);
}
