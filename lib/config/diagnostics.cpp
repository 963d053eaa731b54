#include "config/diagnostics.hpp"

#include "core/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::config {

bool Diagnostics::may_pass() const {
  return !errors.empty() && std::ranges::all_of(errors, &Diagnostic::may_pass);
}

std::string Diagnostics::text() const {
  auto sorted = errors;
  std::ranges::stable_sort(sorted, {}, &Diagnostic::at);
  std::string all;
  for (const auto& error : sorted) {
    if (!all.empty()) all += '\n';
    all += printable(file);
    if (error.at.line > 0) all += fmt::format(":{}:{}", error.at.line, error.at.column);
    all += ": " + error.message;
    if (!error.advice.empty()) all += "\n    " + error.advice;
  }
  return all;
}

}  // namespace sluice::config
