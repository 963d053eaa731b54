#include "core/error.hpp"
#include "core/random.hpp"
#include "registry/tar_headers.hpp"

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;

namespace {

std::string padded(std::string content) {
  content.append((tar_block - content.size() % tar_block) % tar_block, '\0');
  return content;
}

/// Reads a whole archive in memory as Tar::open reads a file.
std::map<std::string, Tar::Entry> read(const std::string& archive) {
  TarIndex index;
  for (std::size_t at = 0; at + tar_block <= archive.size() && !index.ended();) {
    const auto size = index.begin(std::string_view(archive).substr(at, tar_block), at + tar_block);
    at += tar_block;
    if (size > archive.size() - at) throw Error(ErrorKind::corrupt, "cut off");
    if (index.wants_content()) index.content(std::string_view(archive).substr(at, size));
    at += (size + tar_block - 1) / tar_block * tar_block;
  }
  return index.finish();
}

/// A header of another kind than a file's, with a right checksum.
std::string special(char kind, const std::string& name, const std::string& link, std::size_t size) {
  std::string header = tar_header(name, size);
  header[156] = kind;
  link.copy(header.data() + 157, 100);
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header)
    sum += static_cast<unsigned char>(c);
  char digits[8];
  std::snprintf(digits, sizeof digits, "%06o", sum);
  header.replace(148, 7, digits, 7);
  return header;
}

const std::string end(2 * tar_block, '\0');

}  // namespace

TEST_CASE("what is written is read: names and sizes of any length") {
  const std::string long_name = "blobs/sha512/" + std::string(128, 'a');
  const std::string archive = tar_header("index.json", 3) + padded("abc") + tar_header(long_name, 0) +
                              tar_header("./a//b/../c", 512) + std::string(512, 'x') + end;
  const auto entries = read(archive);
  REQUIRE(entries.size() == 3);
  CHECK(archive.substr(entries.at("index.json").begin, 3) == "abc");
  CHECK(entries.at(long_name).size == 0);
  CHECK(archive.substr(entries.at("a/c").begin, 512) == std::string(512, 'x'));
  CHECK(tar_header("big", std::uint64_t{1} << 40).find("size=1099511627776\n") != std::string::npos);
}

TEST_CASE("links within an archive lead to their files, and those that lead nowhere do not exist") {
  const std::string archive =
      tar_header("one/layer.tar", 3) + padded("abc") + special('2', "two/layer.tar", "../one/layer.tar", 0) +
      special('1', "three", "two/layer.tar", 0) + special('2', "loop", "loop", 0) +
      special('2', "out", "../../etc/passwd", 0) + special('5', "folder", "", 0) + end;
  const auto entries = read(archive);
  CHECK(entries.size() == 3);
  CHECK(entries.at("two/layer.tar").begin == entries.at("one/layer.tar").begin);
  CHECK(entries.at("three").size == 3);
}

TEST_CASE("GNU long names") {
  const std::string name(200, 'n');
  const std::string archive = special('L', "././@LongLink", "", name.size() + 1) + padded(name + '\0') +
                              tar_header("cut", 1) + padded("x") + end;
  CHECK(read(archive).at(name).size == 1);
}

TEST_CASE("D5: what is no tar archive, or a damaged one, is refused with advice") {
  const auto refusal = [](const std::string& archive) {
    try {
      read(archive);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("\x1f\x8b" + std::string(600, 'x')).find("gunzip") != std::string::npos);
  CHECK(refusal(std::string(512, 'x')).find("not a tar archive") != std::string::npos);
  CHECK(refusal(end).find("not a tar archive") != std::string::npos);
  std::string damaged = tar_header("a", 1) + padded("x") + tar_header("b", 1);
  damaged[1024 + 20] = 'z';
  CHECK(refusal(damaged).find("damaged") != std::string::npos);
  CHECK_FALSE(refusal(tar_header("a", 5000)).empty());
  CHECK_FALSE(refusal(special('x', "pax", "", 10) + padded("99 path=x\n")).empty());
}

TEST_CASE("D5: random damage is refused or read, and never leads out of the archive") {
  const std::string good = tar_header("one", 700) + padded(std::string(700, 'a')) +
                           tar_header(std::string(150, 'b'), 3) + padded("abc") +
                           special('2', "link", "one", 0) + end;
  SeededRandom random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 4; ++i)
      bytes[random.next() % bytes.size()] = static_cast<char>(random.next());
    bytes.resize(bytes.size() - random.next() % 1024);
    try {
      for (const auto& [name, entry] : read(bytes))
        CHECK(entry.begin + entry.size <= bytes.size());
    } catch (const Error&) {
    }
  }
}
