#include "registry/tags.hpp"

#include "core/error.hpp"
#include "registry/answer.hpp"
#include "registry/pages.hpp"

#include <nlohmann/json.hpp>

namespace sluice::registry {

namespace {

/// Takes the texts of the array `tags` of the outermost object, and builds nothing else.
class TagReader final : public nlohmann::json::json_sax_t {
 public:
  bool found() const { return found_; }
  std::vector<std::string> tags;

  bool null() override {
    found_ = found_ || (depth_ == 1 && here_);  // "tags": null
    return true;
  }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& text) override {
    if (here_ && depth_ == 2 && oci::is_valid_tag(text)) tags.push_back(std::move(text));
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool key(string_t& name) override {
    if (depth_ == 1) here_ = name == "tags";
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    found_ = found_ || (depth_ == 1 && here_);
    return enter();
  }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool enter() { return ++depth_ <= deepest; }
  bool leave() {
    --depth_;
    return true;
  }
  static constexpr int deepest = 64;
  int depth_ = 0;
  bool here_ = false;  // below "tags"
  bool found_ = false;
};

}  // namespace

std::vector<std::string> parse_tags(std::string_view body) {
  TagReader reader;
  if (!nlohmann::json::sax_parse(body, &reader) || !reader.found())
    throw Error(ErrorKind::corrupt, "this is not a list of tags: " + quoted_beginning(body));
  return std::move(reader.tags);
}

// Without `n`: some registries refuse more than 1000 (ECR), others send everything at once unless asked.
Task<std::vector<std::string>> list_tags(Session& session, oci::Repository repository) {
  Call call;
  call.what = "tags";
  call.path = "tags/list";
  call.scopes = {pull_scope(repository)};
  std::vector<std::string> tags;
  const std::string name = repository.text();
  auto take = [&tags, &name](const net::Response&, std::string body) {
    for (auto& tag : parse_tags(body))
      tags.push_back(std::move(tag));
    if (tags.size() > max_tags)
      throw Error(ErrorKind::corrupt, name + " has more than " + std::to_string(max_tags) + " tags");
    return true;
  };
  std::function<bool(const net::Response&, std::string)> taker = take;
  co_await read_pages(session, std::move(repository), std::move(call), std::move(taker));
  co_return tags;
}

}  // namespace sluice::registry
