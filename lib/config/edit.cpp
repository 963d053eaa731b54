#include "config/edit.hpp"

#include "config/document.hpp"
#include "config/edit_text.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

namespace sluice::config {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

[[noreturn]] void cannot_edit(const std::string& why) {
  throw Error(ErrorKind::invalid, "the file cannot be edited safely: " + why);
}

std::string unique_of(const NewPipeline& pipeline) {
  return pipeline.stable_tag + "-{run}";
}

// `outer` is put before the dash, `inner` before each further key.
std::vector<std::string> block_item(const NewPipeline& pipeline, const std::string& outer,
                                    const std::string& inner) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}{:<{}}name: {}", outer, "-", inner.size() - outer.size(),
                              plain_or_quoted(pipeline.name)));
  const auto add = [&](const std::string& text) { lines.push_back(inner + text); };
  add("upstream: " + plain_or_quoted(pipeline.upstream.text()));
  add("# A repository of its own: what is here was not checked yet.");
  add("staging: " + plain_or_quoted(pipeline.staging.text()));
  add("# `checks` belong here; without any, every new image is promoted. One that the image has to pass:");
  add("# checks:");
  add("#   - container: {run: [PROGRAM, --version]}");
  add("promote:");
  add("  to: " + plain_or_quoted(pipeline.target.text()));
  add("  # Teams build from the stable tag. The unique one names a single promotion: to pin, and to roll "
      "back to.");
  add(fmt::format("  tags: [{}, {}]", double_quoted(pipeline.stable_tag),
                  double_quoted(unique_of(pipeline))));
  if (!pipeline.every.empty()) add("poll: {every: " + pipeline.every + "}");
  return lines;
}

// The same as JSON, which is YAML too.
std::string flow_item(const NewPipeline& pipeline) {
  auto text =
      fmt::format(R"({{"name": {}, "upstream": {}, "staging": {}, "promote": {{"to": {}, "tags": [{}, {}]}})",
                  double_quoted(pipeline.name), double_quoted(pipeline.upstream.text()),
                  double_quoted(pipeline.staging.text()), double_quoted(pipeline.target.text()),
                  double_quoted(pipeline.stable_tag), double_quoted(unique_of(pipeline)));
  if (!pipeline.every.empty())
    text += fmt::format(R"(, "poll": {{"every": {}}})", double_quoted(pipeline.every));
  return text + "}";
}

bool same_tree(const YAML::Node& left, const YAML::Node& right) {
  if (left.Type() != right.Type() || left.size() != right.size()) return false;
  if (left.IsScalar()) return left.Scalar() == right.Scalar() && left.Tag() == right.Tag();
  if (left.IsSequence()) {
    for (std::size_t i = 0; i < left.size(); ++i)
      if (!same_tree(left[i], right[i])) return false;
    return true;
  }
  if (!left.IsMap()) return true;
  for (auto one = left.begin(), other = right.begin(); one != left.end(); ++one, ++other)
    if (!same_tree(one->first, other->first) || !same_tree(one->second, other->second)) return false;
  return true;
}

// The document of a text; null when it is empty.
YAML::Node document_of(const std::string& text) {
  Notes notes;
  const auto documents = read_documents(text, notes);
  if (const auto wrong = notes.take(); !wrong.ok())
    cannot_edit(fmt::format("line {}: {}", wrong.errors.front().at.line, wrong.errors.front().message));
  if (documents.size() > 1) cannot_edit("it holds more than one document");
  return documents.empty() ? YAML::Node() : documents.front();
}

struct PipelinesEntry {
  YAML::Node key, value;
};

std::optional<PipelinesEntry> find_pipelines(const YAML::Node& root) {
  for (const auto& entry : root)
    if (entry.first.IsScalar() && entry.first.Scalar() == "pipelines")
      return PipelinesEntry{entry.first, entry.second};
  return std::nullopt;
}

std::size_t line_number(const YAML::Node& node) {
  return static_cast<std::size_t>(std::max(0, node.Mark().line));
}

std::size_t column_of(const YAML::Node& node) {
  return static_cast<std::size_t>(std::max(0, node.Mark().column));
}

class Editor {
 public:
  Editor(const std::string& text, const NewPipeline& pipeline)
      : text_(text), lines_(text), pipeline_(pipeline) {}

