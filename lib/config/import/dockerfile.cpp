#include "config/import/dockerfile.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

namespace sluice::config {
namespace {

using Variables = std::map<std::string, std::string>;

// A hostile file could make texts of texts without end.
constexpr std::size_t longest_text = 4096;
constexpr int deepest_braces = 16;

// Where the brace is closed that was opened before `begin`.
std::size_t closing_brace(const std::string& text, std::size_t begin) {
  int open = 1;
  for (auto i = begin; i < text.size(); ++i) {
    if (text[i] == '{') ++open;
    if (text[i] == '}' && --open == 0) return i;
  }
  return std::string::npos;
}

std::size_t end_of_name(const std::string& text, std::size_t begin) {
  constexpr std::string_view of_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return std::min(text.find_first_not_of(of_names, begin), text.size());
}

std::optional<std::string> filled(const std::string& text, const Variables& variables, int depth = 0);

// What stands in braces: NAME, and behind it perhaps - or + and a word, with a colon where an empty value
// counts as none.
std::optional<std::string> value_of(const std::string& inner, const Variables& variables, int depth) {
  const auto end = end_of_name(inner, 0);
  const auto found = variables.find(inner.substr(0, end));
  const bool known = found != variables.end();
  if (end == inner.size()) return known ? std::optional(found->second) : std::nullopt;
  const bool colon = inner[end] == ':';
  const auto sign = end + (colon ? 1 : 0);
  const bool set = known && !(colon && found->second.empty());
  if (sign == inner.size() || (inner[sign] != '-' && inner[sign] != '+')) return std::nullopt;
  const auto word = inner.substr(sign + 1);
  if (inner[sign] == '-') return set ? found->second : filled(word, variables, depth + 1);
  return set ? filled(word, variables, depth + 1) : std::string();
}

// $NAME, ${NAME}, ${NAME:-word} and ${NAME:+word}; nullopt when one has no value.
std::optional<std::string> filled(const std::string& text, const Variables& variables, int depth) {
  if (depth > deepest_braces) return std::nullopt;
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      result += text[i];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const auto begin = i + (braces ? 2 : 1);
    const auto end = braces ? closing_brace(text, begin) : end_of_name(text, begin);
    if (end == std::string::npos) return std::nullopt;
    const auto value = value_of(text.substr(begin, end - begin), variables, depth);
    if (!value || result.size() + value->size() > longest_text) return std::nullopt;
    result += *value;
    i = braces ? end : end - 1;
  }
  return result;
}

// Split at blanks, but for those in quotes; the quotes stay.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  for (const char c : line) {
    if (quote != 0)
      quote = c == quote ? '\0' : quote;
    else if (c == '"' || c == '\'')
      quote = c;
    if (quote != 0 || (c != ' ' && c != '\t')) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool is_comment(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  return begin != std::string::npos && line[begin] == '#';
}

// Takes away the backslash by which a line goes on in the next one; blanks may stand behind it. One that
// is escaped itself is none.
bool take_continuation(std::string& line) {
  const auto last = line.find_last_not_of(" \t");
  if (last == std::string::npos || line[last] != '\\') return false;
  if (last > 0 && line[last - 1] == '\\') return false;
  line.erase(last);
  return true;
}

// <<EOF, <<-EOF or <<"EOF", perhaps behind the number of a file.
struct Heredoc {
  std::string delimiter;
  bool tabs = false;  // tabs before it do not count
};
std::optional<Heredoc> heredoc_of(const std::string& word) {
  const auto begin = word.find_first_not_of("0123456789");
  if (begin == std::string::npos || word.compare(begin, 2, "<<") != 0) return std::nullopt;
  const bool tabs = word.compare(begin + 2, 1, "-") == 0;
  auto delimiter = std::string(trimmed(word.substr(begin + (tabs ? 3 : 2)), "\"'"));
  if (delimiter.empty() || delimiter.find('<') != std::string::npos) return std::nullopt;
  return Heredoc{std::move(delimiter), tabs};
}

class Dockerfile {
 public:
  explicit Dockerfile(const Variables& aliases) : aliases_(aliases) {}

