#pragma once
// The headers of tar archives. Pure.

#include "registry/tar.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sluice::registry {

inline constexpr std::size_t tar_block = 512;

/// Collects the files of an archive from its headers, in order.
class TarIndex {
 public:
  /// Takes a header block whose content begins at the offset `begin`; returns the size of the content. Throws
  /// corrupt (wrong checksum, nonsense), invalid with advice for a compressed file.
  std::uint64_t begin(std::string_view block, std::uint64_t begin);
  /// Whether the content of this entry is needed: long names and pax records.
  bool wants_content() const { return kind_ == 'x' || kind_ == 'L' || kind_ == 'K'; }
  void content(std::string_view bytes);
  /// The end of the archive was reached.
  bool ended() const { return ended_; }
  /// Files by name, links resolved.
  std::map<std::string, Tar::Entry> finish() const;

 private:
  void add(const std::string& name, const std::string& link, Tar::Entry entry);
  void read_pax(std::string_view records);

  std::map<std::string, Tar::Entry> files_;
  std::map<std::string, std::string> links_;
  std::string long_name_, long_link_;  // for the next entry
  std::optional<std::uint64_t> long_size_;
  char kind_ = '0';
  bool ended_ = false;
  bool started_ = false;
};

}  // namespace sluice::registry
