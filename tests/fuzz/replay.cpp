// Runs a target over the files of its corpus, without libFuzzer: `fuzz_replay TARGET FILE_OR_FOLDER...`. Each
// input is also given cut off in the middle and with one bit turned over, so that a replay looks at more than
// good inputs.

#include "target.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const std::vector<fs::path>& places) {
  std::vector<fs::path> files;
  for (const auto& place : places) {
    if (fs::is_regular_file(place)) files.push_back(place);  // a target may have no folder of its own
    if (fs::is_directory(place))
      for (const auto& entry : fs::directory_iterator(place))
        if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error(file.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

void run(const sluice::fuzz::Target& target, const std::string& input) {
  // A copy of exactly the size: a sanitizer sees every byte that is read behind it.
  const std::vector<char> exact(input.begin(), input.end());
  target.run({exact.data(), exact.size()});
}

void replay(const sluice::fuzz::Target& target, const std::string& input) {
  constexpr std::size_t variants = 8;
  run(target, input);
  for (std::size_t i = 1; i <= variants && !input.empty(); ++i) {
    const auto at = (input.size() - 1) * i / variants;
    run(target, input.substr(0, at));
    std::string turned = input;
    turned[at] = static_cast<char>(turned[at] ^ (1 << i % 8));
    run(target, turned);
  }
}

int list() {
  for (const auto& target : sluice::fuzz::targets())
    std::printf("%s %s\n", std::string(target.name).c_str(), std::string(target.more_corpus).c_str());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.empty()) return list();
  const auto* target = sluice::fuzz::find_target(words.front());
  if (!target) {
    std::fprintf(stderr, "there is no target '%s'; without arguments all are listed\n",
                 words.front().c_str());
    return 2;
  }
  const auto files = files_in({words.begin() + 1, words.end()});
  if (files.empty()) {
    std::fprintf(stderr, "%s has no corpus\n", words.front().c_str());
    return 1;
  }
  for (const auto& file : files) {
    try {
      replay(*target, content_of(file));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: an exception that is no sluice::Error escaped: %s\n", file.c_str(),
                   error.what());
      return 1;
    }
  }
  std::printf("%zu inputs of %s\n", files.size(), words.front().c_str());
  return 0;
}