  std::vector<DockerfileImage> read(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; next_line(in, line);) {
      const auto begin = number_;
      if (is_comment(line)) continue;
      std::string more;
      while (take_continuation(line) && next_line_of_same(in, more))
        line += more;
      read_line(begin, line);
      skip_heredocs(in, line);
    }
    return std::move(images_);
  }

 private:
  bool next_line(std::istream& in, std::string& line) {
    if (!std::getline(in, line)) return false;
    if (line.ends_with('\r')) line.pop_back();
    ++number_;
    return true;
  }

  // Comments and empty lines between are dropped, and do not end it.
  bool next_line_of_same(std::istream& in, std::string& line) {
    while (next_line(in, line))
      if (!is_comment(line) && line.find_first_not_of(" \t") != std::string::npos) return true;
    return false;
  }

  // What stands in them is for a shell or a file.
  void skip_heredocs(std::istream& in, const std::string& line) {
    const auto words = words_of(line);
    const auto instruction = words.empty() ? std::string() : lower(words.front());
    if (instruction != "run" && instruction != "copy" && instruction != "add" && instruction != "onbuild")
      return;
    for (const auto& word : words)
      if (const auto heredoc = heredoc_of(word)) skip(in, *heredoc);
  }

  void skip(std::istream& in, const Heredoc& heredoc) {
    for (std::string line; next_line(in, line);)
      if (line.substr(heredoc.tabs ? std::min(line.find_first_not_of('\t'), line.size()) : 0) ==
          heredoc.delimiter)
        return;
  }

  void read_line(int number, const std::string& line) {
    std::istringstream in(line);
    std::string instruction;
    in >> instruction;
    instruction = lower(instruction);
    if (instruction == "arg" && stages_.empty()) read_arguments(line);
    if (instruction == "from") read_from(number, in);
    if (instruction == "copy") read_copy(number, in);
    if (instruction == "run") read_mounts(number, in);
  }

  // Values may use those before them.
  void read_arguments(const std::string& line) {
    for (const auto& word : words_of(line)) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) continue;
      const auto written = word.substr(equals + 1);
      const auto value = std::string(trimmed(written, "\"'"));
      const auto known = written.starts_with('\'') ? std::optional(value) : filled(value, variables_);
      if (known)
        variables_[word.substr(0, equals)] = *known;
      else
        variables_.erase(word.substr(0, equals));
    }
  }

  void read_from(int number, std::istringstream& in) {
    std::string word, platform, as, stage;
    while (in >> word && word.starts_with("--"))
      if (word.starts_with("--platform=") && word.find('$') == std::string::npos) platform = word.substr(11);
    if (word.empty() || word.starts_with("--")) return;
    in >> as >> stage;
    add(number, word, platform);
    stages_.insert(lower(as) == "as" ? lower(stage) : std::string("(unnamed)"));
  }

  // COPY --from=IMAGE
  void read_copy(int number, std::istringstream& in) {
    for (std::string word; in >> word && word.starts_with("--");)
      if (word.starts_with("--from=")) add_other(number, word.substr(7));
  }

  // RUN --mount=type=bind,from=IMAGE,...
  void read_mounts(int number, std::istringstream& in) {
    for (std::string word; in >> word && word.starts_with("--");) {
      if (!word.starts_with("--mount=")) continue;
      std::istringstream options(word.substr(8));
      for (std::string option; std::getline(options, option, ',');)
        if (option.starts_with("from=")) add_other(number, option.substr(5));
    }
  }

  // A stage may be named by its number.
  void add_other(int number, const std::string& image) {
    if (image.find_first_not_of("0123456789") != std::string::npos) add(number, image, {});
  }

  void add(int number, std::string word, const std::string& platform) {
    for (const auto& [alias, host] : aliases_)
      if (word.starts_with(alias + "/")) word = host + word.substr(alias.size());
    const auto image = filled(word, variables_);
    if (image == "scratch" || stages_.contains(lower(image.value_or(word)))) return;
    images_.push_back({number, image.value_or(word), platform, image.has_value()});
  }

  const Variables& aliases_;
  Variables variables_;
  std::set<std::string> stages_;
  std::vector<DockerfileImage> images_;
  int number_ = 0;  // of the line that was read last
};

}  // namespace

std::vector<DockerfileImage> images_of_dockerfile(const std::string& text, const Variables& aliases) {
  return Dockerfile(aliases).read(text);
}

}  // namespace sluice::config
