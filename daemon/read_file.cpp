#include "read_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace sluice::daemon {

std::optional<std::string> read_file(const std::string& path, std::size_t limit, std::string& why) {
  why.clear();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return std::nullopt;
  if (!std::filesystem::is_regular_file(status)) {
    why = error ? error.message() : "it is not a regular file";
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    why = std::strerror(errno);
    return std::nullopt;
  }
  auto content = read_some(file, limit);
  if (content.size() <= limit && !file.bad()) return content;
  why = file.bad() ? "it cannot be read" : "it is larger than " + std::to_string(limit / 1024) + " KiB";
  return std::nullopt;
}

std::string read_some(std::istream& stream, std::size_t limit) {
  std::string content(limit + 1, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(stream.gcount()));
  return content;
}

}  // namespace sluice::daemon
