#pragma once
// Fields of the API's JSON as people read them. Pure; every text comes out printable.

#include "table.hpp"

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace sluice::daemon {

/// Empty when the field is absent, null or no text.
std::string text_of(const nlohmann::json& object, const char* key, std::size_t limit = 512);
/// "2026-11-24T04:56:31Z", empty when absent.
std::string time_of(const nlohmann::json& object, const char* key);
/// "00:00:09" from `started` and `ended`; empty while running.
std::string duration_of(const nlohmann::json& object);
/// The same for steps, which are often short: "35ms", "2.4s", "00:03:10".
std::string short_duration_of(const nlohmann::json& object);
/// A length of time in milliseconds at a glance: "250ms", "4.2s", "15m", "1h30m", "3d"; empty when absent.
std::string brief_of(const nlohmann::json& object, const char* key);
/// How long after its change an image was seen, and by what that is known: "4.2s (webhook)", "at most 15m";
/// empty when there is nothing to say.
std::string delay_of(const nlohmann::json& detection);
/// Who holds a pipeline, for how long and why, and what waits for the hold to end; one that may have been
/// forgotten stands out.
Cell hold_of(const nlohmann::json& pipeline);
/// "sha256:0123456789ab" unless `full`.
std::string digest_of(const nlohmann::json& object, const char* key, bool full);
/// The object or array under a key, an empty one when absent or null.
const nlohmann::json& part_of(const nlohmann::json& object, const char* key);

Colour status_colour(std::string_view status);

/// The table of runs that users of ACR Tasks know. Its columns never get narrower than there, so that tables
/// which are printed line by line stay in line.
Table run_table();
std::vector<Cell> run_row(const nlohmann::json& run);

}  // namespace sluice::daemon
