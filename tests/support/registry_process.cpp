#include "support/registry_process.hpp"

#include "support/shell.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace sluice::test {
namespace {

std::string configuration(const RegistryOptions& options, const std::filesystem::path& directory) {
  std::string text =
      "version: 0.1\nlog: {level: info, formatter: text}\nstorage:\n  filesystem: {rootdirectory: " +
      (directory / "data").string() +
      "}\n  delete: {enabled: true}\nhttp:\n  addr: 127.0.0.1:0\n  secret: for-tests\n";
  if (options.tls)
    text += "  tls: {certificate: " + options.tls->certificate.string() +
            ", key: " + options.tls->key.string() + "}\n";
  if (options.basic)
    text += "auth:\n  htpasswd: {realm: tests, path: " + (directory / "htpasswd").string() + "}\n";
  if (options.token)
    text += "auth:\n  token:\n    realm: " + options.token->realm +
            "\n    service: " + options.token->service + "\n    issuer: " + options.token->issuer +
            "\n    rootcertbundle: " + options.token->certificates.string() + "\n";
  return text;
}

}  // namespace

RegistryProcess::RegistryProcess(const RegistryOptions& options) : tls_(options.tls.has_value()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "sluice-registry-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("cannot make a directory for a registry");
  directory_ = pattern;
  if (options.basic)
    std::ofstream(directory_ / "htpasswd")
        << output_of({"htpasswd", "-Bbn", "-C", "4", options.basic->user, options.basic->password});
  std::ofstream(directory_ / "config.yml") << configuration(options, directory_);
  start();
  try {
    wait_until_it_listens();
  } catch (...) {
    stop();
    throw;
  }
}

RegistryProcess::~RegistryProcess() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void RegistryProcess::start() {
  const std::string config = (directory_ / "config.yml").string();
  const std::string log = (directory_ / "log").string();
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("cannot fork");
  if (process_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execlp("docker-registry", "docker-registry", "serve", config.c_str(), nullptr);
  ::_exit(127);
}

// The kernel's choice of the port is told by the registry's log only.
void RegistryProcess::wait_until_it_listens() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const std::string mark = "listening on 127.0.0.1:";
  while (std::chrono::steady_clock::now() < end) {
    const std::string text = log();
    const auto at = text.find(mark);
    const auto digits_end =
        at == std::string::npos ? at : text.find_first_not_of("0123456789", at + mark.size());
    if (digits_end != std::string::npos) {
      port_ = static_cast<std::uint16_t>(std::stoul(text.substr(at + mark.size())));
      return;
    }
    if (::waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
      throw std::runtime_error("docker-registry ended at once: " + text);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("docker-registry does not listen: " + log());
}

std::string RegistryProcess::host() const {
  return (tls_ ? "localhost:" : "127.0.0.1:") + std::to_string(port_);
}

std::string RegistryProcess::log() const {
  std::ifstream file(directory_ / "log");
  return {std::istreambuf_iterator<char>(file), {}};
}

void RegistryProcess::stop() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

}  // namespace sluice::test
