#include "config/suggest.hpp"

#include "config/placeholders.hpp"
#include "config/read.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

using Choose = oci::Repository Pipeline::*;

// Ways to make the end of a repository's path from an upstream, the longest first.
std::array<std::string, 3> endings_of(const oci::Repository& upstream) {
  const auto& path = upstream.path;
  return {upstream.registry + "/" + path, path, path.substr(path.rfind('/') + 1)};
}

// "registry.example.com/staging/" and which ending follows.
using Way = std::pair<std::size_t, std::string>;

std::set<Way> ways_of(const oci::Repository& upstream, const oci::Repository& place) {
  std::set<Way> ways;
  const auto text = place.text();
  const auto endings = endings_of(upstream);
  for (std::size_t i = 0; i < endings.size(); ++i)
    if (text.ends_with("/" + endings[i])) ways.emplace(i, text.substr(0, text.size() - endings[i].size()));
  return ways;
}

std::optional<oci::Repository> follow(const Way& way, const oci::Repository& upstream) {
  try {
    return oci::Repository::parse(way.second + endings_of(upstream).at(way.first));
  } catch (const Error&) {
    return std::nullopt;  // a host with a port is no part of a path
  }
}

// The ways that all these pipelines have in common.
std::set<Way> common_ways(const std::vector<const Pipeline*>& pipelines, Choose choose) {
  std::set<Way> common;
  for (std::size_t i = 0; i < pipelines.size(); ++i) {
    auto ways = ways_of(pipelines[i]->upstream.repository, pipelines[i]->*choose);
    if (i == 0) {
      common = std::move(ways);
      continue;
    }
    std::erase_if(common, [&](const Way& way) { return !ways.contains(way); });
  }
  return common;
}

std::string places_of(const std::vector<const Pipeline*>& pipelines, Choose choose) {
  std::set<std::string> places;
  for (const auto* pipeline : pipelines)
    places.insert((pipeline->*choose).text());
  constexpr std::size_t most = 3;
  std::vector<std::string> some(places.begin(),
                                std::next(places.begin(), static_cast<long>(std::min(places.size(), most))));
  return fmt::format("{}{}", fmt::join(some, ", "), places.size() > most ? ", ..." : "");
}

Suggestion suggest(const Config& config, const oci::Reference& upstream, Choose choose) {
  std::vector<const Pipeline*> all, of_registry;
  for (const auto& pipeline : config.pipelines) {
    if ((pipeline.*choose).path.find(tag_placeholder) != std::string::npos) continue;  // one of many
    if (pipeline.upstream.repository == upstream.repository)
      return {pipeline.*choose, fmt::format("as in pipeline '{}'", pipeline.name)};
    all.push_back(&pipeline);
    if (pipeline.upstream.repository.registry == upstream.repository.registry)
      of_registry.push_back(&pipeline);
  }
  if (all.empty()) return {std::nullopt, "there is no pipeline yet to go by"};
  for (const auto& pipelines : {all, of_registry}) {
    for (const auto& way : common_ways(pipelines, choose))
      if (auto repository = follow(way, upstream.repository))
        return {std::move(repository), pipelines.size() == 1
                                           ? fmt::format("as in pipeline '{}'", pipelines.front()->name)
                                           : fmt::format("as in {} other pipelines", pipelines.size())};
  }
  return {std::nullopt, "the pipelines follow no common way: " + places_of(all, choose)};
}

// What may stand in a name, with '-' for the rest.
std::string name_from(std::string text) {
  for (char& c : text)
    if (!is_name(std::string("x") + c)) c = '-';
  text.erase(0, text.find_first_not_of("-_."));
  constexpr std::size_t longest = 56;  // a number may follow
  if (text.size() > longest) text.resize(longest);
  while (text.ends_with('-') || text.ends_with('.'))
    text.pop_back();
  return text.empty() ? "pipeline" : text;
}

}  // namespace

std::string free_name(const Config& config, const oci::Reference& upstream) {
  const auto taken = [&](const std::string& name) {
    return config.pipeline(name) != nullptr || config.dependent(name) != nullptr;
  };
  const auto& path = upstream.repository.path;
  auto begin = path.rfind('/');
  std::string name;
  while (true) {
    const auto part = begin == std::string::npos ? path : path.substr(begin + 1);
    name = name_from(part + "-" + upstream.tag.value_or("latest"));
    if (!taken(name)) return name;
    if (begin == std::string::npos || begin == 0) break;
    begin = path.rfind('/', begin - 1);
  }
  const auto with_host = name_from(upstream.repository.registry + "-" + name);
  if (!taken(with_host)) return with_host;
  for (int number = 2;; ++number)
    if (auto numbered = fmt::format("{}-{}", name, number); !taken(numbered)) return numbered;
}

Suggestion suggest_staging(const Config& config, const oci::Reference& upstream) {
  return suggest(config, upstream, &Pipeline::staging);
}

Suggestion suggest_target(const Config& config, const oci::Reference& upstream) {
  return suggest(config, upstream, &Pipeline::target);
}

}  // namespace sluice::config
