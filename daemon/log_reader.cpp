#include "log_reader.hpp"

#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

constexpr int most_tries = 60;

void print_line(const json& line, bool as_json) {
  if (as_json) {
    print(line.dump(-1, ' ', false, json::error_handler_t::replace));
    return;
  }
  const bool colours = wants_colours();
  print(paint(time_of(line, "at"), Colour::grey, colours) + "  " +
        paint(text_of(line, "step"), Colour::bold, colours) + "  " + text_of(line, "text", 16 * 1024));
}

}  // namespace

void print_log(ApiClient& client, const std::string& run, bool follow, bool as_json) {
  std::int64_t after = 0;
  int tries = 0;
  bool reached = false;
  while (true) {
    const auto wait = follow ? std::optional<std::string>("30s") : std::nullopt;
    const auto target = with_query(api_path({"runs", run, "log"}),
                                   {{"after", std::to_string(after)}, {"limit", "1000"}, {"wait", wait}});
    json page;
    try {
      page = client.get(target, follow ? poll_wait : Milliseconds{});
      reached = true;
      tries = 0;
    } catch (const Failure& failure) {
      if (!follow || !reached || failure.code() != exit_code::unreachable || ++tries > most_tries) throw;
    }
    if (tries > 0) {
      client.pause(between_tries);
      continue;
    }
    const auto& lines = part_of(page, "lines");
    for (const auto& line : lines)
      print_line(line, as_json);
    after = page.value("next", after);
    if (page.value("final", false) || (!follow && lines.empty())) return;
  }
}

}  // namespace sluice::daemon
