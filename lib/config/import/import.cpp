#include "config/import/import.hpp"

#include "config/import/foreign.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <array>

namespace sluice::config {
namespace {

struct ForeignTool {
  std::string_view name;
  void (*read)(const std::vector<ForeignText>& files, Findings& findings);
};
constexpr std::array<ForeignTool, 5> foreign_tools{{
    {"diun", read_diun},
    {"dregsy", read_dregsy},
    {"keel", read_keel},
    {"regsync", read_regsync},
    {"renovate", read_renovate},
}};

}  // namespace

std::string to_string(Remark::Kind kind) {
  switch (kind) {
    case Remark::Kind::left_out:
      return "left out";
    case Remark::Kind::changed:
      return "changed";
    case Remark::Kind::to_do:
      return "to do";
  }
  return {};
}

std::vector<std::string> import_sources() {
  std::vector<std::string> names;
  for (const auto& tool : foreign_tools)
    names.emplace_back(tool.name);
  return names;
}

Imported import_config(const std::string& tool, const std::vector<ForeignText>& files,
                       const ImportPlaces& places, const SecretSources& sources) {
  for (const auto& known : foreign_tools) {
    if (known.name != tool) continue;
    Findings findings;
    known.read(files, findings);
    if (findings.mistakes.empty()) return write_imported(tool, std::move(findings), places, sources);
    Imported refused;
    refused.mistakes = std::move(findings.mistakes);
    return refused;
  }
  throw Error(ErrorKind::invalid, "no files of '" + printable(tool, 40) + "' are understood");
}

}  // namespace sluice::config
