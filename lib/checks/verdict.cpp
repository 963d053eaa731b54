#include "checks/verdict.hpp"

#include "core/lines.hpp"
#include "core/text.hpp"

#include <spdlog/fmt/fmt.h>

namespace sluice::checks {

Outcome exit_outcome(bool passed, const ProcessResult& result, std::string_view remark) {
  Outcome outcome{.passed = passed, .summary = fmt::format("exit code {}", result.exit_code)};
  if (result.signal != 0) outcome.summary = fmt::format("killed by signal {}", result.signal);
  if (!remark.empty()) outcome.summary += fmt::format(" ({})", remark);
  const auto said = printable(last_lines(result.output, 1), 300);
  if (!passed && !said.empty()) outcome.summary += ": " + said;
  return outcome;
}

std::string short_duration(Milliseconds duration) {
  const auto count = duration.count();
  if (count % 3'600'000 == 0) return fmt::format("{}h", count / 3'600'000);
  if (count % 60'000 == 0) return fmt::format("{}m", count / 60'000);
  if (count % 1000 == 0) return fmt::format("{}s", count / 1000);
  return fmt::format("{}ms", count);
}

std::string last_words(const ProcessResult& result) {
  return printable(last_lines(result.output, 3), 600);
}

}  // namespace sluice::checks
