// `sluice digest IMAGE`: what a tag names now. Costs no pull where the registry answers HEAD in full.

#include "commands.hpp"
#include "core/error.hpp"
#include "exit_code.hpp"
#include "registry_tool.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

Task<> find_digest(registry::Client& client, registry::Place place, std::optional<oci::Platform> platform,
                   std::optional<registry::Resolved>& found) {
  if (platform)
    found = co_await client.resolve(place, *platform);
  else
    found = co_await client.resolve(place);
  if (!found) throw Error(ErrorKind::not_found, place.text() + " does not exist");
}

}  // namespace

int digest(const DigestOptions& options) {
  const auto place = read_place(options.image);
  RegistryTool tool(options.config);
  std::optional<registry::Resolved> found;
  tool.run(find_digest(tool.client(), place, read_platform(options.platform), found));
  if (!options.json) {
    print(found->digest.text());
    return exit_code::ok;
  }
  const nlohmann::ordered_json value{{"image", place.text()},
                                     {"digest", found->digest.text()},
                                     {"media_type", found->media_type},
                                     {"size", found->size}};
  print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  return exit_code::ok;
}

}  // namespace sluice::daemon
