#include "webhook_entry.hpp"

#include "core/text.hpp"
#include "exit_code.hpp"
#include "load_config.hpp"

#include <vector>

namespace sluice::daemon {

WebhookEntry webhook_entry(const std::string& file, const std::string& name, bool secrets) {
  const auto loaded = secrets ? load_config(file) : load_config_without_secrets(file);
  if (!loaded.config)
    throw Failure(exit_code::usage, "the configuration has mistakes:\n" + loaded.diagnostics.text());
  if (const auto* webhook = loaded.config->webhook(name)) return {loaded.config, watch::hook_of(*webhook)};
  std::vector<std::string> names;
  for (const auto& each : loaded.config->webhooks)
    names.push_back(each.name);
  const auto meant = nearest(name, names);
  throw Failure(exit_code::not_found, file + " has no webhook '" + printable(name, 80) + "'" +
                                          (meant.empty() ? "" : ", did you mean " + meant + "?"));
}

}  // namespace sluice::daemon
