#include "support/container_tools.hpp"

#include "support/shell.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <stdlib.h>

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* scratch = "FROM scratch\nCOPY bin /bin\nENV PATH=/bin\n";

std::string yaml_list(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "\"" : ", \"") + word + "\"";
  return "[" + text + "]";
}

}  // namespace

ContainerTools::ContainerTools() {
  auto pattern = (fs::temp_directory_path() / "sluice-containers-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory");
  directory_ = pattern;
  std::ofstream(directory_ / "storage.conf") << "[storage]\ndriver = \"vfs\"\ngraphroot = \"" << pattern
                                             << "/storage\"\nrunroot = \"" << pattern << "/running\"\n";
  const auto image = std::string("localhost/probe:1");
  const auto source_directory = source("probe", {{"Containerfile", scratch}});
  call({"buildah", "build", "--quiet", "--tag", image, source_directory.string()});
  const std::vector<std::vector<std::string>> candidates{
      {}, {"--runtime", "runc", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"}};
  std::string why;
  for (const auto& flags : candidates) {
    if (!works(flags, image, why)) continue;
    const auto environment = "{CONTAINERS_STORAGE_CONF: " + (directory_ / "storage.conf").string();
    yaml_ = "tools:\n  container: {arguments: " + yaml_list(flags) + ", environment: " + environment +
            "}}\n  builder: {environment: " + environment + ", BUILDAH_ISOLATION: chroot}}\n";
    call({"buildah", "rmi", "--all", "--force"});
    return;
  }
  fs::remove_all(directory_);
  throw std::runtime_error("podman cannot run a container here: " + why);
}

ContainerTools::~ContainerTools() {
  try {
    call({"podman", "rm", "--all", "--force", "--time=0"});
    call({"buildah", "rm", "--all"});
  } catch (const std::exception&) {
    // What cannot be removed properly goes with the directory.
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

fs::path ContainerTools::source(const std::string& name,
                                const std::map<std::string, std::string>& files) const {
  const auto folder = directory_ / name;
  fs::create_directories(folder / "bin");
  fs::copy_file("/bin/busybox", folder / "bin/busybox", fs::copy_options::skip_existing);
  for (const auto* applet : {"sh", "cat", "echo", "sleep", "yes", "touch", "ls", "tail", "id", "tr", "test",
                             "true", "false", "grep"})
    if (!fs::exists(fs::symlink_status(folder / "bin" / applet)))
      fs::create_symlink("busybox", folder / "bin" / applet);
  for (const auto& [file, text] : files) {
    fs::create_directories((folder / file).parent_path());
    std::ofstream(folder / file) << text;
  }
  return folder;
}

std::string ContainerTools::push(const std::string& repository, const std::string& tag,
                                 const std::string& lines) const {
  const auto folder = source("pushed", {{"Containerfile", scratch + lines}});
  const auto digest_file = (directory_ / "digest").string();
  call({"buildah", "build", "--quiet", "--tag=localhost/pushed:1", folder.string()});
  call({"buildah", "push", "--quiet", "--tls-verify=false", "--digestfile=" + digest_file,
        "localhost/pushed:1", "docker://" + repository + ":" + tag});
  call({"buildah", "rmi", "localhost/pushed:1"});
  std::string digest;
  std::getline(std::ifstream(digest_file), digest);
  return digest;
}

std::string ContainerTools::push_index(const std::string& repository, const std::string& digest,
                                       const std::string& tag) const {
  const auto digest_file = (directory_ / "digest").string();
  const auto list = std::string("localhost/list:1");
  call({"buildah", "manifest", "create", list});
  call({"buildah", "manifest", "add", "--tls-verify=false", list, "docker://" + repository + "@" + digest});
  call({"buildah", "manifest", "push", "--tls-verify=false", "--all", "--digestfile=" + digest_file, list,
        "docker://" + repository + ":" + tag});
  call({"buildah", "manifest", "rm", list});
  std::string result;
  std::getline(std::ifstream(digest_file), result);
  return result;
}

std::vector<std::string> ContainerTools::containers() const {
  return listed({"podman", "ps", "--log-level=error", "--all", "--format={{.Names}}"});
}

std::vector<std::string> ContainerTools::images() const {
  return listed({"podman", "images", "--log-level=error", "--all", "--format={{.ID}} {{.Repository}}"});
}

std::vector<std::string> ContainerTools::build_containers() const {
  return listed({"buildah", "containers", "--all", "--quiet"});
}

std::string ContainerTools::call(std::vector<std::string> argv) const {
  const auto storage = "CONTAINERS_STORAGE_CONF=" + (directory_ / "storage.conf").string();
  argv.insert(argv.begin(), {"env", storage, "BUILDAH_ISOLATION=chroot"});
  return output_of(argv);
}

bool ContainerTools::works(const std::vector<std::string>& flags, const std::string& image,
                           std::string& why) const {
  std::vector<std::string> argv{"podman", "run", "--rm", "--log-level=error", "--network=none"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  argv.insert(argv.end(), {image, "true"});
  try {
    call(argv);
    return true;
  } catch (const std::exception& error) {
    why += std::string(why.empty() ? "" : "; ") + error.what();
    return false;
  }
}

std::vector<std::string> ContainerTools::listed(std::vector<std::string> argv) const {
  std::istringstream output(call(std::move(argv)));
  std::vector<std::string> lines;
  for (std::string line; std::getline(output, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace sluice::test
