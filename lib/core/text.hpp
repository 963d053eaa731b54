#pragma once
// Text from outside: compared, and made safe to show.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Escapes control characters, ANSI escapes, invalid UTF-8 and bidirectional marks as \xNN or \uNNNN, and
/// cuts after `limit` bytes with "..."; newlines and tabs are escaped too unless `keep_newlines`.
std::string printable(std::string_view text, std::size_t limit = 512, bool keep_newlines = false);

/// ASCII letters in lower case, whatever the locale.
char lower(char c);
std::string lower(std::string_view text);
bool same_without_case(std::string_view left, std::string_view right);
/// Without these characters at both ends.
std::string_view trimmed(std::string_view text, std::string_view characters = " \t");

/// The candidate nearest to `word` by edit distance, empty when none is near enough to be a likely typing
/// error.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sluice
