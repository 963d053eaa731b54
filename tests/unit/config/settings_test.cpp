#include "unit/config/support.hpp"

using namespace sluice;
using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;
using namespace std::chrono_literals;

TEST_CASE("what is not set has its default") {
  const auto config = good("pipelines: []\n");
  CHECK(config->store_path == "/var/lib/sluice/sluice.db");
  CHECK(config->api_listen == "127.0.0.1:8480");
  CHECK(config->api_socket == "/run/sluice/sluice.sock");
  CHECK(config->jobs == 8);
  CHECK(config->lease == 2min);
  CHECK(config->drain == 30s);
  CHECK(config->log_format == "auto");
  CHECK(config->container.program == "podman");
  CHECK(config->builder.program == "buildah");
}

TEST_CASE("every setting is read") {
  const auto config = good(R"(
store: {path: /data/s.db, keep_runs: 30d}
server: {api: {listen: "[::1]:99", socket: /tmp/s}}
engine: {jobs: 3, lease: 10s, drain: 5s, retry: {first: 1s, most: 9s, attempts: 4}}
log: {level: debug, format: json}
tools:
  container: {program: docker, arguments: [--cgroups=disabled], environment: {A: b}}
  builder: {arguments: [--isolation=chroot]}
)");
  CHECK(config->file == "sluice.yaml");
  CHECK(config->store_path == "/data/s.db");
  CHECK(config->keep_runs == std::chrono::days(30));
  CHECK(config->api_listen == "[::1]:99");
  CHECK(config->api_socket == "/tmp/s");
  CHECK(config->jobs == 3);
  CHECK(config->lease == 10s);
  CHECK(config->drain == 5s);
  CHECK(config->retry_first == 1s);
  CHECK(config->retry_most == 9s);
  CHECK(config->retry_attempts == 4);
  CHECK(config->log_level == "debug");
  CHECK(config->log_format == "json");
  CHECK(config->container.program == "docker");
  CHECK(config->container.arguments == std::vector<std::string>{"--cgroups=disabled"});
  CHECK(config->container.environment.front() == std::pair<std::string, std::string>{"A", "b"});
  CHECK(config->builder.program == "buildah");
  CHECK(config->builder.arguments == std::vector<std::string>{"--isolation=chroot"});
}

TEST_CASE("JSON is read as well") {
  CHECK(good("{\n \"server\": {\n  \"api\": {\n   \"listen\": \"\",\n   \"socket\": \"/tmp/s\"\n  }\n },\n "
             "\"pipelines\": []\n}")
            ->api_listen.empty());
}

TEST_CASE("D12: the API listens on loopback only") {
  for (const auto* address :
       {"127.0.0.1:0", "127.8.9.10:65535", "'[::1]:8480'", "localhost:8480", "none", "''"})
    good("server: {api: {listen: " + std::string(address) + "}}");
  for (const auto* address : {"0.0.0.0:8480", "'[::]:8480'", "192.168.1.5:8480", "example.com:80",
                              "127.evil.example.com:80", "':8480'", "127.0.0.1.example.com:1"}) {
    const auto told = wrong("server: {api: {listen: " + std::string(address) + "}}");
    CHECK_THAT(told, Contains("only loopback is served without TLS and tokens"));
  }
  for (const auto* address : {"127.0.0.1", "8480", "127.0.0.1:http", "127.0.0.1:70000", "127.0.0.1:"})
    CHECK_THAT(wrong("server: {api: {listen: '" + std::string(address) + "'}}"),
               Contains("must be ADDRESS:PORT"));
}

TEST_CASE("an API that is served nowhere is a mistake") {
  CHECK_THAT(wrong("server: {api: {listen: none, socket: none}}"), Contains("the API is served nowhere"));
  CHECK(good("server: {api: {listen: none}}")->api_listen.empty());
}

TEST_CASE("a socket path that the kernel would not take is told") {
  CHECK_THAT(wrong("server: {api: {socket: /" + std::string(107, 'x') + "}}"),
             Contains("longer than 107 bytes"));
}

