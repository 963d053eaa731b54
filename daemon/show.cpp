// `sluice show RUN`: one run in full.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t last_lines = 15;
constexpr std::size_t label_width = 14;
// Pages of a log that are read in search of its end: a million lines.
constexpr int most_pages = 1000;

void fact(const char* label, const std::string& value, Colour colour = Colour::none) {
  if (value.empty()) return;
  std::string line = label;
  line.resize(std::max(label_width, line.size() + 2), ' ');
  print(line + paint(value, colour, wants_colours()));
}

void section(const std::string& title, const Table& table) {
  print("");
  print(paint(title, Colour::bold, wants_colours()));
  print(table.lines(wants_colours()));
}

void print_origin(const json& run) {
  auto source = text_of(run, "source");
  const auto& seen = part_of(run, "observation");
  if (!seen.empty())
    source += ", learned by " + text_of(seen, "learned_by") + " at " + time_of(seen, "first_seen");
  const auto delay = delay_of(part_of(seen, "detection"));
  const auto& rebuild = part_of(run, "rebuild");
  if (rebuild.empty()) {
    fact("From", source);
    fact("Seen after", delay);
    return;
  }
  fact("Base", text_of(rebuild, "base"));
  fact("Triggered by", text_of(run, "parent"));
  fact("Wave", text_of(rebuild, "wave"));
  fact("Dispatched", time_of(rebuild, "dispatched"));
  fact("Confirmed", time_of(rebuild, "confirmed"));
  fact("Image", text_of(rebuild, "digest"));
}

void print_promotion(const json& promotion) {
  if (promotion.empty()) return;
  std::string tags;
  for (const auto& tag : part_of(promotion, "tags"))
    if (tag.is_string()) tags += (tags.empty() ? "" : ", ") + text_of({{"tag", tag}}, "tag");
  fact("Promoted", tags + " at " + time_of(promotion, "at"));
  const auto replaced = text_of(promotion, "replaced");
  fact("Replaced", replaced.empty() ? "nothing, the tag was new" : replaced);
}

void print_facts(const json& run) {
  const auto status = text_of(run, "status");
  fact("Run", text_of(run, "id"), Colour::bold);
  fact("Task", text_of(run, "task"));
  fact("Status", status + " (" + text_of(run, "state") + ")", status_colour(status));
  fact("Waiting for", text_of(run, "waiting_for"));
  fact("Outcome", text_of(run, "outcome", 2000));
  fact("Trigger", text_of(run, "trigger"));
  fact("Platform", text_of(run, "platform"));
  fact("Created", time_of(run, "created"));
  fact("Started", time_of(run, "started"));
  fact("Ended", time_of(run, "ended"));
  fact("Duration", duration_of(run));
  fact("Digest", text_of(run, "digest"));
  print_origin(run);
  print_promotion(part_of(run, "promotion"));
}

Colour result_colour(const std::string& result) {
  if (result == "ok") return Colour::green;
  if (result == "failed") return Colour::red;
  return Colour::yellow;
}

void print_steps(const json& steps) {
  if (steps.empty()) return;
  Table table({{"STEP"}, {"RESULT"}, {"STARTED"}, {"DURATION"}, {"DETAIL"}});
  for (const auto& step : steps) {
    const auto result = text_of(step, "result");
    table.add({{text_of(step, "name", 60)},
               {result, result_colour(result)},
               {time_of(step, "started")},
               {short_duration_of(step)},
               {text_of(step, "detail", 200)}});
  }
  section("Steps", table);
}

void print_rebuilds(const json& rebuilds) {
  if (rebuilds.empty()) return;
  Table table({{"RUN ID"}, {"DEPENDENT"}, {"WAVE"}, {"STATE"}, {"IMAGE"}, {"OUTCOME"}});
  for (const auto& rebuild : rebuilds)
    table.add({{text_of(rebuild, "run")},
               {text_of(rebuild, "dependent", 128)},
               {text_of(rebuild, "wave")},
               {text_of(rebuild, "state"), status_colour(text_of(rebuild, "status"))},
               {digest_of(rebuild, "digest", false)},
               {text_of(rebuild, "outcome", 200)}});
  section("Triggered", table);
}

// The end of what a step wrote.
std::vector<std::string> tail_of(ApiClient& client, const std::string& run, const std::string& step) {
  std::vector<std::string> tail;
  std::int64_t after = 0;
  for (int page = 0; page < most_pages; ++page) {
    const auto answer = client.get(
        with_query(api_path({"runs", run, "log"}), {{"after", std::to_string(after)}, {"limit", "1000"}}));
    const auto& lines = part_of(answer, "lines");
    if (lines.empty()) break;
    for (const auto& line : lines)
      if (text_of(line, "step") == step) tail.push_back(text_of(line, "text", 2000));
    if (tail.size() > last_lines) tail.erase(tail.begin(), tail.end() - last_lines);
    after = answer.value("next", after);
  }
  return tail;
}

void print_failed_output(ApiClient& client, const json& run) {
  for (const auto& step : part_of(run, "steps")) {
    if (text_of(step, "result") != "failed") continue;
    const auto name = text_of(step, "name");
    const auto tail = tail_of(client, text_of(run, "id"), name);
    if (tail.empty()) continue;
    print("");
    print(paint("Last output of " + name, Colour::bold, wants_colours()));
    for (const auto& line : tail)
      print("  " + line);
  }
}

}  // namespace

int show(const ShowOptions& options) {
  ApiClient client(find_daemon(options.where));
  const auto run = client.get(api_path({"runs", options.run}));
  if (options.json) {
    print(run.dump(2));
    return exit_code::ok;
  }
  print_facts(run);
  print_steps(part_of(run, "steps"));
  print_rebuilds(part_of(run, "rebuilds"));
  print_failed_output(client, run);
  return exit_code::ok;
}

}  // namespace sluice::daemon
