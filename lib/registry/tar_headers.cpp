#include "registry/tar_headers.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace sluice::registry {
namespace {

// Offsets and lengths of the fields (POSIX.1-2001, pax, "ustar Interchange Format").
struct Field {
  std::size_t at, length;
};
constexpr Field name_field{0, 100}, mode_field{100, 8}, owner_field{108, 8}, group_field{116, 8},
    size_field{124, 12}, time_field{136, 12}, sum_field{148, 8}, link_field{157, 100}, magic_field{257, 6},
    version_field{263, 2}, prefix_field{345, 155};
constexpr std::size_t kind_at = 156;
/// Contents of long names and pax records that are read.
constexpr std::uint64_t max_record = 1024 * 1024;
constexpr std::uint64_t max_octal_size = 077777777777;

std::string_view raw(std::string_view block, Field field) {
  return block.substr(field.at, field.length);
}

std::string text(std::string_view block, Field field) {
  const auto bytes = raw(block, field);
  return std::string(bytes.substr(0, bytes.find('\0')));
}

/// Octal digits, or GNU's form of large numbers: the first bit is set, the rest is big-endian.
std::uint64_t octal_number(std::string_view block, Field field) {
  auto bytes = raw(block, field);
  if ((static_cast<unsigned char>(bytes[0]) & 0x80) != 0) {
    std::uint64_t value = 0;
    for (const char c : bytes.substr(bytes.size() - 8))
      value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" 0"), bytes.size()));
  std::uint64_t value = 0;
  const auto result = std::from_chars(bytes.data(), bytes.data() + bytes.size(), value, 8);
  if (result.ec == std::errc::result_out_of_range)
    throw Error(ErrorKind::corrupt, "a tar header has nonsense for a number");
  return value;
}

std::uint64_t checksum(std::string_view block) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < block.size(); ++at) {
    const bool inside = at >= sum_field.at && at < sum_field.at + sum_field.length;
    sum += inside ? ' ' : static_cast<unsigned char>(block[at]);
  }
  return sum;
}

void refuse_compressed(std::string_view block) {
  const bool gzip = block.starts_with("\x1f\x8b");
  const bool zstd = block.starts_with("\x28\xb5\x2f\xfd");
  const bool xz = block.starts_with(
      "\xfd"
      "7zXZ");
  if (gzip || zstd || xz)
    throw Error(ErrorKind::invalid, std::string("it is compressed; unpack it first (") +
                                        (gzip   ? "gunzip"
                                         : zstd ? "unzstd"
                                                : "unxz") +
                                        ")");
}

/// "./a//b/../c" -> "a/c"; what leads out of the archive is cut off.
std::string normal(std::string_view name) {
  std::vector<std::string_view> parts;
  while (!name.empty()) {
    const auto slash = std::min(name.find('/'), name.size());
    const auto part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string joined;
  for (const auto part : parts)
    joined += (joined.empty() ? "" : "/") + std::string(part);
  return joined;
}

void put_field(std::string& block, Field field, std::string_view bytes) {
  bytes.copy(block.data() + field.at, field.length);
}

void put_octal(std::string& block, Field field, std::uint64_t value) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%0*llo", static_cast<int>(field.length - 1),
                static_cast<unsigned long long>(value));
  put_field(block, field, digits);
}

std::string plain_header(std::string_view name, std::uint64_t size, char kind) {
  std::string block(tar_block, '\0');
  put_field(block, name_field, name.substr(0, name_field.length));
  put_octal(block, mode_field, kind == 'x' ? 0600 : 0644);
  put_octal(block, owner_field, 0);
  put_octal(block, group_field, 0);
  put_octal(block, size_field, std::min(size, max_octal_size));
  put_octal(block, time_field, 0);  // the same image gives the same archive
  block[kind_at] = kind;
  put_field(block, magic_field, std::string_view("ustar\0", 6));
  put_field(block, version_field, "00");
  put_octal(block, {sum_field.at, 7}, checksum(block));
  block[sum_field.at + 7] = ' ';
  return block;
}

/// "27 path=...\n", where the number counts itself.
std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length)
    ++length;
  return std::to_string(length) + rest;
}

}  // namespace

