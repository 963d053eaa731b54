#include "oci/platform.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <sys/utsname.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice::oci {
namespace {

struct Alias {
  std::string_view machine;
  std::string_view architecture;
  std::string_view variant;
};
// What uname(2) calls a machine, and what Go and so the image specification call it.
constexpr std::array<Alias, 12> aliases{{{"x86_64", "amd64", ""},
                                         {"x86-64", "amd64", ""},
                                         {"aarch64", "arm64", ""},
                                         {"armv8l", "arm", "v7"},
                                         {"armv7l", "arm", "v7"},
                                         {"armv6l", "arm", "v6"},
                                         {"armv5tel", "arm", "v5"},
                                         {"i686", "386", ""},
                                         {"i586", "386", ""},
                                         {"i386", "386", ""},
                                         {"loongarch64", "loong64", ""},
                                         {"mips64el", "mips64le", ""}}};

Platform from_machine(std::string os, std::string machine, std::string variant) {
  for (const auto& alias : aliases) {
    if (alias.machine != machine) continue;
    if (variant.empty()) variant = alias.variant;
    return {std::move(os), std::string(alias.architecture), std::move(variant)};
  }
  return {std::move(os), std::move(machine), std::move(variant)};
}

bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string_view::npos;
}

std::string_view variant_of(const Platform& platform) {
  if (!platform.variant.empty()) return platform.variant;
  return platform.architecture == "arm64" ? "v8" : platform.architecture == "arm" ? "v7" : "";
}

}  // namespace

std::string Platform::text() const {
  auto result = os + "/" + architecture;
  if (!variant.empty()) result += "/" + variant;
  return result;
}

Platform Platform::parse(std::string_view text) {
  std::vector<std::string> parts;
  for (auto rest = text; parts.size() <= 3;) {
    const auto slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() < 2 || parts.size() > 3 || !std::all_of(parts.begin(), parts.end(), is_part))
    throw Error(ErrorKind::invalid,
                fmt::format("platform '{}' must be os/architecture or os/architecture/variant in lower case, "
                            "for instance linux/amd64 or linux/arm/v7",
                            printable(text, 100)));
  parts.resize(3);
  return from_machine(parts[0], parts[1], parts[2]);
}

bool fits(const Platform& platform, const Platform& wanted) {
  return platform.os == wanted.os && platform.architecture == wanted.architecture &&
         (wanted.variant.empty() || variant_of(platform) == variant_of(wanted));
}

Platform Platform::host() {
  utsname system{};
  if (::uname(&system) != 0) throw Error(ErrorKind::internal, "uname failed");
  return from_machine(lower(system.sysname), system.machine, "");
}

}  // namespace sluice::oci
