#include "api/exposition.hpp"

#include "core/text.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include <spdlog/fmt/fmt.h>

namespace sluice::api {
namespace {

constexpr std::size_t longest_label = 256;

// Escapes of label values are \\, \" and \n; printable() leaves neither line ends nor broken UTF-8.
std::string label_value(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text, longest_label)) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  // Counts in full, not as 1e+06.
  constexpr double exact = 9'007'199'254'740'992;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= exact)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

void Exposition::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::line(std::string_view suffix, const Labels& labels, double value) {
  text_ += name_;
  text_ += suffix;
  std::string inner;
  for (const auto& [key, text] : labels)
    inner += fmt::format("{}{}=\"{}\"", inner.empty() ? "" : ",", key, label_value(text));
  if (!inner.empty()) text_ += "{" + inner + "}";
  text_ += " " + number_text(value) + "\n";
}

void Exposition::sample(double value, const Labels& labels) {
  line("", labels, value);
}

void Exposition::sample(const Histogram& values, const Labels& labels) {
  auto with_bound = labels;
  with_bound.emplace_back("le", "");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < values.counts().size(); ++i) {
    below += values.counts()[i];
    const bool last = i == values.bounds().size();
    with_bound.back().second =
        number_text(last ? std::numeric_limits<double>::infinity() : values.bounds()[i]);
    line("_bucket", with_bound, static_cast<double>(below));
  }
  line("_sum", labels, values.sum());
  line("_count", labels, static_cast<double>(below));
}

}  // namespace sluice::api
