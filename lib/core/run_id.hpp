#pragma once
// Short run ids as users of ACR Tasks know them: ca1a, ca1b, ...

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// The number of a run (1, 2, ...) and its text in base 36, offset so that the first one is "ca1a".
class RunId {
 public:
  RunId() = default;
  explicit RunId(std::int64_t number) : number_(number) {}
  std::int64_t number() const { return number_; }
  std::string text() const;
  static std::optional<RunId> parse(std::string_view text);
  auto operator<=>(const RunId&) const = default;

 private:
  std::int64_t number_ = 0;
};

}  // namespace sluice
