#pragma once
// How the end of a process becomes an outcome.

#include "checks/check.hpp"

#include <string>
#include <string_view>

namespace sluice::checks {

/// "exit code 1: Error: Cannot find module"; `remark` ("killed, ...") comes in brackets after the code when
/// not empty.
Outcome exit_outcome(bool passed, const ProcessResult& result, std::string_view remark = {});

/// "2m", "90s", "250ms": the largest unit that fits exactly.
std::string short_duration(Milliseconds duration);

/// The last lines that a program wrote, made safe to show.
std::string last_words(const ProcessResult& result);

}  // namespace sluice::checks
