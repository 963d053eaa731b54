#pragma once
// Reading small files that people or other programs wrote.

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>

namespace sluice::daemon {

/// The content of a regular file. Nullopt when there is none, or with a reason in `why` when it cannot be
/// read, is something else (a device or a pipe could be read without end) or is larger than `limit`.
std::optional<std::string> read_file(const std::string& path, std::size_t limit, std::string& why);

/// What a stream holds, but not more than one byte over `limit`: that one shows that there is too much.
std::string read_some(std::istream& stream, std::size_t limit);

}  // namespace sluice::daemon