TEST_CASE("what a later version has is told apart from typing errors") {
  CHECK_THAT(wrong("webhooks: {}"), Contains("sluice.yaml:1:1: 'webhooks' is not supported by this version"));
  CHECK_THAT(wrong("pipelnes: []"), Contains("did you mean 'pipelines'?"));
}

TEST_CASE("limits of settings are told") {
  CHECK_THAT(wrong("engine: {jobs: 0}"), Contains("from 1 to 1000, not '0'"));
  CHECK_THAT(wrong("engine: {lease: 10ms}"), Contains("'lease' must be from 1s to 1d"));
  CHECK_THAT(wrong("engine: {retry: {first: 10s, most: 5s}}"), Contains("'most' is shorter than 'first'"));
  CHECK_THAT(wrong("log: {level: warn}"),
             Contains("'level' must be one of trace, debug, info, warning, error"));
  CHECK_THAT(wrong("log: {format: jsn}"), Contains("did you mean 'json'?"));
}

TEST_CASE("a registry has its credentials, certificates, pace and numbers of looks and transfers") {
  const auto config = good(R"(
registries:
  docker.io: {poll: {every: 1h}, auth: {username: bot, password: {file: /secret}}, concurrency: 2, transfers: 3}
  r.example.com:5000: {ca: /ca.pem, certificate: /ca.pem, key: /key.pem}
  old.example.com: {http: true}
  127.0.0.1:5000:
)");
  CHECK(config->registry("docker.io").poll.every == 1h);
  CHECK(config->registry("docker.io").username == "bot");
  CHECK(config->registry("docker.io").password.reveal() == "from-file");
  CHECK(config->registry("docker.io").concurrency == 2);
  CHECK(config->registry("docker.io").transfers == 3);
  CHECK(config->registry("unlisted.example.com").transfers == 16);
  CHECK(config->registry("r.example.com:5000").ca == "/ca.pem");
  CHECK(config->registry("r.example.com:5000").key == "/key.pem");
  CHECK(config->registry("127.0.0.1:5000").host == "127.0.0.1:5000");
  CHECK(config->registry("unlisted.example.com").host == "unlisted.example.com");
  CHECK(config->registry("unlisted.example.com").poll.every == 15min);
}

TEST_CASE("TLS is spoken, except where configured otherwise and on loopback without a CA") {
  const auto config = good(
      "registries: {old.example.com: {http: true}, '127.0.0.1:5001': {ca: /ca.pem}, 'localhost:2': {}, "
      "'localhost:3': {http: false}}");
  CHECK(config->plain_http("old.example.com"));
  CHECK_FALSE(config->plain_http("127.0.0.1:5001"));
  CHECK(config->plain_http("127.0.0.1:5000"));
  CHECK(config->plain_http("localhost:2"));
  CHECK_FALSE(config->plain_http("localhost:3"));
  CHECK(config->plain_http("[::1]:5000"));
  CHECK_FALSE(config->plain_http("docker.io"));
  CHECK_FALSE(config->plain_http("127.0.0.1.example.com"));
}

TEST_CASE("hosts that a registry may send us to are read in lower case, and odd ones told") {
  const auto config = good(
      "registries: {r.example.com: {trusted_hosts: [Storage.example.com, 'minio:9000', 10.1.2.3, "
      "'[fd00::1]:9000']}}");
  CHECK(config->registry("r.example.com").trusted_hosts ==
        std::vector<std::string>{"storage.example.com", "minio:9000", "10.1.2.3", "[fd00::1]:9000"});
  for (const auto* host : {"https://s.example.com", "s.example.com/x", "''", "'s.example.com:99999'", "'*'"})
    CHECK_THAT(wrong("registries: {r.example.com: {trusted_hosts: [" + std::string(host) + "]}}"),
               Contains("is not a host or host:port"));
}

