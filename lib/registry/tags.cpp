#include "registry/tags.hpp"

#include "core/error.hpp"
#include "oci/tag_filter.hpp"
#include "registry/answer.hpp"
#include "registry/pages.hpp"

#include <algorithm>

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

/// Gets the tags of each page and says whether to go on.
using TakeTags = std::function<bool(std::vector<std::string>)>;

// Without `n`: some registries refuse more than 1000 (ECR), others send everything at once unless asked.
Call tags_call(const oci::Repository& repository) {
  Call call;
  call.what = "tags";
  call.path = "tags/list";
  call.scopes = {pull_scope(repository)};
  return call;
}

Task<> read_tags(Session& session, oci::Repository repository, Call call, TakeTags take) {
  std::function<bool(const net::Response&, std::string)> taker =
      [&take](const net::Response&, std::string body) { return take(parse_tags(body)); };
  co_await read_pages(session, std::move(repository), std::move(call), std::move(taker));
}

}  // namespace

std::vector<std::string> parse_tags(std::string_view body) {
  TagReader reader;
  if (!nlohmann::json::sax_parse(body, &reader) || !reader.found())
    throw Error(ErrorKind::corrupt, "this is not a list of tags: " + quoted_beginning(body));
  return std::move(reader.tags);
}

Task<std::vector<std::string>> list_tags(Session& session, oci::Repository repository) {
  std::vector<std::string> tags;
  const std::string name = repository.text();
  TakeTags take = [&tags, &name](std::vector<std::string> page) {
    for (auto& tag : page)
      tags.push_back(std::move(tag));
    if (tags.size() > max_tags)
      throw Error(ErrorKind::corrupt, name + " has more than " + std::to_string(max_tags) + " tags");
    return true;
  };
  Call call = tags_call(repository);
  co_await read_tags(session, std::move(repository), std::move(call), std::move(take));
  co_return tags;
}

Task<std::optional<std::set<std::string>>> list_artifact_tags(Session& session, oci::Repository repository) {
  constexpr int most_pages = 4;
  std::set<std::string> tags;
  int pages = 0;
  TakeTags take = [&tags, &pages](std::vector<std::string> page) {
    for (auto& tag : page)
      if (oci::is_artifact_tag(tag)) tags.insert(std::move(tag));
    return ++pages <= most_pages;
  };
  Call call = tags_call(repository);
  try {
    co_await read_tags(session, std::move(repository), std::move(call), std::move(take));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled || is_transient(error.kind())) throw;
    co_return std::nullopt;
  }
  if (pages > most_pages) co_return std::nullopt;
  co_return tags;
}

Task<bool> has_tag(Session& session, oci::Repository repository, std::string tag) {
  bool found = false;
  TakeTags take = [&found, &tag](std::vector<std::string> page) {
    found = std::find(page.begin(), page.end(), tag) != page.end();
    return !found;
  };
  Call call = tags_call(repository);
  call.pace = Pace::go_on;
  call.scopes = {push_scope(repository)};
  try {
    co_await read_tags(session, std::move(repository), std::move(call), std::move(take));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  co_return found;
}

Task<bool> has_no_tags(Session& session, oci::Repository repository) {
  Call call = tags_call(repository);
  call.path += "?n=1";
  call.pace = Pace::go_on;
  call.scopes = {push_scope(repository)};  // whoever asks goes on to push
  call.expected = {200, 404};
  try {
    const auto response = co_await session.send(std::move(repository), std::move(call));
    co_await drain(*response);
    co_return response->status() == 404;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
  co_return false;
}

}  // namespace sluice::registry