  Edited edit(const YAML::Node& root) {
    if (root.IsNull()) return append_section("");
    if (!root.IsMap()) cannot_edit("it must be a mapping");
    const bool flow = root.Style() == YAML::EmitterStyle::Flow;
    const auto pipelines = find_pipelines(root);
    if (!pipelines)
      return flow ? into_flow(offset_of(root), "\"pipelines\": [" + flow_item(pipeline_) + "]")
                  : append_section(std::string(column_of(root), ' '));
    const auto& list = pipelines->value;
    if (list.IsNull()) return fill_empty(root, pipelines->key, flow);
    if (!list.IsSequence()) cannot_edit("'pipelines' must be a list");
    if (list.Mark().pos < pipelines->key.Mark().pos) cannot_edit("its 'pipelines' are an alias (*name)");
    if (list.Style() != YAML::EmitterStyle::Flow) return behind_last(root, pipelines->key, list);
    if (flow || list.size() > 0) return into_flow(offset_of(list), flow_item(pipeline_));
    return replace_empty_list(pipelines->key, list);
  }

 private:
  std::size_t offset_of(const YAML::Node& node) const {
    return lines_.begin(line_number(node)) + column_of(node);
  }

  // Puts whole lines before a line.
  Edited insert(std::size_t before, const std::vector<std::string>& added,
                std::size_t pipeline_begins) const {
    const auto end = std::string(lines_.line_end());
    const auto at = lines_.begin(before);
    auto text = text_.substr(0, at);
    if (!text.empty() && text.back() != '\n') text += end;
    for (const auto& line : added)
      text += line + end;
    return {text + text_.substr(at), static_cast<int>(before + pipeline_begins) + 1};
  }

  // Where the document ends: at its "..." or at the end of the text.
  std::size_t end_of_document() const {
    for (auto number = lines_.count(); number > 0; --number) {
      const auto line = lines_.line(number - 1);
      if (line.starts_with("...") && line.find_first_not_of(" \t", 3) == std::string_view::npos)
        return number - 1;
      if (!lines_.is_blank_or_comment(number - 1)) break;
    }
    return lines_.count();
  }

  Edited append_section(const std::string& indent) const {
    auto added = block_item(pipeline_, indent + "  ", indent + "    ");
    added.insert(added.begin(), indent + "pipelines:");
    const auto before = end_of_document();
    const bool crowded = before > 0 && !lines_.is_blank(before - 1);
    if (crowded) added.insert(added.begin(), "");
    return insert(before, added, crowded ? 2 : 1);
  }

  // The line behind the last one that belongs to a section: what is blank, and comments that stand further
  // left than its items, belong to what comes next.
  std::size_t end_of_section(const YAML::Node& root, const YAML::Node& key, std::size_t item_column) const {
    auto end = end_of_document();
    for (const auto& entry : root)
      if (entry.first.Mark().pos > key.Mark().pos) end = std::min(end, line_number(entry.first));
    const auto left = std::max<std::size_t>(item_column, 1);
    while (end > line_number(key) + 1 && lines_.is_blank_or_comment(end - 1) &&
           (lines_.is_blank(end - 1) || lines_.indentation(end - 1) < left))
      --end;
    return end;
  }

  // `pipelines:` with nothing behind it.
  Edited fill_empty(const YAML::Node& root, const YAML::Node& key, bool flow) const {
    const auto line = lines_.line(line_number(key));
    const auto behind = line.find_first_not_of(" \t", line.find(':', column_of(key)) + 1);
    if (flow || (behind != std::string_view::npos && line[behind] != '#'))
      cannot_edit("write 'pipelines:' with nothing behind it");
    const auto indent = std::string(column_of(key), ' ');
    return insert(end_of_section(root, key, column_of(key) + 2),
                  block_item(pipeline_, indent + "  ", indent + "    "), 0);
  }

  // The line of an item's dash.
  std::size_t dash_line(const YAML::Node& item) const {
    for (auto number = line_number(item) + 1; number > 0; --number)
      if (lines_.line(number - 1).substr(lines_.indentation(number - 1)).starts_with('-')) return number - 1;
    cannot_edit("its list of pipelines is written in a way that is not understood");
  }

  Edited behind_last(const YAML::Node& root, const YAML::Node& key, const YAML::Node& list) const {
    const auto first = list[0];
    const auto dash = lines_.indentation(dash_line(first));
    const auto width = column_of(first) > dash + 1 && line_number(first) == dash_line(first)
                           ? column_of(first) - dash
                           : std::size_t(2);
    auto added = block_item(pipeline_, std::string(dash, ' '), std::string(dash + width, ' '));
    const bool airy = list.size() > 1 && lines_.is_blank(line_before(list[list.size() - 1]));
    if (airy) added.insert(added.begin(), "");
    return insert(end_of_section(root, key, dash), added, airy ? 1 : 0);
  }

  // The line before an item and the comments on it.
  std::size_t line_before(const YAML::Node& item) const {
    auto number = dash_line(item) - 1;
    while (number > 0 && lines_.is_blank_or_comment(number) && !lines_.is_blank(number))
      --number;
    return number;
  }