std::string tar_header(const std::string& name, std::uint64_t size) {
  std::string records;
  if (name.size() > name_field.length) records += pax_record("path", name);
  if (size > max_octal_size) records += pax_record("size", std::to_string(size));
  std::string blocks;
  if (!records.empty()) {
    blocks = plain_header("pax", records.size(), 'x') + records;
    blocks.append((tar_block - records.size() % tar_block) % tar_block, '\0');
  }
  return blocks + plain_header(name, size, '0');
}

std::uint64_t TarIndex::begin(std::string_view block, std::uint64_t begin) {
  if (!started_) refuse_compressed(block);
  if (block.find_first_not_of('\0') == std::string_view::npos) {
    ended_ = true;
    if (!started_) throw Error(ErrorKind::corrupt, "it is not a tar archive");
    return 0;
  }
  if (octal_number(block, sum_field) != checksum(block))
    throw Error(ErrorKind::corrupt,
                started_ ? "a header of the tar archive is damaged" : "it is not a tar archive");
  started_ = true;
  kind_ = block[kind_at];
  std::uint64_t size = octal_number(block, size_field);
  if (kind_ == 'x' || kind_ == 'g' || kind_ == 'L' || kind_ == 'K') {
    if (size > max_record) throw Error(ErrorKind::corrupt, "a record of the tar archive is too long");
    return size;
  }
  size = long_size_.value_or(size);
  std::string name = long_name_;
  if (name.empty()) {
    const std::string prefix =
        raw(block, magic_field).starts_with("ustar\0") ? text(block, prefix_field) : "";
    name = (prefix.empty() ? "" : prefix + "/") + text(block, name_field);
  }
  const std::string link = long_link_.empty() ? text(block, link_field) : long_link_;
  add(name, link, {begin, size});
  long_name_.clear();
  long_link_.clear();
  long_size_.reset();
  const bool is_file = kind_ == '0' || kind_ == '\0' || kind_ == '7';
  return is_file ? size : 0;
}

void TarIndex::add(const std::string& name, const std::string& link, Tar::Entry entry) {
  if (files_.size() + links_.size() >= max_tar_entries)
    throw Error(ErrorKind::corrupt, "it has more than " + std::to_string(max_tar_entries) + " entries");
  const std::string key = normal(name);
  if (kind_ == '0' || kind_ == '\0' || kind_ == '7') files_[key] = entry;
  // A hard link names a file of the archive; a symbolic link is seen from its own folder.
  if (kind_ == '1') links_[key] = normal(link);
  if (kind_ == '2') links_[key] = normal(key.substr(0, key.rfind('/') + 1) + link);
}

void TarIndex::content(std::string_view bytes) {
  if (kind_ == 'L') long_name_ = std::string(bytes.substr(0, bytes.find('\0')));
  if (kind_ == 'K') long_link_ = std::string(bytes.substr(0, bytes.find('\0')));
  if (kind_ == 'x') read_pax(bytes);
}

void TarIndex::read_pax(std::string_view records) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto result = std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<std::size_t>(result.ptr - records.data());
    if (result.ec != std::errc() || length <= digits + 1 || length > records.size())
      throw Error(ErrorKind::corrupt, "a pax record of the tar archive is damaged");
    const auto record = records.substr(digits + 1, length - digits - 2);
    records.remove_prefix(length);
    const auto equals = record.find('=');
    if (equals == std::string_view::npos) continue;
    const auto key = record.substr(0, equals);
    const auto value = record.substr(equals + 1);
    if (key == "path") long_name_ = std::string(value);
    if (key == "linkpath") long_link_ = std::string(value);
    std::uint64_t size = 0;
    if (key == "size" && std::from_chars(value.data(), value.data() + value.size(), size).ec == std::errc())
      long_size_ = size;
  }
}

std::map<std::string, Tar::Entry> TarIndex::finish() const {
  constexpr int most_links = 4;
  auto entries = files_;
  for (const auto& [name, first] : links_) {
    std::string target = first;
    for (int i = 0; i < most_links && links_.contains(target); ++i)
      target = links_.at(target);
    const auto found = files_.find(target);
    if (found != files_.end()) entries[name] = found->second;
  }
  return entries;
}

}  // namespace sluice::registry
