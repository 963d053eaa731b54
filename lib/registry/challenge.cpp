#include "registry/challenge.hpp"

#include "core/text.hpp"

namespace sluice::registry {
namespace {

constexpr std::size_t max_challenges = 16;
constexpr std::size_t max_parameters = 32;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_token(char c) {
  return is_alphanumeric(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool is_token68(char c) {
  return is_alphanumeric(c) || (c != '\0' && std::string_view("-._~+/").find(c) != std::string_view::npos);
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void read(std::vector<Challenge>& into) {
    bool open = false;  // a challenge of this line takes the parameters
    while (skip_separators()) {
      std::string name = token();
      if (name.empty()) {
        ++at_;
        continue;
      }
      const std::size_t after_name = at_;
      skip_space();
      if (peek() == '=') {
        ++at_;
        skip_space();
        std::string value = peek() == '"' ? quoted() : bare();
        if (open && into.back().parameters.size() < max_parameters)
          into.back().parameters.emplace(std::move(name), std::move(value));
        continue;
      }
      at_ = after_name;
      if (into.size() == max_challenges) return;
      into.push_back({std::move(name), {}});
      open = true;
      skip_token68();
    }
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t')
      ++at_;
  }

  bool skip_separators() {
    while (peek() == ' ' || peek() == '\t' || peek() == ',')
      ++at_;
    return at_ < text_.size();
  }

  std::string token() {
    std::string word;
    for (; at_ < text_.size() && is_token(text_[at_]); ++at_)
      word += lower(text_[at_]);
    return word;
  }

  std::string bare() {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ' ' && text_[at_] != '\t')
      ++at_;
    return std::string(text_.substr(from, at_ - from));
  }

  std::string quoted() {
    std::string value;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_];
    }
    ++at_;
    return value;
  }

  // "Negotiate a87421000492aa874209af8bc028==": one word that is no parameter because nothing follows its
  // '='.
  void skip_token68() {
    std::size_t at = text_.find_first_not_of(' ', at_);
    if (at == std::string_view::npos || at == at_) return;
    while (at < text_.size() && is_token68(text_[at]))
      ++at;
    while (at < text_.size() && text_[at] == '=')
      ++at;
    while (at < text_.size() && text_[at] == ' ')
      ++at;
    if (at == text_.size() || text_[at] == ',') at_ = at;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string> Challenge::get(const std::string& name) const {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::nullopt;
  return found->second;
}

std::vector<Challenge> parse_challenges(const std::vector<std::string>& lines) {
  std::vector<Challenge> challenges;
  for (const auto& line : lines)
    Scanner(line).read(challenges);
  return challenges;
}

std::optional<Challenge> choose_challenge(const std::vector<Challenge>& challenges) {
  for (const auto& challenge : challenges)
    if (challenge.scheme == "bearer" && !challenge.get("realm").value_or("").empty()) return challenge;
  for (const auto& challenge : challenges)
    if (challenge.scheme == "basic") return challenge;
  return std::nullopt;
}

}  // namespace sluice::registry
