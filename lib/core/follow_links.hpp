#pragma once
// Where symbolic links lead, for those who put a new file in the place of one that is there.

#include <filesystem>

namespace sluice {

/// The path that is no symbolic link at the end of those that begin at `path`, whether anything is there or
/// not: renaming a file over a link would replace the link. Blocks. Throws Error(invalid) for links without
/// an end, and for those of /proc, to which /dev/stdout leads too: what they name is open, and stays so
/// whatever takes its name.
std::filesystem::path follow_links(std::filesystem::path path);

}  // namespace sluice
