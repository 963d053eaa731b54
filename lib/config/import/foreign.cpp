#include "config/import/foreign.hpp"

#include "config/document.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <charconv>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace sluice::config {
namespace {

// Hostile files do not grow the list without end.
constexpr std::size_t most_remarks = 1000;

}  // namespace

void Findings::remark(Remark::Kind kind, const std::string& file, Position at, std::string what,
                      std::string why) {
  if (remarks.size() < most_remarks)
    remarks.push_back({kind, file, at, printable(what, 200), printable(why, 400)});
  else
    ++untold;
}

Foreign::Foreign(YAML::Node node, Position at, const std::string& file, Findings& findings)
    : node_(std::move(node)), at_(at), file_(&file), findings_(&findings) {}

// Assigning to a node of yaml-cpp would write into the document.
Foreign& Foreign::operator=(const Foreign& other) {
  node_.reset(other.node_);
  at_ = other.at_;
  file_ = other.file_;
  findings_ = other.findings_;
  asked_ = other.asked_;
  return *this;
}

YAML::Node Foreign::child(const std::string& key) const {
  if (node_.IsMap())
    for (const auto& entry : node_)
      if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
  return YAML::Node();
}

YAML::Node Foreign::ask(const std::string& key) {
  asked_.insert(key);
  return child(key);
}

bool Foreign::has(const std::string& key) const {
  return !child(key).IsNull();
}

Position Foreign::at(const std::string& key) const {
  if (node_.IsMap())
    for (const auto& entry : node_)
      if (entry.first.IsScalar() && entry.first.Scalar() == key) return position_of(entry.first);
  return at_;
}

std::vector<std::string> Foreign::keys() const {
  std::vector<std::string> keys;
  if (node_.IsMap())
    for (const auto& entry : node_)
      keys.push_back(entry.first.IsScalar() ? entry.first.Scalar() : std::string());
  return keys;
}

std::string Foreign::text(const std::string& key) {
  const auto value = ask(key);
  if (value.IsScalar()) return value.Scalar();
  if (!value.IsNull()) remark(Remark::Kind::left_out, at(key), key, "it should be a text");
  return {};
}

long Foreign::number(const std::string& key) {
  const auto written = text(key);
  long value = 0;
  const auto read = std::from_chars(written.data(), written.data() + written.size(), value);
  if (read.ec == std::errc() && read.ptr == written.data() + written.size()) return value;
  if (!written.empty()) remark(Remark::Kind::left_out, at(key), key, "it should be a number");
  return 0;
}

bool Foreign::flag(const std::string& key) {
  const auto value = lower(text(key));
  return value == "true" || value == "yes" || value == "on" || value == "1";
}

std::vector<std::string> Foreign::texts(const std::string& key) {
  const auto value = ask(key);
  std::vector<std::string> texts;
  if (value.IsScalar()) texts.push_back(value.Scalar());
  if (value.IsSequence())
    for (const auto& item : value)
      if (item.IsScalar()) texts.push_back(item.Scalar());
  return texts;
}

Foreign Foreign::mapping(const std::string& key) {
  return {ask(key), at(key), *file_, *findings_};
}

std::vector<Foreign> Foreign::list(const std::string& key) {
  return Foreign(ask(key), at(key), *file_, *findings_).items();
}

std::vector<Foreign> Foreign::items() const {
  std::vector<Foreign> items;
  if (node_.IsSequence())
    for (const auto& item : node_)
      items.emplace_back(item, position_of(item).line > 0 ? position_of(item) : at_, *file_, *findings_);
  return items;
}

std::optional<oci::Reference> Foreign::image(const std::string& text) {
  try {
    auto image = oci::Reference::parse(text);
    image.repository.registry = registry_name(image.repository.registry);
    return image;
  } catch (const Error& error) {
    remark(Remark::Kind::left_out, at_, text, error.what());
    return std::nullopt;
  }
}

void Foreign::left_out(const std::string& key, const std::string& why) {
  asked_.insert(key);
  if (has(key)) remark(Remark::Kind::left_out, at(key), key, why);
}

void Foreign::remark(Remark::Kind kind, Position at, std::string what, std::string why) {
  findings_->remark(kind, *file_, at, std::move(what), std::move(why));
}

void Foreign::done() {
  for (const auto& key : keys())
    if (!asked_.contains(key)) remark(Remark::Kind::left_out, at(key), key, "this importer does not know it");
}

std::vector<Foreign> foreign_documents(const ForeignText& file, const std::string& text, Findings& findings) {
  Notes notes;
  const auto documents = read_documents(text, notes);
  auto wrong = notes.take();
  std::vector<Foreign> all;
  if (!wrong.ok()) {
    wrong.file = file.name;
    findings.mistakes.push_back(std::move(wrong));
    return all;
  }
  for (const auto& document : documents)
    if (!document.IsNull()) all.emplace_back(document, position_of(document), file.name, findings);
  return all;
}

std::string registry_name(std::string host) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (host.starts_with(scheme)) host.erase(0, scheme.size());
  while (host.ends_with('/'))
    host.pop_back();
  for (const std::string_view hub :
       {"index.docker.io/v1", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
    if (host == hub) return "docker.io";
  return host;
}

FoundRegistry& registry_of(Findings& findings, const std::string& host) {
  return findings.registries[registry_name(host)];
}

}  // namespace sluice::config
