#pragma once
// A value that cannot be printed: no operator<<, no fmt formatter, no JSON conversion.

#include <string>
#include <string_view>

namespace sluice {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  /// Overwrites the memory that held the value.
  ~Secret();
  /// The value, for the one call that sends it. Never log, store or put it into an error.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

}  // namespace sluice
