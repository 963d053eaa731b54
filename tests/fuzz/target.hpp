#pragma once
// Fuzz targets: one function for each parser that reads bytes from outside, run by libFuzzer (clang) or over
// the files of its corpus (any compiler). A target says more than "does not crash": what was read can be
// written and read again, limits hold, and nothing but sluice::Error escapes.
//
//   SLUICE_FUZZ_TARGET(oci_digest) { HOLDS(...); }
//
// The function gets the bytes as `input`.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view input) = nullptr;
  /// A folder of the source tree whose files are inputs too, beside tests/fuzz/corpus/<name>; may be empty.
  std::string_view more_corpus = {};
};

/// All of the program, by name.
const std::vector<Target>& targets();
/// Nullptr for an unknown name.
const Target* find_target(std::string_view name);

struct Registered {
  explicit Registered(Target target);
};

/// Says what does not hold, and aborts.
[[noreturn]] void broken(const char* file, int line, const char* what);

/// For the catch block of what may only throw sluice::Error: its text must be bounded and safe to show. Every
/// other exception escapes.
void judge_error();

/// What `f` returns, nullopt when it threw sluice::Error.
template <class F>
auto attempt(F f) -> std::optional<decltype(f())> {
  try {
    return f();
  } catch (...) {
    judge_error();
    return std::nullopt;
  }
}

/// Whether `f` threw sluice::Error.
template <class F>
bool refuses(F f) {
  try {
    static_cast<void>(f());
    return false;
  } catch (...) {
    judge_error();
    return true;
  }
}

/// Takes the text up to `mark` off the front of `rest`, the mark goes too; everything when there is none.
std::string_view take_until(std::string_view& rest, std::string_view mark);
inline std::string_view take_line(std::string_view& rest) {
  return take_until(rest, "\n");
}
/// Lines, at most `most`.
std::vector<std::string> lines_of(std::string_view text, std::size_t most);

/// Whether the text can be shown as it is: valid UTF-8 without control characters (newlines may be allowed).
bool is_showable(std::string_view text, bool newlines = false);

}  // namespace sluice::fuzz

#define HOLDS(...) \
  ((__VA_ARGS__) ? static_cast<void>(0) : ::sluice::fuzz::broken(__FILE__, __LINE__, #__VA_ARGS__))

#define SLUICE_FUZZ_TARGET(NAME, ...)                                         \
  static void fuzz_##NAME(std::string_view input);                            \
  static const ::sluice::fuzz::Registered registered_##NAME(                  \
      ::sluice::fuzz::Target{#NAME, fuzz_##NAME __VA_OPT__(, ) __VA_ARGS__}); \
  static void fuzz_##NAME([[maybe_unused]] std::string_view input)
