// Texts, times, durations, addresses and ids.

#include "core/address.hpp"
#include "core/clock.hpp"
#include "core/lines.hpp"
#include "core/run_id.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"
#include "target.hpp"

#include <algorithm>

using namespace sluice;
using namespace sluice::fuzz;

SLUICE_FUZZ_TARGET(core_text) {
  for (const std::size_t limit : {std::size_t{0}, std::size_t{16}, input.size() * 6 + 1}) {
    const auto shown = printable(input, limit);
    HOLDS(shown.size() <= limit + 3);
    for (std::string_view rest = shown; !rest.empty();) {
      const auto [code, length] = decode_utf8(rest);
      HOLDS(length > 0 && !is_deceptive(code));
      rest.remove_prefix(length);
    }
  }
  HOLDS(lower(lower(input)) == lower(input));
  HOLDS(same_without_case(input, lower(input)));
  HOLDS(trimmed(trimmed(input)) == trimmed(input));
  const std::vector<std::string> words{"pipelines", "checks", "promote", std::string(input)};
  const auto near = nearest(input.substr(0, input.size() / 2), words);
  HOLDS(near.empty() || std::ranges::find(words, near) != words.end());
}

SLUICE_FUZZ_TARGET(core_lines) {
  std::size_t lines = 0;
  LineFeed feed(
      [&](std::string_view line) {
        ++lines;
        HOLDS(line.size() <= 40);
        HOLDS(line.find_first_of("\r\n") == std::string_view::npos);
      },
      5, 40);
  for (std::size_t at = 0; at < input.size(); at += 13)
    feed.take(input.substr(at, 13));
  feed.finish();
  HOLDS(lines <= 6);
  HOLDS(last_lines(input, 3).size() <= input.size() + 4);
}

SLUICE_FUZZ_TARGET(core_time) {
  if (const auto at = parse_time(input)) {
    HOLDS(parse_time(format_time_exact(*at)) == at);
    HOLDS(parse_time(format_time(*at)) == std::chrono::floor<std::chrono::seconds>(*at));
  }
  if (const auto duration = parse_duration(input)) {
    HOLDS(duration->count() >= 0);
    HOLDS(*duration <= std::chrono::hours(24 * 366 * 100));
    HOLDS(parse_duration(std::to_string(duration->count()) + "ms") == duration);
  }
  if (const auto id = RunId::parse(input)) HOLDS(RunId::parse(id->text()) == id);
}

// The address of a peer, trusted networks up to an empty line, then lines of X-Forwarded-For.
SLUICE_FUZZ_TARGET(core_address) {
  auto rest = input;
  const auto peer = take_line(rest);
  std::vector<Network> networks;
  for (const auto& line : lines_of(take_until(rest, "\n\n"), 8))
    if (const auto network = parse_network(line)) {
      HOLDS(network->contains(network->address));
      HOLDS(network->bits >= 0 && network->bits <= 128);
      networks.push_back(*network);
    }
  const auto source = source_of(peer, lines_of(rest, 8), networks);
  const auto itself = parse_address(peer);
  // Only a trusted peer may speak for others.
  if (source && itself && !contains(networks, *itself)) HOLDS(*source == *itself);
  if (itself) HOLDS(!rate_key(*itself).empty() && rate_key(*itself).size() <= 64);
}
