#include "config/tool_access.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_start = "sluice-tools-";

[[noreturn]] void fail(const std::string& what, const fs::path& path) {
  throw Error(ErrorKind::unavailable, fmt::format("{} {}: {}", what, path.string(), std::strerror(errno)));
}

// Locked as long as its owner lives; so a directory whose lock can be had belongs to nobody any more.
int lock_of(const fs::path& directory, int flags) {
  const int file = ::open((directory / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (file < 0) return -1;
  struct stat status {};
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 && ::fstat(file, &status) == 0 && status.st_nlink > 0)
    return file;
  ::close(file);
  return -1;
}

bool is_ours(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid();
}

void remove_abandoned(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    if (!entry.path().filename().string().starts_with(name_start) || !is_ours(entry.path())) continue;
    const int lock = lock_of(entry.path(), 0);
    if (lock < 0) continue;
    fs::remove_all(entry.path(), ignored);
    ::close(lock);
  }
}

void write_private(const fs::path& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) fail("cannot create", path);
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int reason = errno;
      ::close(file);
      errno = reason;
      fail("cannot write", path);
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::close(file);
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += at + i <= bytes.size() ? alphabet[group >> (18U - 6U * i) & 63U] : '=';
  }
  return text;
}

// Hosts become file names and TOML strings; a host of the reference grammar needs only its colon replaced.
bool is_plain_host(const std::string& host) {
  return !host.empty() && host.front() != '.' &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_") ==
             std::string::npos;
}

}  // namespace

ToolAccess::ToolAccess(const Config& config, const std::set<std::string>& hosts) {
  make_directory();
  try {
    write_credentials(config, hosts);
    write_plain_http(config, hosts);
    link_certificates(config, hosts);
  } catch (...) {
    remove_directory();
    throw;
  }
}

ToolAccess::~ToolAccess() {
  remove_directory();
}

std::vector<std::pair<std::string, std::string>> ToolAccess::environment(const Tool& tool) const {
  auto result = environment_;
  std::erase_if(result, [&](const auto& ours) {
    return std::any_of(tool.environment.begin(), tool.environment.end(),
                       [&](const auto& set) { return set.first == ours.first; });
  });
  result.insert(result.end(), tool.environment.begin(), tool.environment.end());
  return result;
}

void ToolAccess::make_directory() {
  std::error_code error;
  const auto parent = fs::temp_directory_path(error);
  if (error)
    throw Error(ErrorKind::unavailable, "there is no directory for temporary files: " + error.message());
  remove_abandoned(parent);
  // Another daemon that looks for abandoned directories at this very moment may take the new one for such.
  for (int attempt = 0; attempt < 5 && lock_ < 0; ++attempt) {
    auto pattern = (parent / (std::string(name_start) + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) fail("cannot create", pattern);
    directory_ = pattern;
    lock_ = lock_of(directory_, O_CREAT);
    if (lock_ < 0 && errno == ENOSPC) break;
  }
  if (lock_ >= 0) return;
  const int reason = errno;
  fs::remove_all(directory_, error);
  errno = reason;
  fail("cannot use", directory_);
}

void ToolAccess::remove_directory() noexcept {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
  if (lock_ >= 0) ::close(lock_);
  lock_ = -1;
}

void ToolAccess::write_credentials(const Config& config, const std::set<std::string>& hosts) {
  auto auths = nlohmann::json::object();
  for (const auto& host : hosts) {
    const auto registry = config.registry(host);
    if (registry.username.empty()) continue;
    auths[host] = {{"auth", base64(registry.username + ":" + std::string(registry.password.reveal()))}};
  }
  if (auths.empty()) return;
  const auto path = directory_ / "auth.json";
  write_private(path, nlohmann::json{{"auths", auths}}.dump());
  environment_.emplace_back("REGISTRY_AUTH_FILE", path.string());
}

void ToolAccess::write_plain_http(const Config& config, const std::set<std::string>& hosts) {
  // Named host by host: --tls-verify=false would also trust every other registry that a build reads from.
  std::string text;
  auto all = configured_hosts(config);
  all.insert(hosts.begin(), hosts.end());
  for (const auto& host : all)
    if (is_plain_host(host) && config.plain_http(host))
      text += fmt::format("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", host);
  if (text.empty()) return;
  const auto path = directory_ / "registries.conf";
  write_private(path, text);
  environment_.emplace_back("CONTAINERS_REGISTRIES_CONF", path.string());
}

void ToolAccess::link_certificates(const Config& config, const std::set<std::string>& hosts) {
  // Endings as in containers-certs.d(5): .crt for authorities, .cert and .key for our own certificate.
  const auto folder = directory_ / "certificates";
  const auto link = [&](const std::string& host, std::string_view ending, const std::string& target) {
    if (target.empty() || !is_plain_host(host)) return;
    std::error_code error;
    fs::create_directory(folder, error);
    auto name = host;
    std::replace(name.begin(), name.end(), ':', '_');
    fs::create_symlink(fs::absolute(target), folder / (name + std::string(ending)), error);
    if (error)
      throw Error(ErrorKind::unavailable, "cannot create " + folder.string() + ": " + error.message());
    certificate_flags_ = {"--cert-dir", folder.string()};
  };
  for (const auto& host : hosts) {
    const auto registry = config.registry(host);
    link(host, ".crt", registry.ca);
    link(host, ".cert", registry.certificate);
    link(host, ".key", registry.key);
  }
}

std::set<std::string> configured_hosts(const Config& config) {
  std::set<std::string> hosts;
  for (const auto& [host, registry] : config.registries)
    hosts.insert(host);
  return hosts;
}

ErrorKind kind_of_registry_failure(std::string_view output) {
  // The words are those of github.com/containers/image/v5/docker and of the distribution specification's
  // error codes.
  static constexpr std::array<std::pair<std::string_view, ErrorKind>, 17> words{{
      {"toomanyrequests", ErrorKind::rate_limited},
      {"too many requests", ErrorKind::rate_limited},
      {"unauthorized", ErrorKind::unauthorized},
      {"authentication required", ErrorKind::unauthorized},
      {"invalid username/password", ErrorKind::unauthorized},
      {"requested access to the resource is denied", ErrorKind::denied},
      {"denied:", ErrorKind::denied},
      {"403 (Forbidden)", ErrorKind::denied},
      {"manifest unknown", ErrorKind::not_found},
      {"name unknown", ErrorKind::not_found},
      {"repository name not known", ErrorKind::not_found},
      {"no image found in", ErrorKind::not_found},
      {"unknown flag", ErrorKind::invalid},
      {"unknown shorthand flag", ErrorKind::invalid},
      {": invalid argument", ErrorKind::invalid},
      {"invalid reference format", ErrorKind::invalid},
      {"i/o timeout", ErrorKind::timeout},
  }};
  const auto end = output.substr(output.size() - std::min<std::size_t>(output.size(), 2000));
  for (const auto& [word, kind] : words)
    if (end.find(word) != std::string_view::npos) return kind;
  return ErrorKind::unavailable;
}

}  // namespace sluice::config
