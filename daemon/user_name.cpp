#include "user_name.hpp"

#include "core/text.hpp"

#include <charconv>
#include <pwd.h>
#include <sys/types.h>
#include <vector>

namespace sluice::daemon {

std::string user_name(const std::string& uid) {
  uid_t number = 0;
  const auto read = std::from_chars(uid.data(), uid.data() + uid.size(), number);
  if (read.ec != std::errc() || read.ptr != uid.data() + uid.size()) return printable(uid, 40);
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  if (::getpwuid_r(number, &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return uid;
  return printable(found->pw_name, 80);
}

}  // namespace sluice::daemon
