// `sluice import-config --from TOOL FILE...`: a configuration made of that of another tool.

#include "change_file.hpp"
#include "commands.hpp"
#include "config/import/import.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "load_config.hpp"
#include "oci/reference.hpp"
#include "read_file.hpp"
#include "secret_sources.hpp"
#include "terminal.hpp"

#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

using nlohmann::json;

// What is larger is refused by the reader, with its own words.
constexpr std::size_t most_foreign_bytes = 2 * 1024 * 1024;

config::ForeignText foreign_text(const std::string& file) {
  if (file == "-") return {"standard input", read_some(std::cin, most_foreign_bytes)};
  std::string why;
  auto text = read_file(file, most_foreign_bytes, why);
  if (text) return {file, std::move(*text)};
  throw Failure(exit_code::usage, printable(file, 300) + " cannot be read: " +
                                      (why.empty() ? "there is no such file" : printable(why, 200)));
}

// "registry.example.com/staging", as it stands before the names of repositories.
std::string prefix_of(const std::string& option, std::string prefix) {
  while (prefix.ends_with('/'))
    prefix.pop_back();
  if (prefix.empty()) return prefix;
  try {
    oci::Repository::parse(prefix + "/x");
    if (prefix.find('/') != std::string::npos) return prefix;
  } catch (const Error&) {
    // Told below.
  }
  throw Failure(exit_code::usage,
                option + " must be REGISTRY/PATH, for instance registry.example.com/staging, not '" +
                    printable(prefix, 200) + "'");
}

void write_new(const std::string& file, const std::string& text) {
  const FileRules rules{.what = "the new configuration", .most_bytes = most_foreign_bytes};
  change_file(file, rules, [&](const std::optional<std::string>& before) -> std::optional<std::string> {
    if (before)
      throw Failure(exit_code::usage,
                    printable(file, 300) + " is there already; name another file with --out");
    return text;
  });
}

std::string remark_line(const config::Remark& remark) {
  const auto place = remark.at.line > 0
                         ? fmt::format("{}:{}:{}", remark.file, remark.at.line, remark.at.column)
                         : remark.file;
  return fmt::format("{}: {}: {}: {}", printable(place, 300), to_string(remark.kind), remark.what,
                     remark.why);
}

json remarks_json(const std::vector<config::Remark>& remarks) {
  auto values = json::array();
  for (const auto& remark : remarks)
    values.push_back({{"kind", to_string(remark.kind)},
                      {"file", remark.file},
                      {"line", remark.at.line},
                      {"column", remark.at.column},
                      {"what", remark.what},
                      {"why", remark.why}});
  return values;
}

void expect_readable(const config::Imported& imported) {
  if (imported.mistakes.empty()) return;
  std::string told = "the files cannot be read:";
  for (const auto& mistakes : imported.mistakes)
    told += "\n" + mistakes.text();
  throw Failure(exit_code::usage, told);
}

}  // namespace

int import_config(const ImportConfigOptions& options) {
  std::vector<config::ForeignText> files;
  for (const auto& file : options.files)
    files.push_back(foreign_text(file));
  const config::ImportPlaces places{prefix_of("--staging", options.staging), prefix_of("--to", options.to)};
  const auto imported = config::import_config(options.from, files, places, placeholder_secret_sources());
  expect_readable(imported);
  const auto loaded =
      parse_config_without_secrets(imported.text, options.out.empty() ? "imported" : options.out);
  if (!loaded.config)
    throw Error(ErrorKind::internal, "what was imported does not load:\n" + loaded.diagnostics.text());
  // A configuration that watches nothing would only be in the way of the next try.
  const bool written = !options.out.empty() && imported.pipelines > 0;
  if (written) write_new(options.out, imported.text);
  if (options.json) {
    json value{{"from", options.from},
               {"files", options.files},
               {"pipelines", imported.pipelines},
               {"remarks", remarks_json(imported.remarks)}};
    value["out"] = written ? json(options.out) : json(nullptr);
    value["config"] = imported.text;
    print(value.dump(2, ' ', false, json::error_handler_t::replace));
  } else {
    if (options.out.empty()) std::cout << imported.text;
    for (const auto& remark : imported.remarks)
      std::cerr << remark_line(remark) << '\n';
    std::cerr << imported.pipelines << (imported.pipelines == 1 ? " pipeline" : " pipelines") << ", "
              << imported.remarks.size() << (imported.remarks.size() == 1 ? " remark" : " remarks") << '\n';
  }
  return imported.pipelines > 0 ? exit_code::ok : exit_code::failed;
}

}  // namespace sluice::daemon
