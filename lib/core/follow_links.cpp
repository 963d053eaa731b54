#include "core/follow_links.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <linux/magic.h>
#include <string>
#include <sys/vfs.h>

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as Linux follows, path_resolution(7)

bool is_of_a_process(const fs::path& link) {
  struct statfs facts {};
  return ::statfs(link.parent_path().c_str(), &facts) == 0 && facts.f_type == PROC_SUPER_MAGIC;
}

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::invalid, printable(path.string(), 300) + why);
}

}  // namespace

fs::path follow_links(fs::path path) {
  fs::path at = path;
  for (int followed = 0; followed < most_links; ++followed) {
    std::error_code none;
    const auto next = fs::read_symlink(at, none);
    if (none) return at;
    if (is_of_a_process(at)) refuse(path, " leads to what a process has open, which is no place for a file");
    at = at.parent_path() / next;
  }
  refuse(path, " is a symbolic link without an end");
}

}  // namespace sluice
