#include "api/input.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/strict_json.hpp"
#include "pipeline/run.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace sluice::api {
namespace {

using nlohmann::json;

constexpr std::size_t longest_text = 1000;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorKind::invalid, message);
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  if (!near.empty()) return "; did you mean '" + near + "'?";
  std::string all;
  for (const auto& candidate : candidates)
    all += (all.empty() ? "" : ", ") + candidate;
  return all.empty() ? "; none is known here" : "; known are " + all;
}

json parse(const std::string& body) {
  try {
    return oci::parse_strict_value(body, "the body");
  } catch (const Error& error) {
    refuse(error.what());
  }
}

}  // namespace

std::optional<std::string> Query::text(std::string_view name) {
  if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.emplace_back(name);
  auto value = request_.parameter(name);
  if (value && value->empty()) return std::nullopt;
  if (value && value->size() > longest_text) refuse(std::string(name) + " is longer than 1000 bytes");
  return value;
}

std::int64_t Query::number(std::string_view name) {
  const auto value = text(name);
  if (!value) return 0;
  std::int64_t number = 0;
  const auto read = std::from_chars(value->data(), value->data() + value->size(), number);
  if (read.ec != std::errc() || read.ptr != value->data() + value->size() || number < 0)
    refuse(std::string(name) + " must be a number from 0 on, not '" + printable(*value, 40) + "'");
  return number;
}

int Query::limit(int fallback) {
  const auto value = text("limit");
  if (!value) return fallback;
  const auto wanted = number("limit");
  if (wanted < 1) refuse("limit must be at least 1");
  return static_cast<int>(std::min<std::int64_t>(wanted, most_rows));
}

Milliseconds Query::wait() {
  const auto value = text("wait");
  if (!value) return {};
  const auto wanted = parse_duration(*value);
  if (!wanted || wanted->count() < 0)
    refuse("wait must be a duration such as 30s, not '" + printable(*value, 40) + "'");
  return std::min(*wanted, longest_wait);
}

std::optional<RunId> Query::run(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  return read_run_id(*value);
}

std::optional<Time> Query::time(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto at = parse_time(*value);
  if (!at)
    refuse(std::string(name) + " must be a time such as 2026-11-24T04:56:31Z or a date, not '" +
           printable(*value, 40) + "'");
  return at;
}

std::optional<std::string> Query::status(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  if (const auto status = pipeline::status_from(*value)) return std::string(to_string(*status));
  std::vector<std::string> all;
  for (int i = 0; i <= static_cast<int>(pipeline::Status::cancelled); ++i)
    all.emplace_back(to_string(static_cast<pipeline::Status>(i)));
  refuse("no status is called '" + printable(*value, 40) + "'" + suggestion(*value, all));
}

void Query::done() const {
  for (const auto& [name, value] : request_.query)
    if (std::find(known_.begin(), known_.end(), name) == known_.end())
      refuse("unknown parameter '" + printable(name, 40) + "'" + suggestion(name, known_));
}

std::vector<std::optional<std::string>> read_body(const std::string& body,
                                                  const std::vector<std::string>& known) {
  std::vector<std::optional<std::string>> values(known.size());
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return values;
  const auto object = parse(body);
  if (!object.is_object()) refuse("the body must be a JSON object");
  for (const auto& [key, value] : object.items()) {
    const auto place = std::find(known.begin(), known.end(), key);
    if (place == known.end()) refuse("unknown key '" + printable(key, 40) + "'" + suggestion(key, known));
    if (value.is_null()) continue;
    if (!value.is_string()) refuse("'" + key + "' must be a text");
    auto text = value.get<std::string>();
    if (text.size() > longest_text) refuse("'" + key + "' is longer than 1000 bytes");
    values[static_cast<std::size_t>(place - known.begin())] = std::move(text);
  }
  return values;
}

RunId read_run_id(const std::string& text) {
  const auto id = RunId::parse(text);
  if (!id) refuse("'" + printable(text, 40) + "' is not a run id; they look like ca1a");
  return *id;
}

}  // namespace sluice::api
