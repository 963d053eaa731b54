#pragma once
// Other people's programs, run to their end by a test.

#include <string>
#include <vector>

namespace sluice::test {

/// Standard output of the program (looked up in PATH, no shell). Throws std::runtime_error with what it wrote
/// to standard error when it cannot start or does not exit with 0.
std::string output_of(const std::vector<std::string>& argv);

}  // namespace sluice::test
