#pragma once
// Asking a person at the terminal.

#include "core/secret.hpp"

#include <string>

namespace sluice::daemon {

/// True when there is a terminal to ask on.
bool can_ask();
/// Shows the question on the terminal and reads a line.
std::string ask(const std::string& question);
/// The same without showing what is typed. Ctrl-C ends the program as always, with the terminal as it was.
Secret ask_secret(const std::string& question);
/// All of standard input up to 64 KiB, without the line end at its end. Throws Failure(usage) when it is
/// empty or larger.
Secret secret_from_stdin();

}  // namespace sluice::daemon
