// `sluice status`: the daemon and its pipelines at a glance.

#include "api_client.hpp"
#include "commands.hpp"
#include "core/clock.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

int count_of(const json& set, const char* key) {
  return set.value(key, 0);
}

// Of a set: what is wrong with it as a whole comes before what is wrong with some of its tags.
Cell set_condition(const json& set) {
  const int count = count_of(set, "members");
  const auto members = std::to_string(count) + (count == 1 ? " tag" : " tags");
  if (const int failing = count_of(set, "failing"); failing > 0)
    return {"upstream fails for " + std::to_string(failing) + " of " + members, Colour::red};
  std::string more;
  if (const int held = count_of(set, "held"); held > 0) more += ", " + std::to_string(held) + " held";
  const int overlong = count_of(set, "held_overlong");
  if (overlong > 0) more += ", " + std::to_string(overlong) + " of them for more than 30 days";
  if (const int gone = count_of(set, "withdrawn"); gone > 0)
    more += ", " + std::to_string(gone) + " withdrawn";
  const auto note = text_of(set, "note", 300);
  if (!note.empty()) return {"watching " + members + more + ": " + note, Colour::yellow};
  return {"watching " + members + more, overlong > 0 ? Colour::red : Colour::green};
}

std::string open_runs(const json& set) {
  std::string text;
  for (const auto& [status, count] : part_of(set, "open_runs").items())
    text += (text.empty() ? "" : ", ") + count.dump() + " " + printable(status, 20);
  return text;
}

// What a person should look at first.
Cell condition(const json& pipeline) {
  const auto& watch = part_of(pipeline, "watch");
  if (!part_of(pipeline, "hold").empty()) return hold_of(pipeline);
  const auto error = text_of(watch, "error", 300);
  if (!error.empty())
    return {"upstream fails since " + time_of(watch, "failing_since") + ": " + error, Colour::red};
  if (time_of(watch, "last_look").empty()) return {"not looked at yet", Colour::grey};
  const auto& set = part_of(pipeline, "set");
  return set.empty() ? Cell{"watching", Colour::green} : set_condition(set);
}

std::string last_run(const json& task) {
  const auto& run = part_of(task, "last_run");
  return run.empty() ? "" : text_of(run, "id") + " " + text_of(run, "status");
}

void add_pipeline(Table& table, const json& pipeline) {
  const auto& set = part_of(pipeline, "set");
  table.add({{text_of(pipeline, "name", 256)},
             {text_of(pipeline, "target", 300)},
             {digest_of(part_of(pipeline, "stable"), "digest", false)},
             {set.empty() ? last_run(pipeline) : open_runs(set),
              status_colour(text_of(part_of(pipeline, "last_run"), "status"))},
             {time_of(part_of(pipeline, "watch"), "last_look")},
             condition(pipeline)});
}

void print_pipelines(const json& status) {
  Table table({{"PIPELINE"}, {"TARGET"}, {"STABLE"}, {"LAST RUN"}, {"LAST LOOK"}, {"CONDITION"}});
  for (const auto& pipeline : part_of(status, "pipelines")) {
    add_pipeline(table, pipeline);
    for (const auto& member : part_of(pipeline, "members"))
      add_pipeline(table, member);
  }
  if (table.empty()) return;
  print("");
  print(table.lines(wants_colours()));
}

// "live, 12 told, 1 missed"; nothing where no webhook ever told of a change.
Cell webhooks_of(const json& freshness) {
  const auto& hooks = part_of(freshness, "webhooks");
  const auto told = hooks.value("told", std::int64_t{0});
  const auto missed = hooks.value("missed", std::int64_t{0});
  if (told == 0) return {};
  const bool live = hooks.value("live", false);
  auto text = std::string(live ? "live" : "not live") + ", " + std::to_string(told) + " told";
  if (missed > 0) text += ", " + std::to_string(missed) + " missed";
  return {text, live ? Colour::green : Colour::yellow};
}

void add_freshness(Table& table, const json& pipeline) {
  const auto& freshness = part_of(pipeline, "freshness");
  if (freshness.empty()) return;  // a set: its members have theirs
  const auto age = brief_of(freshness, "stale_ms");
  const auto cron = text_of(part_of(pipeline, "poll"), "cron", 80);
  table.add({{text_of(pipeline, "name", 256)},
             {age.empty() ? "never" : age + " ago"},
             {cron.empty() ? brief_of(freshness, "look_every_ms") : cron},
             {brief_of(freshness, "changes_every_ms")},
             {delay_of(part_of(freshness, "last_change"))},
             webhooks_of(freshness)});
}

void print_freshness(const json& status) {
  Table table(
      {{"PIPELINE"}, {"KNOWN"}, {"LOOKED AT EVERY"}, {"CHANGES EVERY"}, {"LAST SEEN AFTER"}, {"WEBHOOKS"}});
  for (const auto& pipeline : part_of(status, "pipelines")) {
    add_freshness(table, pipeline);
    for (const auto& member : part_of(pipeline, "members"))
      add_freshness(table, member);
  }
  if (table.empty()) return;
  print("");
  print(table.lines(wants_colours()));
}

// What can be promised of each registry.
std::string looked_at_every(const json& registry) {
  const auto& every = part_of(registry, "look_every_ms");
  const auto from = brief_of(every, "from");
  const auto to = brief_of(every, "to");
  auto held_back_by = text_of(registry, "held_back_by");
  if (held_back_by == "limit") held_back_by = "the registry's limit";
  return (from == to ? from : from + " to " + to) +
         (held_back_by == "nothing" ? "" : ", limited by " + held_back_by);
}

