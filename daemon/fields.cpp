#include "fields.hpp"

#include "core/clock.hpp"
#include "core/text.hpp"
#include "oci/digest.hpp"

#include <optional>

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<Time> moment(const json& object, const char* key) {
  const auto* value = member(object, key);
  if (!value || !value->is_string()) return std::nullopt;
  return parse_time(value->get_ref<const std::string&>());
}

}  // namespace

std::string text_of(const json& object, const char* key, std::size_t limit) {
  const auto* value = member(object, key);
  if (!value) return {};
  if (value->is_string()) return printable(value->get_ref<const std::string&>(), limit);
  return value->is_number() ? value->dump() : std::string();
}

std::string time_of(const json& object, const char* key) {
  const auto at = moment(object, key);
  return at ? format_time(*at) : std::string();
}

std::string duration_of(const json& object) {
  const auto started = moment(object, "started");
  const auto ended = moment(object, "ended");
  return started && ended ? format_duration(*ended - *started) : std::string();
}

std::string short_duration_of(const json& object) {
  const auto started = moment(object, "started");
  const auto ended = moment(object, "ended");
  if (!started || !ended) return {};
  const auto ms = std::chrono::duration_cast<Milliseconds>(*ended - *started).count();
  if (ms < 0 || ms >= 60'000) return format_duration(*ended - *started);
  if (ms < 1000) return std::to_string(ms) + "ms";
  return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + "s";
}

std::string brief_of(const json& object, const char* key) {
  const auto* value = member(object, key);
  if (!value || !value->is_number()) return {};
  const auto ms = value->get<std::int64_t>();
  if (ms < 0) return {};
  if (ms < 1000) return std::to_string(ms) + "ms";
  if (ms < 10'000) return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + "s";
  const auto seconds = ms / 1000;
  const auto two = [](std::int64_t large, const char* of, std::int64_t small, const char* rest) {
    return std::to_string(large) + of + (small > 0 ? std::to_string(small) + rest : std::string());
  };
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return two(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return two(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
}

std::string delay_of(const json& detection) {
  const auto known = brief_of(detection, "delay_ms");
  if (!known.empty()) return known + " (" + text_of(detection, "known_by", 40) + ")";
  const auto most = brief_of(detection, "at_most_ms");
  return most.empty() ? most : "at most " + most;
}

Cell hold_of(const json& pipeline) {
  const auto& hold = part_of(pipeline, "hold");
  auto text = "held for " + brief_of(hold, "age_ms") + " by " + text_of(hold, "by", 80) + ", since " +
              time_of(hold, "since") + ": " + text_of(hold, "reason", 200);
  const auto waiting = hold.value("images_waiting", std::int64_t{0});
  if (waiting > 0)
    text += "; " + std::to_string(waiting) + (waiting == 1 ? " image waits" : " images wait") + " behind it";
  if (!hold.value("overlong", false)) return {text, Colour::yellow};
  return {text + "; is it still meant? `sluice resume " + text_of(pipeline, "name", 256) + "` ends it",
          Colour::red};
}

std::string digest_of(const json& object, const char* key, bool full) {
  const auto text = text_of(object, key);
  const auto digest = oci::Digest::parse(text);
  return digest && !full ? digest->shortened() : text;
}

const json& part_of(const json& object, const char* key) {
  static const json nothing = json::object();
  const auto* value = member(object, key);
  return value ? *value : nothing;
}

Colour status_colour(std::string_view status) {
  if (status == "Succeeded") return Colour::green;
  if (status == "Running" || status == "Waiting") return Colour::yellow;
  if (status == "Failed" || status == "Rejected") return Colour::red;
  return status == "Queued" ? Colour::none : Colour::grey;
}

Table run_table() {
  return Table({{"RUN ID", 6},
                {"TASK", 22},
                {"PLATFORM", 11},
                {"STATUS", 9},
                {"TRIGGER", 12},
                {"STARTED", 20},
                {"DURATION", 8}});
}

std::vector<Cell> run_row(const json& run) {
  const auto status = text_of(run, "status");
  return {{text_of(run, "id")},
          {text_of(run, "task", 128)},
          {text_of(run, "platform", 64)},
          {status, status_colour(status)},
          {text_of(run, "trigger")},
          {time_of(run, "started")},
          {duration_of(run)}};
}

}  // namespace sluice::daemon
