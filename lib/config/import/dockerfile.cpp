#include "config/import/dockerfile.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

namespace sluice::config {
namespace {

using Variables = std::map<std::string, std::string>;

// $NAME, ${NAME} and ${NAME:-value}; nullopt when one has no value.
std::optional<std::string> filled(const std::string& text, const Variables& variables) {
  constexpr std::string_view of_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      result += text[i];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const auto begin = i + (braces ? 2 : 1);
    const auto end = std::min(text.find_first_not_of(of_names, begin), text.size());
    const auto close = braces ? text.find('}', end) : end;
    if (close == std::string::npos) return std::nullopt;
    const auto found = variables.find(text.substr(begin, end - begin));
    if (found != variables.end())
      result += found->second;
    else if (braces && text.compare(end, 2, ":-") == 0)
      result += text.substr(end + 2, close - end - 2);
    else
      return std::nullopt;
    i = braces ? close : end - 1;
  }
  return result;
}

class Dockerfile {
 public:
  explicit Dockerfile(const Variables& aliases) : aliases_(aliases) {}

  std::vector<DockerfileImage> read(const std::string& text) {
    std::istringstream in(text);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      const auto begin = ++number;
      // A line goes on behind a backslash.
      while (line.ends_with('\\') || line.ends_with("\\\r")) {
        line.erase(line.rfind('\\'));
        std::string more;
        if (!std::getline(in, more)) break;
        ++number;
        line += more;
      }
      read_line(begin, line);
    }
    return std::move(images_);
  }

 private:
  void read_line(int number, const std::string& line) {
    std::istringstream in(line);
    std::string instruction;
    in >> instruction;
    instruction = lower(instruction);
    if (instruction == "arg" && stages_.empty()) read_argument(in);
    if (instruction == "from") read_from(number, in);
    if (instruction == "copy") read_copy(number, in);
    if (instruction == "run") read_mounts(number, in);
  }

  void read_argument(std::istringstream& in) {
    std::string word;
    in >> word;
    if (const auto equals = word.find('='); equals != std::string::npos)
      variables_[word.substr(0, equals)] = std::string(trimmed(word.substr(equals + 1), "\"'"));
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
    if (stages_.contains(lower(word))) return;
    for (const auto& [alias, host] : aliases_)
      if (word.starts_with(alias + "/")) word = host + word.substr(alias.size());
    const auto image = filled(word, variables_);
    if (image == "scratch") return;
    images_.push_back({number, image.value_or(word), platform, image.has_value()});
  }

  const Variables& aliases_;
  Variables variables_;
  std::set<std::string> stages_;
  std::vector<DockerfileImage> images_;
};

}  // namespace

std::vector<DockerfileImage> images_of_dockerfile(const std::string& text, const Variables& aliases) {
  return Dockerfile(aliases).read(text);
}

}  // namespace sluice::config
