#pragma once
// Sizes and speeds as people read them. Pure.

#include <cstdint>
#include <string>

namespace sluice::daemon {

/// "0 B", "999 B", "1.5 kB", "12 MB", "3.4 GB": decimal units (IEC 80000-13), as registries show them.
std::string size_text(std::uint64_t bytes);

}  // namespace sluice::daemon
