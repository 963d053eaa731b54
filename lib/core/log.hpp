#pragma once
// Logging set-up. Rooms log with spdlog::info("{}", ...) and friends; texts from outside go through
// printable().

#include <functional>
#include <string>

namespace sluice {

enum class LogFormat {
  automatic,  // text on a terminal, journal when stderr is the journal ($JOURNAL_STREAM), JSON otherwise
  text,
  json,
  journal,
};

/// Sends the process's log to stderr (or the journal). `level` is one of trace, debug, info, warning, error.
/// Throws Error(invalid) for an unknown level.
void set_up_logging(LogFormat format, const std::string& level);

/// The same for a command that a person runs: what is a warning or worse, as a line "sluice: ..." on stderr,
/// or given to `tell`, on any thread, one after the other.
void set_up_messages();
void set_up_messages(std::function<void(const std::string& line)> tell);

}  // namespace sluice
