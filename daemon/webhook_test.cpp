// `sluice webhooks test NAME --payload FILE`: what a delivery would do.

#include "commands.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "engine/hook_answer.hpp"
#include "engine/hook_match.hpp"
#include "exit_code.hpp"
#include "read_file.hpp"
#include "terminal.hpp"
#include "watch/proof.hpp"
#include "webhook_entry.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t largest = 1024 * 1024;  // as the listener takes

std::string content(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Failure(exit_code::usage, "cannot read " + path);
  }
  std::istream& in = path == "-" ? std::cin : file;
  auto text = read_some(in, largest);
  // A folder can be opened too.
  if (in.bad()) throw Failure(exit_code::usage, "cannot read " + path);
  if (text.size() > largest)
    throw Failure(exit_code::usage, path + " is larger than 1 MiB, which would be refused");
  return text;
}

// "Name: value" a line; others are left out.
net::Headers headers_of(const std::string& text) {
  net::Headers headers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const auto colon = line.find(':');
    if (line.starts_with('#') || colon == std::string::npos) continue;
    auto value = line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    headers.add(line.substr(0, colon), std::move(value));
  }
  return headers;
}

struct Proof {
  std::string text;
  bool holds = true;  // or cannot be checked here
};

// Nothing is fetched here, and no sender's address or token in the URL is known.
Proof proof_of(const watch::Hook& hook, const net::Headers& headers, const std::string& body) {
  const watch::Attempt attempt{
      .headers = headers, .body = body, .token = std::string(hook.token.reveal()), .source = std::nullopt};
  watch::Hook without_source = hook;
  without_source.allow_from.clear();
  const auto verdict = watch::check(without_source, attempt, SystemClock().now(), {});
  switch (verdict.result) {
    case watch::Verdict::Result::good:
      return {hook.allow_from.empty() ? "good"
                                      : "good; whether the sender's address is allowed is not checked"};
    case watch::Verdict::Result::wanting:
      return {"not checked: it needs " + verdict.wants};
    default:
      return {verdict.why, false};
  }
}

json events_json(const watch::Parsed& parsed) {
  auto events = json::array();
  for (const auto& event : parsed.events)
    events.push_back({{"repositories", event.repositories},
                      {"tags", event.every_tag ? json("every tag") : json(event.tags)}});
  return events;
}

void print_result(const json& result) {
  const auto text = [](const json& value) { return printable(value.get<std::string>(), 300); };
  if (!result["proof"].is_null()) print("proof:     " + text(result["proof"]));
  for (const auto& event : result["events"]) {
    const auto& tags = event["tags"];
    std::string shown = tags.is_string() ? tags.get<std::string>() : "";
    if (tags.is_array())
      for (const auto& tag : tags)
        shown += (shown.empty() ? "" : ", ") + text(tag);
    for (const auto& repository : event["repositories"])
      print("pushed:    " + text(repository) + "  " + shown);
  }
  if (!result["note"].is_null()) print("ignored:   " + text(result["note"]));
  for (const auto& name : result["pipelines"])
    print("looked at: " + text(name));
  for (const auto& name : result["dependents"])
    print("rebuilt:   " + text(name));
  if (result["pipelines"].empty() && result["dependents"].empty())
    print("looked at: nothing, no pipeline watches this and no dependent is built from it");
}

}  // namespace

int webhook_test(const WebhookTestOptions& options) {
  if (options.payload == "-" && options.headers == "-")
    throw Failure(exit_code::usage, "standard input is the body or the headers: name a file for the other");
  const auto entry = webhook_entry(options.config, options.name, !options.headers.empty());
  const auto body = content(options.payload);
  const auto headers = options.headers.empty() ? net::Headers() : headers_of(content(options.headers));
  if (!options.headers.empty() && !engine::is_readable(headers))
    throw Failure(exit_code::failed, "this payload would be refused: the Content-Type must be JSON");
  watch::Parsed parsed;
  try {
    parsed = entry.hook.sender->parse({headers, body}, entry.hook.reading);
  } catch (const Error& error) {
    throw Failure(exit_code::failed, "this payload would be refused: " + printable(error.what(), 500));
  }
  const auto match = engine::HookIndex(*entry.config).match(parsed);
  json result{{"events", events_json(parsed)},
              {"note", parsed.note.empty() ? json(nullptr) : json(parsed.note)},
              {"pipelines", match.pipelines},
              {"dependents", match.dependents},
              {"unknown", match.unknown}};
  const auto proof = options.headers.empty() ? Proof() : proof_of(entry.hook, headers, body);
  result["proof"] = options.headers.empty() ? json(nullptr) : json(proof.text);
  if (options.json)
    print(result.dump(2, ' ', false, json::error_handler_t::replace));
  else
    print_result(result);
  return proof.holds ? exit_code::ok : exit_code::refused;
}

}  // namespace sluice::daemon