TEST_CASE("mistakes about registries are told") {
  CHECK_THAT(wrong("registries: {'https://r.example.com': {}}"), Contains("is not the name of a registry"));
  CHECK_THAT(wrong("registries: {r.example.com/team: {}}"), Contains("is not the name of a registry"));
  CHECK_THAT(wrong("registries: {r.example.com: {certificate: /ca.pem}}"), Contains("belong together"));
  CHECK_THAT(wrong("registries: {r.example.com: {ca: /missing.pem}}"),
             Contains("'/missing.pem' cannot be read: no such file"));
  CHECK_THAT(wrong("registries: {r.example.com: {http: true, ca: /ca.pem}}"), Contains("no use without TLS"));
  CHECK_THAT(wrong("registries: {r.example.com: {http: true, auth: {username: a, password: {env: TOKEN}}}}"),
             Contains("without encryption"));
  good("registries: {'127.0.0.1:5000': {http: true, auth: {username: a, password: {env: TOKEN}}}}");
  CHECK_THAT(wrong("registries: {r.example.com: {poll: {every: 1ms}}}"),
             Contains("'every' must be from 100ms"));
}

TEST_CASE("a cloud identity stands in the place of a password") {
  const auto config = good(R"(
registries:
  example.azurecr.io: {auth: {azure: {client_id: one, tenant: two}}}
  123456789012.dkr.ecr.eu-west-1.amazonaws.com: {auth: {aws: {}}}
  europe-docker.pkg.dev: {auth: {google: {account: builder@example.iam.gserviceaccount.com}}}
  gcr.io: {auth: {google: }}
)");
  using Kind = CloudIdentity::Kind;
  CHECK(config->registry("example.azurecr.io").identity.kind == Kind::azure);
  CHECK(config->registry("example.azurecr.io").identity.client_id == "one");
  CHECK(config->registry("example.azurecr.io").identity.tenant == "two");
  CHECK(config->registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com").identity.kind == Kind::aws);
  CHECK(config->registry("europe-docker.pkg.dev").identity.kind == Kind::google);
  CHECK(config->registry("europe-docker.pkg.dev").identity.account ==
        "builder@example.iam.gserviceaccount.com");
  CHECK(config->registry("gcr.io").identity.kind == Kind::google);
  CHECK(config->registry("gcr.io").username.empty());
  CHECK(config->registry("docker.io").identity.kind == Kind::none);
}

TEST_CASE("D2: a cloud identity is for that cloud's registries only") {
  for (const std::string host : {"r.example.com", "azurecr.io.example.com", "127.0.0.1:5000"})
    for (const std::string cloud : {"azure", "aws", "google"}) {
      INFO(host << " " << cloud);
      CHECK_THAT(wrong("registries: {'" + host + "': {auth: {" + cloud + ": {}}}}"),
                 Contains("gives no credentials for " + host));
    }
  CHECK_THAT(wrong("registries: {gcr.io: {auth: {azure: {}}}}"), Contains("gives no credentials for gcr.io"));
  CHECK_THAT(wrong("registries: {x.azurecr.io: {http: true, auth: {azure: {}}}}"),
             Contains("without encryption"));
}

TEST_CASE("credentials are given in one way") {
  CHECK_THAT(wrong("registries: {gcr.io: {auth: {google: {}, username: a, password: {env: TOKEN}}}}"),
             Contains("must be given in one way"));
  CHECK_THAT(wrong("registries: {gcr.io: {auth: {google: {}, azure: {}}}}"),
             Contains("must be given in one way"));
  CHECK_THAT(wrong("registries: {gcr.io: {auth: {gogle: {}}}}"), Contains("did you mean 'google'"));
  CHECK_THAT(wrong("registries: {gcr.io: {auth: {google: {acount: x}}}}"),
             Contains("did you mean 'account'"));
}

TEST_CASE("logins of other tools are looked for where the file says") {
  CHECK(good("registries: {}")->docker_config == "none");
  CHECK(good("docker_config: auto")->docker_config == "auto");
  CHECK(good("docker_config: /a/b.json")->docker_config == "/a/b.json");
  for (const std::string word : {"yes", "b.json", "''"})
    CHECK_THAT(wrong("docker_config: " + word), Contains("must be none, auto, or the path of a file"));
}

TEST_CASE("a mistake of something that is empty is told where it stands, not where the next thing does") {
  CHECK_THAT(wrong("registries:\n  no/host:\n\n\nlog: {}\n"),
             Contains("sluice.yaml:2:3: 'no/host' is not the name of a registry"));
}
