// `sluice check-config FILE`: every mistake at once.

#include "commands.hpp"
#include "exit_code.hpp"
#include "load_config.hpp"
#include "terminal.hpp"

#include <iostream>

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

json diagnostics_json(const config::Loaded& loaded) {
  auto errors = json::array();
  for (const auto& error : loaded.diagnostics.errors)
    errors.push_back({{"line", error.at.line},
                      {"column", error.at.column},
                      {"message", error.message},
                      {"advice", error.advice.empty() ? json(nullptr) : json(error.advice)}});
  json value{{"ok", loaded.config != nullptr}, {"file", loaded.diagnostics.file}, {"errors", errors}};
  value["pipelines"] = loaded.config ? json(loaded.config->pipelines.size()) : json(nullptr);
  value["dependents"] = loaded.config ? json(loaded.config->dependents.size()) : json(nullptr);
  return value;
}

std::string counted(std::size_t number, const std::string& one) {
  return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

}  // namespace

int check_config(const CheckConfigOptions& options) {
  const auto loaded = load_config(options.file);
  const int code = loaded.config ? exit_code::ok : exit_code::usage;
  if (options.json) {
    print(diagnostics_json(loaded).dump(2, ' ', false, json::error_handler_t::replace));
    return code;
  }
  if (loaded.config) {
    print("ok: " + counted(loaded.config->pipelines.size(), "pipeline") + ", " +
          counted(loaded.config->dependents.size(), "dependent"));
    return code;
  }
  std::cerr << loaded.diagnostics.text();
  if (!loaded.diagnostics.text().ends_with('\n')) std::cerr << '\n';
  std::cerr << counted(loaded.diagnostics.errors.size(), "error") << '\n';
  return code;
}

}  // namespace sluice::daemon
