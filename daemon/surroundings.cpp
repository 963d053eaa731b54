#include "surroundings.hpp"

#include "environment.hpp"
#include "read_file.hpp"
#include "registry/docker_config.hpp"

#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace sluice::daemon {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

// Of the helpers of docker, Amazon, Azure and Google: the key store of the desktop, pass, and the clouds'
// own settings; and the proxies, without which they may reach no cloud. A name that ends with '_' stands for
// all that begin so.
constexpr std::array<std::string_view, 17> helper_variables{"HTTPS_PROXY",   "HTTP_PROXY",
                                                            "ALL_PROXY",     "NO_PROXY",
                                                            "https_proxy",   "http_proxy",
                                                            "all_proxy",     "no_proxy",
                                                            "DOCKER_CONFIG", "DBUS_SESSION_BUS_ADDRESS",
                                                            "GNUPGHOME",     "PASSWORD_STORE_DIR",
                                                            "AWS_",          "AZURE_",
                                                            "GOOGLE_",       "CLOUDSDK_",
                                                            "ACR_"};

Variables whole_environment() {
  Variables variables;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != text.npos && equals > 0)
      variables.emplace_back(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return variables;
}

bool is_for_helpers(std::string_view name) {
  for (const auto& known : helper_variables)
    if (known.ends_with('_') ? name.starts_with(known) : name == known) return true;
  return false;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code trouble;
  for (std::filesystem::directory_iterator entry(folder, trouble), end; !trouble && entry != end;
       entry.increment(trouble))
    names.push_back(entry->path().filename().string());
  return names;
}

registry::Surroundings surroundings(Variables helper_environment) {
  registry::Surroundings result;
  result.environment = environment;
  result.file = [](const std::string& path) {
    registry::Surroundings::File file;
    file.content = read_file(path, registry::max_docker_config, file.trouble);
    return file;
  };
  result.names = names_in;
  result.helper_environment = std::move(helper_environment);
  return result;
}

}  // namespace

registry::Surroundings daemon_surroundings() {
  auto variables = whole_environment();
  std::erase_if(variables, [](const auto& each) { return !is_for_helpers(each.first); });
  return surroundings(std::move(variables));
}

registry::Surroundings command_surroundings() {
  return surroundings(whole_environment());
}

}  // namespace sluice::daemon
