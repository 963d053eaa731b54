// Several writers in one layout at once, in one process or in many: nobody loses what another one wrote.

#include "fake_registry.hpp"
#include "place_scene.hpp"
#include "registry/layout.hpp"
#include "support/eventually.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

std::atomic<int> refusal = 0;      // errno for whoever wants a lock; 0: as the system has it
std::atomic<int> turned_away = 0;  // who wanted a lock that another one has

}  // namespace

/// In place of the system's, for all of this program.
int flock(int file, int operation) noexcept {
  if (refusal != 0) {
    errno = refusal;
    return -1;
  }
  const auto result = static_cast<int>(::syscall(SYS_flock, file, operation));
  if (result != 0 && errno == EWOULDBLOCK) ++turned_away;
  return result;
}

namespace {

namespace fs = std::filesystem;

const Piece& layer = arm64.blobs[1];
const std::string half = layer.bytes.substr(0, 1'000'000);

/// A layout that another process writes a file of, until it is told to end.
class Busy {
 public:
  Busy(const std::string& name, const std::string& begun)
      : file_(fs::path(path()) / name), part_(file_.string() + ".part") {
    write_file(part_, begun);
    other_ = ::open(part_.c_str(), O_RDWR);
    if (::flock(other_, LOCK_EX) != 0) throw std::runtime_error("cannot lock");
    turned_away = 0;
  }
  ~Busy() {
    if (other_ >= 0) die();
  }
  std::string path() const { return folder_ / "out"; }
  std::string begun() const { return read_file(part_); }
  void die() { ::close(std::exchange(other_, -1)); }
  void finish(const std::string& bytes) {
    write_file(part_, bytes);
    fs::rename(part_, file_);
    die();
  }

 private:
  Folder folder_;
  fs::path file_;
  fs::path part_;
  int other_ = -1;
};

const std::string layer_file = registry::blob_name(layer.digest());

Task<> copy_to(Rig& rig, std::string from, std::string to, std::optional<registry::CopyResult>& result) {
  result = co_await rig.client.copy(registry::Place::parse(from), registry::Place::parse(to), {});
}

/// What a copy from the layout into the busy one comes to, when `meanwhile` happens while it waits.
registry::CopyResult copy_into(Busy& busy, const std::function<void()>& meanwhile) {
  const Given given;
  return run([&](boost::asio::io_context& loop) -> Task<std::optional<registry::CopyResult>> {
           Rig rig;
           std::optional<registry::CopyResult> result;
           bool ended = false;
           boost::asio::co_spawn(loop,
                                 copy_to(rig, "oci:" + given.path(), "oci:" + busy.path() + ":1", result),
                                 [&](std::exception_ptr) { ended = true; });
           const bool waits = co_await eventually([] { return turned_away > 0; });
           CHECK(waits);
           meanwhile();
           co_await eventually([&] { return ended; });
           co_return result;
         })
      .value();
}

std::vector<std::string> parts_in(const std::string& layout) {
  std::vector<std::string> parts;
  for (const auto& entry : fs::recursive_directory_iterator(layout))
    if (entry.path().extension() == ".part") parts.push_back(entry.path().string());
  return parts;
}

/// Copies of one image under tags of their own into one layout, side by side; each by a client of its own, as
/// processes have. Returns how many failed.
int copy_many(const std::string& from, const std::string& layout, int copies) {
  return run([&](boost::asio::io_context& loop) -> Task<int> {
    std::vector<std::unique_ptr<Rig>> rigs;
    std::vector<std::optional<registry::CopyResult>> results(static_cast<std::size_t>(copies));
    int ended = 0, failed = 0;
    for (auto& result : results) {
      const auto to = "oci:" + layout + ":" + std::to_string(rigs.size());
      auto& rig = *rigs.emplace_back(std::make_unique<Rig>());
      boost::asio::co_spawn(loop, copy_to(rig, from, to, result), [&](std::exception_ptr failure) {
        ++ended;
        failed += failure != nullptr;
      });
    }
    const bool all = co_await eventually([&] { return ended == copies; });
    CHECK(all);
    co_return failed;
  });
}

}  // namespace

