#pragma once
// A look at a file before SQLite may write to it: is it ours, whole, and of a version that we know? Private
// to the room.

#include <cstdint>
#include <filesystem>

namespace sluice::store {

/// "SLUI", in the header of each database of ours (https://www.sqlite.org/fileformat.html#application_id).
inline constexpr std::int32_t application_id = 0x534c5549;

enum class FileState { absent, ours };

/// Reads the header only. `absent` when there is nothing, or an empty file. Throws Error(invalid) for a
/// foreign file or one that cannot be read, Error(corrupt) for the remains of one of ours. Changes nothing.
FileState inspect_header(const std::filesystem::path& path);

/// Reads the whole database, write-ahead log included, and changes not a byte of it or beside it.
/// Throws Error(corrupt) when it is damaged, Error(invalid) when its schema is newer than `newest_version`.
/// Costs one reading of the file, and one or two seconds of computing for each gigabyte.
void verify(const std::filesystem::path& path, int newest_version);

}  // namespace sluice::store