void print_upstreams(const json& status) {
  Table table(
      {{"UPSTREAM"}, {"WATCHES"}, {"AT ONCE"}, {"EACH LOOKED AT EVERY"}, {"FAILING"}, {"OLDEST KNOWN"}});
  for (const auto& registry : part_of(status, "upstreams")) {
    const auto failing = text_of(registry, "failing");
    const auto age = brief_of(registry, "stale_ms");
    const auto never = registry.value("unknown", std::int64_t{0});
    auto oldest = age.empty() ? age : age + " ago";
    if (never > 0) oldest += (oldest.empty() ? "" : ", ") + std::to_string(never) + " never";
    table.add({{text_of(registry, "registry", 256)},
               {text_of(registry, "watches")},
               {text_of(registry, "at_once")},
               {looked_at_every(registry)},
               {failing, failing == "0" ? Colour::none : Colour::red},
               {oldest}});
  }
  if (table.empty()) return;
  print("");
  print(table.lines(wants_colours()));
}

void print_dependents(const json& status) {
  Table table({{"DEPENDENT"}, {"IMAGE"}, {"REBUILD"}, {"LAST RUN"}});
  for (const auto& dependent : part_of(status, "dependents"))
    table.add({{text_of(dependent, "name", 128)},
               {text_of(dependent, "image", 300)},
               {text_of(dependent, "rebuild")},
               {last_run(dependent), status_colour(text_of(part_of(dependent, "last_run"), "status"))}});
  if (table.empty()) return;
  print("");
  print(table.lines(wants_colours()));
}

// What a registry's state means for whoever waits for it.
Cell health(const json& registry) {
  const auto error = text_of(registry, "error", 300);
  if (const auto until = time_of(registry, "paused_until"); !until.empty())
    return {"left alone until " + until + ": " + error, Colour::yellow};
  const auto since = time_of(registry, "failing_since");
  if (text_of(registry, "state") == "closed") {
    if (!error.empty()) return {"fails since " + since + ": " + error, Colour::yellow};
    if (registry.value("looks_put_off", false))
      return {"answers; little is left of its limit, looks are spread", Colour::yellow};
    return {"answers", Colour::green};
  }
  const auto again = time_of(registry, "asked_again");
  // Nobody may have wanted anything of it since.
  const bool waits = again > format_time(SystemClock().now());
  const auto next = again.empty() ? std::string("being asked again")
                    : waits       ? "asked again at " + again
                                  : std::string("asked again when it is needed");
  return {"down since " + since + ", " + next + ": " + error, Colour::red};
}

// "76 of 100 in 06:00:00" by its own word, and of our budget.
std::string rest_of(const json& part, const char* left, const char* whole, const char* period) {
  if (part.empty()) return "";
  auto text = text_of(part, left);
  if (part.value(whole, std::int64_t{0}) > 0) text += " of " + text_of(part, whole);
  const auto time = part.value(period, std::int64_t{0});
  return time > 0 ? text + " in " + format_duration(Milliseconds(time)) : text;
}

void print_registries(const json& status) {
  Table table({{"REGISTRY"}, {"LIMIT LEFT"}, {"BUDGET LEFT"}, {"CONDITION"}});
  for (const auto& registry : part_of(status, "registries"))
    table.add({{text_of(registry, "name", 200)},
               {rest_of(part_of(registry, "limit"), "remaining", "limit", "window_ms")},
               {rest_of(part_of(registry, "budget"), "left", "count", "period_ms")},
               health(registry)});
  if (table.empty()) return;
  print("");
  print(table.lines(wants_colours()));
}

std::string refusals(const json& hook) {
  std::string text;
  for (const auto& [reason, count] : part_of(hook, "refused").items())
    text += (text.empty() ? "" : ", ") + count.dump() + " " + printable(reason, 60);
  return text;
}

void print_webhooks(const json& status) {
  Table table({{"WEBHOOK"}, {"SENDER"}, {"ACCEPTED"}, {"DUPLICATE"}, {"IGNORED"}, {"LAST"}, {"REFUSED"}});
  for (const auto& hook : part_of(status, "webhooks")) {
    const auto refused = refusals(hook);
    table.add({{text_of(hook, "name", 128)},
               {text_of(hook, "sender")},
               {text_of(hook, "accepted")},
               {text_of(hook, "duplicates")},
               {text_of(hook, "ignored")},
               {time_of(hook, "last")},
               {refused, refused.empty() ? Colour::none : Colour::yellow}});
  }
  if (table.empty()) return;
  print("");
  print(table.lines(wants_colours()));
}

}  // namespace

int status(const StatusOptions& options) {
  ApiClient client(find_daemon(options.where));
  const bool members = options.members || options.json;
  const auto status = client.get(with_query(
      api_path({"status"}), {{"members", members ? std::optional<std::string>("1") : std::nullopt}}));
  if (options.json) {
    print(status.dump(2));
    return exit_code::ok;
  }
  print("sluice " + text_of(status, "version") + ", pid " + text_of(status, "pid") + ", up since " +
        time_of(status, "started") + (status.value("stopping", false) ? ", stopping" : "") + ", " +
        text_of(status, "open_jobs") + " open jobs, configured by " + text_of(status, "config"));
  print_pipelines(status);
  print_freshness(status);
  print_upstreams(status);
  print_dependents(status);
  print_registries(status);
  print_webhooks(status);
  return exit_code::ok;
}

}  // namespace sluice::daemon
