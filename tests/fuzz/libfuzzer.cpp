// What libFuzzer calls (https://llvm.org/docs/LibFuzzer.html). The variable SLUICE_FUZZ names the target;
// without it all are listed, each with a folder of more inputs where it has one.

#include "target.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

const sluice::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  const char* name = std::getenv("SLUICE_FUZZ");
  chosen = name ? sluice::fuzz::find_target(name) : nullptr;
  if (chosen) return 0;
  if (name) std::fprintf(stderr, "SLUICE_FUZZ names no target: %s\n", name);
  for (const auto& target : sluice::fuzz::targets())
    std::printf("%s %s\n", std::string(target.name).c_str(), std::string(target.more_corpus).c_str());
  std::exit(name ? 2 : 0);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
