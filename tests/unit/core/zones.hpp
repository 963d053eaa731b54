#pragma once
// The machine's time zones (package tzdata), read by the test as a daemon would.

#include "core/time_zone.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace sluice::test {

inline std::string zone_bytes(const std::string& name) {
  std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
  if (!in) throw std::runtime_error("the package tzdata is missing: no zone " + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline TimeZone zone(const std::string& name) {
  return TimeZone::parse(name, zone_bytes(name));
}

}  // namespace sluice::test
