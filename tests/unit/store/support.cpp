#include "support.hpp"

#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace sluice::store::test {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  auto name = (fs::temp_directory_path() / "sluice-store-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a directory like " + name);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::unique_ptr<Store> open_store(const fs::path& path) {
  return Store::open({.path = path, .new_instance = "00c0ffee"});
}

boost::asio::io_context& own_loop() {
  static std::mutex mutex;
  static std::map<std::thread::id, boost::asio::io_context> loops;
  const std::lock_guard lock(mutex);
  return loops[std::this_thread::get_id()];
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  throw std::runtime_error("no error was thrown");
}

int in_child(const std::function<int()>& action) {
  const auto child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    int result = 111;
    try {
      result = action();
    } catch (const std::exception& error) {
      ::fprintf(stderr, "child: %s\n", error.what());
    }
    ::_exit(result);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

std::map<std::string, std::string> files_of(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() != ".lock") files[entry.path().filename().string()] = bytes_of(entry.path());
  return files;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
}

Time at(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

oci::Digest digest(const std::string& of) {
  return oci::Digest::of(of);
}

Run pipeline_run(const std::string& pipeline, const std::string& digest_of) {
  Run run;
  run.kind = "pipeline";
  run.task = run.pipeline = pipeline;
  run.platform = "linux/amd64";
  run.state = "staging";
  run.status = "Running";
  run.trigger = "Image Update";
  run.digest = digest(digest_of);
  run.source = "docker.io/library/" + pipeline + ":1";
  run.created = at(1000);
  return run;
}

Run ended_run(const std::string& pipeline, Time ended, const std::string& digest_of) {
  Run run = pipeline_run(pipeline, digest_of);
  run.state = "succeeded";
  run.status = "Succeeded";
  run.ended = ended;
  return run;
}

Observation observation(const std::string& pipeline, const std::string& digest_of, Time first_seen) {
  Observation row{
      .pipeline = pipeline, .reference = "docker.io/library/" + pipeline + ":1", .digest = digest(digest_of)};
  row.media_type = "application/vnd.oci.image.index.v1+json";
  row.first_seen = row.last_seen = first_seen;
  row.learned_by = "poll";
  return row;
}

Promotion promotion(RunId run, const std::string& pipeline, const std::string& digest_of) {
  Promotion row{.run = run, .pipeline = pipeline, .digest = digest(digest_of)};
  row.target = "registry.example.com/base/" + pipeline;
  row.stable_tag = "1";
  row.unique_tag = "1-" + run.text();
  row.trigger = "Image Update";
  row.at = at(2000);
  return row;
}

}  // namespace sluice::store::test