  Edited replace_empty_list(const YAML::Node& key, const YAML::Node& list) const {
    const auto open = offset_of(list);
    const auto brackets = brackets_at(text_, open);
    const auto line_end = text_.find('\n', brackets.close);
    const auto behind = std::string_view(text_).substr(brackets.close + 1, line_end - brackets.close - 1);
    const auto word = behind.find_first_not_of(" \t\r");
    if (brackets.last != open || line_number(list) != line_number(key) ||
        (word != std::string_view::npos && behind[word] != '#'))
      cannot_edit("write 'pipelines:' with nothing behind it");
    const auto begin = text_.find_last_not_of(' ', open - 1) + 1;
    const auto end = word == std::string_view::npos ? brackets.close + 1 + behind.size() : brackets.close + 1;
    const auto keeps_line_end = behind.ends_with('\r') && word == std::string_view::npos;
    const auto without = text_.substr(0, begin) + (keeps_line_end ? "\r" : "") + text_.substr(end);
    const auto root = document_of(without);
    return Editor(without, pipeline_).edit(root);
  }

  // Puts an entry into a flow list or mapping, on a line of its own; a comment behind the last one stays
  // there.
  Edited into_flow(std::size_t open, const std::string& entry) const {
    const auto brackets = brackets_at(text_, open);
    if (brackets.close == std::string_view::npos) cannot_edit("a bracket is not closed");
    const bool comma = brackets.last == open || text_[brackets.last] == ',';
    auto text = text_.substr(0, brackets.last + 1) + (comma ? "" : ",");
    const auto between = text_.substr(brackets.last + 1, brackets.close - brackets.last - 1);
    const auto line_end = between.find('\n');
    const auto rest = line_end == std::string::npos ? std::string() : between.substr(line_end + 1);
    text += line_end == std::string::npos ? std::string(lines_.line_end()) : between.substr(0, line_end + 1);
    // Closed at the beginning of a line, the entries stand two further in.
    const auto closing = between.size() - (between.rfind('\n') + 1);
    const auto line = 1 + std::count(text.begin(), text.end(), '\n');
    text += std::string(line_end == std::string::npos ? 2 : closing + 2, ' ') + entry;
    text += line_end == std::string::npos ? between : std::string(lines_.line_end()) + rest;
    return {text + text_.substr(brackets.close), static_cast<int>(line)};
  }

  const std::string& text_;
  Lines lines_;
  const NewPipeline& pipeline_;
};

// Nothing else may have changed: the tree is the one before with one pipeline more.
void expect_one_more(const YAML::Node& before, const YAML::Node& after, const NewPipeline& pipeline) {
  const auto was = before.IsMap() ? find_pipelines(before) : std::nullopt;
  const auto is = find_pipelines(after);
  const std::size_t count = was && was->value.IsSequence() ? was->value.size() : 0;
  bool good = is && is->value.IsSequence() && is->value.size() == count + 1;
  for (std::size_t i = 0; good && i < count; ++i)
    good = same_tree(was->value[i], is->value[i]);
  good = good && is->value[count]["name"].Scalar() == pipeline.name;
  std::size_t others = 0;
  if (before.IsMap())
    for (const auto& entry : before) {
      if (entry.first.Scalar() == "pipelines") continue;
      ++others;
      good = good && same_tree(entry.second, after[entry.first.Scalar()]);
    }
  if (!good || after.size() != others + 1)
    cannot_edit("what came out did not read as the same file with one more pipeline; add it by hand");
}

}  // namespace

Edited add_pipeline(const std::string& text, const NewPipeline& pipeline) {
  if (text.starts_with(byte_order_mark)) {
    auto edited = add_pipeline(text.substr(byte_order_mark.size()), pipeline);
    edited.text.insert(0, byte_order_mark);
    return edited;
  }
  try {
    const auto before = document_of(text);
    auto edited = Editor(text, pipeline).edit(before);
    expect_one_more(before, document_of(edited.text), pipeline);
    return edited;
  } catch (const YAML::Exception&) {
    cannot_edit("its parts are not what they seem to be; add the pipeline by hand");
  }
}

bool says_nothing(const std::string& text) {
  Notes notes;
  const auto documents = read_documents(text, notes);
  return notes.take().ok() && (documents.empty() || (documents.size() == 1 && documents.front().IsNull()));
}

Edited first_config(const NewPipeline& pipeline) {
  return add_pipeline(
      "# Configuration of sluice. `sluice check-config FILE` tells every mistake at once; SIGHUP (systemctl "
      "reload "
      "sluice)\n"
      "# reads it again. docs/configuration.md explains the parts, config/sluice.yaml shows every option.\n",
      pipeline);
}

}  // namespace sluice::config
