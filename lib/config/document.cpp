#include "config/document.hpp"

#include "core/text.hpp"

#include <array>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace sluice::config {
namespace {

struct Explanation {
  std::string_view of;  // part of yaml-cpp's message
  std::string_view message;
  std::string_view advice;
};
// The parser's own words help only its authors, and may quote the file.
constexpr std::array<Explanation, 9> explanations{{
    {"illegal map value", "a ':' stands where no mapping can be",
     "check the indentation, or put the text in quotes"},
    {"end of map flow", "a '{' is not closed", "it is still open here; close it with '}'"},
    {"end of sequence flow", "a '[' is not closed", "it is still open here; close it with ']'"},
    {"end of map", "the indentation does not fit the lines above",
     "keys of one mapping begin in the same column"},
    {"end of sequence", "the indentation does not fit the lines above",
     "items of one list begin in the same column"},
    {"EOF in scalar", "a quote is not closed",
     "it is still open at the end of the file; close it where it should end"},
    {"anchor is not defined", "this alias (*name) names no anchor",
     "put a text that begins with '*' in quotes"},
    {"unknown token", "a text cannot begin with this character", "put the text in quotes"},
    {"block entry", "a list item ('- ') cannot stand here", "begin the list on a line of its own"},
}};

// Lines of a text, from 0, without their ends.
std::string_view line_of(std::string_view text, int number) {
  for (; number > 0; --number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool indented_with_tab(std::string_view line) {
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

Position position_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {.line = mark.line + 1, .column = mark.column + 1};
}

void explain(const YAML::Exception& error, const std::string& text, Notes& notes) {
  auto at = position_of(error.mark);
  if (!error.mark.is_null() && indented_with_tab(line_of(text, error.mark.line)))
    return notes.add({at.line, 1}, "this line is indented with a tab", "YAML is indented with spaces only");
  for (const auto& explanation : explanations)
    if (error.msg.find(explanation.of) != std::string::npos)
      return notes.add(at, std::string(explanation.message), std::string(explanation.advice));
  notes.add(at, "this is not valid YAML: " + printable(error.msg.substr(0, error.msg.find(':')), 100));
}

// YAML 1.2.2, 5.1 "Character Set": no control characters but tab and line ends.
bool has_control_characters(std::string_view text, Notes& notes) {
  Position at{1, 0};
  for (const char c : text) {
    ++at.column;
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') at = {at.line + 1, 0};
    if (code >= ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    notes.add(at, fmt::format("the control character \\x{:02x} cannot stand here", code),
              "save the file as UTF-8 text");
    return true;
  }
  return false;
}

// Notes keys that stand twice; counts, so that aliases cannot unfold without end, and measures depth, so that
// an alias to its own parent is found.
class Walk {
 public:
  explicit Walk(Notes& notes) : notes_(notes) {}

  /// False when the tree is too large or too deep to be used.
  bool visit(const YAML::Node& node, int depth = 0) {
    if (++values_ > most_values) {
      notes_.add(config::position_of(node), fmt::format("the file has more than {} values", most_values),
                 "each use of an alias counts");
      return false;
    }
    if (depth > deepest_nesting) {
      notes_.add(config::position_of(node), fmt::format("nested deeper than {} levels", deepest_nesting));
      return false;
    }
    if (node.IsSequence())
      for (const auto& item : node)
        if (!visit(item, depth + 1)) return false;
    return !node.IsMap() || visit_map(node, depth);
  }

 private:
  bool visit_map(const YAML::Node& node, int depth) {
    std::map<std::string, Position> seen;
    for (const auto& entry : node) {
      const auto at = config::position_of(entry.first);
      if (!entry.first.IsScalar()) {
        notes_.add(at, "a key must be a plain text");
      } else if (const auto [first, added] = seen.emplace(entry.first.Scalar(), at); !added) {
        notes_.add(at, fmt::format("the key '{}' stands here twice", printable(first->first, 80)),
                   fmt::format("it was set in line {} already; remove one of the two", first->second.line));
      }
      if (!visit(entry.second, depth + 1)) return false;
    }
    return true;
  }

  Notes& notes_;
  std::size_t values_ = 0;
};

/// Hears where documents begin, and builds nothing.
class Beginnings final : public YAML::EventHandler {
 public:
  std::vector<Position> all;

  void OnDocumentStart(const YAML::Mark& at) override { all.push_back(position_of(at)); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

// The first document; more than one is noted, what is wrong with the syntax goes to `syntax`. Never
// YAML::LoadAll: it collects documents without end where a text makes the parser begin one document again and
// again.
YAML::Node parse(const std::string& text, Notes& notes, Notes& syntax) {
  try {
    // yaml-cpp 0.7 takes a quote as closed where the file ends with a line end; behind a comment it does not.
    const std::string whole = text.ends_with('\n') ? text + "#" : text;
    std::istringstream stream(whole);
    YAML::Parser parser(stream);
    Beginnings begins;
    while (begins.all.size() < 2 && parser.HandleNextDocument(begins)) {
    }
    if (begins.all.size() > 1)
      notes.add(begins.all[1], "the file holds more than one document", "remove '---'");
    return YAML::Load(whole);
  } catch (const YAML::Exception& error) {
    explain(error, text, syntax);
  }
  return {};
}

}  // namespace

Position position_of(const YAML::Node& node) {
  return position_of(node.Mark());
}

std::optional<YAML::Node> read_document(const std::string& text, Notes& notes) {
  if (text.size() > largest_file) {
    notes.add({}, fmt::format("the file is larger than {} KiB", largest_file / 1024));
    return std::nullopt;
  }
  if (has_control_characters(text, notes)) return std::nullopt;
  Notes syntax;
  const YAML::Node document = parse(text, notes, syntax);
  if (auto broken = syntax.take(); !broken.ok()) {
    for (auto& error : broken.errors)
      notes.add(error.at, std::move(error.message), std::move(error.advice));
    return std::nullopt;
  }
  if (document.IsNull()) {
    notes.add({1, 1}, "the file is empty", "config/sluice.yaml shows every option");
    return std::nullopt;
  }
  if (!document.IsMap()) {
    notes.add(position_of(document), "the file must be a mapping",
              "it begins for instance with 'pipelines:'");
    return std::nullopt;
  }
  if (!Walk(notes).visit(document)) return std::nullopt;
  return document;
}

}  // namespace sluice::config