TEST_CASE("C2: copies under different tags into one layout at once all end up in its index") {
  const Given given;
  const Folder folder;
  const std::string layout = folder / "out";
  CHECK(copy_many("oci:" + given.path(), layout, 8) == 0);
  auto names = tags("oci:" + layout);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"});
  for (const auto& blob : arm64.blobs)
    CHECK((read_file(fs::path(layout) / registry::blob_name(blob.digest())) == blob.bytes));
  CHECK(parts_in(layout).empty());
}

TEST_CASE("C2: a blob that another process brings is waited for and not brought again") {
  Busy busy(layer_file, half);
  const auto result = copy_into(busy, [&] { busy.finish(layer.bytes); });
  CHECK(result.progress.blobs_present == 1);
  CHECK((read_file(fs::path(busy.path()) / layer_file) == layer.bytes));
  CHECK(parts_in(busy.path()).empty());
}

TEST_CASE("C2: what another process leaves in a blob when it dies is gone on with") {
  Busy busy(layer_file, half);
  const auto result = copy_into(busy, [&] { busy.die(); });
  CHECK(result.progress.blobs_present == 0);
  std::uint64_t all = 0;
  for (const auto* image : {&amd64, &arm64})
    for (const auto& blob : image->blobs)
      all += blob.bytes.size();
  CHECK(result.progress.bytes_moved == all - half.size());
  CHECK((read_file(fs::path(busy.path()) / layer_file) == layer.bytes));
}

TEST_CASE("C2: what another process adds to the index while it is waited for stays in it") {
  const Given given;
  Busy busy("index.json", "");
  copy("oci:" + given.path(), "oci:" + (busy.path() + "-theirs") + ":theirs");
  copy_into(busy, [&] { busy.finish(read_file(busy.path() + "-theirs/index.json")); });
  CHECK(tags("oci:" + busy.path()) == std::vector<std::string>{"theirs", "1"});
}

TEST_CASE("a writer that does not get on is waited for so long and no longer, and nothing of it is touched") {
  const std::string name = GENERATE(true, false) ? layer_file : "index.json";
  INFO(name);
  const Given given;
  const Busy busy(name, half);
  const Error failure = run([&]() -> Task<std::optional<Error>> {
                          Rig rig({}, 1000);
                          co_return co_await failure_of(
                              rig.client.copy(registry::Place::parse("oci:" + given.path()),
                                              registry::Place::parse("oci:" + busy.path() + ":1"), {}));
                        }).value();
  CHECK(is_transient(failure.kind()));
  CHECK_THAT(failure.what(), Catch::Contains(name) && Catch::Contains("has not got on for 5 minutes"));
  CHECK((busy.begun() == half));
}

TEST_CASE("C2: a copy that waits for another writer ends when it is cancelled") {
  const Given given;
  const Busy busy("index.json", "");
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    boost::asio::cancellation_signal cancel;
    std::exception_ptr thrown;
    std::optional<registry::CopyResult> result;
    boost::asio::co_spawn(loop, copy_to(rig, "oci:" + given.path(), "oci:" + busy.path() + ":1", result),
                          boost::asio::bind_cancellation_slot(
                              cancel.slot(), [&](std::exception_ptr failure) { thrown = failure; }));
    const bool waits = co_await eventually([] { return turned_away > 0; });
    CHECK(waits);
    cancel.emit(boost::asio::cancellation_type::terminal);
    const bool ended = co_await eventually([&] { return thrown != nullptr; });
    CHECK(ended);
  });
  CHECK_FALSE(fs::exists(fs::path(busy.path()) / "index.json"));
}

TEST_CASE("a layout on a file system that refuses locks is written without them") {
  const Given given;
  const Folder folder;
  refusal = GENERATE(ENOLCK, EOPNOTSUPP, ENOSYS);
  copy("oci:" + given.path(), "oci:" + (folder / "out") + ":1");
  copy("oci:" + given.path(), "oci:" + (folder / "out") + ":2");
  refusal = 0;
  CHECK(tags("oci:" + (folder / "out")) == std::vector<std::string>{"1", "2"});
}
