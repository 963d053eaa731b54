// What rebuild targets answer, and what callers of the API send.

#include "api/input.hpp"
#include "api/route.hpp"
#include "core/error.hpp"
#include "net/fields.hpp"
#include "net/head.hpp"
#include "net/standard_webhooks.hpp"
#include "net/target.hpp"
#include "target.hpp"
#include "triggers/answer.hpp"
#include "triggers/git_source.hpp"

using namespace sluice;
using namespace sluice::fuzz;

SLUICE_FUZZ_TARGET(triggers_answer) {
  const Time present{std::chrono::seconds(1'800'000'000)};
  const auto size = net::head_size(input);
  if (!size) return;
  const auto head = attempt([&] { return net::parse_response_head(input.substr(0, *size)); });
  if (!head) return;
  const auto wait = net::retry_after(head->headers, present, std::chrono::hours(24));
  HOLDS(!wait || (wait->count() >= 0 && *wait <= std::chrono::hours(24)));
  HOLDS(is_showable(triggers::status_line(head->status)));
  const auto error = triggers::error_from("https://ci.example.com/hook", head->status, head->headers,
                                          input.substr(*size), present);
  HOLDS(refuses([&]() -> int { throw error; }));
}

// Where a build takes its sources from, and the key of a webhook: both are written by the operator.
SLUICE_FUZZ_TARGET(triggers_source) {
  if (const auto source = attempt([&] { return triggers::GitSource::parse(input); })) {
    HOLDS(!source->url.starts_with('-') && !source->ref.starts_with('-') && !source->folder.starts_with('-'));
    HOLDS(source->folder.empty() || triggers::is_inner_path(source->folder));
    HOLDS(is_showable(source->url) && is_showable(source->ref));
  }
  // Payloads name addresses, too.
  HOLDS(triggers::git_place(input).size() <= input.size() + 1);
  if (const auto key = net::standard_webhooks::signing_key(Secret(std::string(input))))
    HOLDS(key->reveal().size() >= 24 && key->reveal().size() <= 64);
}

// A request target in the first line, a body in the rest.
SLUICE_FUZZ_TARGET(api_input) {
  auto rest = input;
  const auto line = take_line(rest);
  static_cast<void>(attempt([&] {
    const auto values = api::read_body(std::string(rest), {"digest", "reason", "run"});
    HOLDS(values.size() == 3);
    for (const auto& value : values)
      HOLDS(!value || value->size() <= 1000);
    return true;
  }));
  const auto target = net::parse_target(line);
  if (!target) return;
  for (const char* method : {"GET", "POST", "HEAD"}) {
    const auto match = api::find_route(api::routes(), method, target->path);
    if (match.route)
      for (const auto& argument : match.arguments)
        HOLDS(!argument.empty() && argument.find('/') == std::string::npos);
  }
  net::ServerRequest request;
  request.path = target->path;
  request.query = target->query;
  static_cast<void>(attempt([&] {
    api::Query query(request);
    const auto limit = query.limit(50);
    HOLDS(limit >= 1 && limit <= api::most_rows);
    const auto wait = query.wait();
    HOLDS(wait.count() >= 0 && wait <= api::longest_wait);
    HOLDS(query.number("after") >= 0);
    static_cast<void>(query.run("run"));
    static_cast<void>(query.time("since"));
    static_cast<void>(query.status("status"));
    query.done();
    return true;
  }));
  if (const auto id = attempt([&] { return api::read_run_id(std::string(line)); }))
    HOLDS(RunId::parse(id->text()) == id);
}
