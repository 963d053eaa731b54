// `sluice history PIPELINE`: every digest that the upstream tag ever had and what became of it, and who did
// what.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

// Into a file or a pipe digests are whole: somebody may search them.
bool whole_digests(const HistoryOptions& options) {
  return options.full || !stdout_is_terminal();
}

std::string became(const json& observation) {
  const auto& fate = part_of(observation, "became");
  if (fate.empty()) return {};
  const auto& promotion = part_of(fate, "promotion");
  const auto status = text_of(fate, "status");
  if (!promotion.empty()) {
    const auto text = "promoted as " + text_of(promotion, "unique_tag", 140);
    if (status.empty() || status == "Succeeded") return text;
    // A later run of the same digest may have ended otherwise.
    return text + ", run " + text_of(fate, "run") + " is " + status;
  }
  const auto why = text_of(fate, "outcome", 200);
  const auto waiting = text_of(fate, "waiting_for", 200);
  if (!why.empty()) return status + ": " + why;
  return waiting.empty() ? status : status + ": " + waiting;
}

Table observations_table(const json& history, bool full) {
  Table table(
      {{"FIRST SEEN"}, {"LAST SEEN"}, {"DIGEST"}, {"LEARNED BY"}, {"SEEN AFTER"}, {"RUN"}, {"BECAME"}});
  for (const auto& seen : part_of(history, "observations")) {
    const auto& fate = part_of(seen, "became");
    table.add({{time_of(seen, "first_seen")},
               {time_of(seen, "last_seen")},
               {digest_of(seen, "digest", full)},
               {text_of(seen, "learned_by")},
               {delay_of(part_of(seen, "detection"))},
               {text_of(fate, "run")},
               {became(seen), status_colour(text_of(fate, "status"))}});
  }
  return table;
}

struct Event {
  std::string at;
  std::vector<Cell> row;
};

std::vector<Event> events_of(const json& history, bool full) {
  std::vector<Event> events;
  for (const auto& entry : part_of(history, "events")) {
    const auto at = text_of(entry, "at");
    events.push_back({at,
                      {{time_of(entry, "at")},
                       {text_of(entry, "action")},
                       {text_of(entry, "who", 80)},
                       {text_of(entry, "detail", 300)}}});
  }
  for (const auto& promotion : part_of(history, "promotions")) {
    const auto replaced = digest_of(promotion, "replaced", full);
    auto detail = text_of(promotion, "stable_tag", 140) + " and " + text_of(promotion, "unique_tag", 140) +
                  " are " + digest_of(promotion, "digest", full);
    if (!replaced.empty()) detail += ", before " + replaced;
    const auto who = text_of(promotion, "trigger") + " " + text_of(promotion, "run");
    events.push_back(
        {text_of(promotion, "at"), {{time_of(promotion, "at")}, {"promotion"}, {who}, {detail}}});
  }
  // The API's times are all of one form, so their texts sort as the times do. Newest first, as the table
  // above.
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at > b.at; });
  return events;
}

}  // namespace

int history(const HistoryOptions& options) {
  ApiClient client(find_daemon(options.where));
  const auto history = client.get(with_query(api_path({"pipelines", options.pipeline, "history"}),
                                             {{"at", options.at}, {"limit", std::to_string(options.limit)}}));
  if (options.json) {
    print(history.dump(2));
    return exit_code::ok;
  }
  const bool full = whole_digests(options);
  const auto observations = observations_table(history, full);
  if (observations.empty() && options.at)
    print("nothing was known of " + options.pipeline + " at that time");
  else
    print(observations.lines(wants_colours()));
  Table table({{"TIME"}, {"EVENT"}, {"WHO"}, {"DETAIL"}});
  for (auto& event : events_of(history, full))
    table.add(std::move(event.row));
  if (table.empty()) return exit_code::ok;
  print("");
  print(table.lines(wants_colours()));
  return exit_code::ok;
}

}  // namespace sluice::daemon
