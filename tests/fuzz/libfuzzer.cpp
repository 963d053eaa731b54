// What libFuzzer calls (https://llvm.org/docs/LibFuzzer.html). The variable SLUICE_FUZZ names the target.

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
  std::fprintf(stderr, "SLUICE_FUZZ must name one of the targets:\n");
  for (const auto& target : sluice::fuzz::targets())
    std::printf("%s %s\n", std::string(target.name).c_str(), std::string(target.more_corpus).c_str());
  std::exit(name ? 2 : 0);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
