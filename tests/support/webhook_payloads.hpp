#pragma once
// The payloads of tests/data/webhooks, with their headers (SOURCES.md tells where each comes from).

#include "net/http.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::test {

struct WebhookPayload {
  std::string name;
  net::Headers headers;
  std::string body;
};

inline std::string webhook_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data/webhooks" / name,
                     std::ios::binary);
  if (!file) throw std::runtime_error("there is no tests/data/webhooks/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline WebhookPayload webhook_payload(const std::string& name) {
  WebhookPayload payload{.name = name, .headers = {}, .body = webhook_file(name + ".json")};
  std::istringstream lines(webhook_file(name + ".headers"));
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with('#') || colon == std::string::npos) continue;
    const auto field = line.substr(0, colon);
    if (field != "Content-Length" && field != "Connection")
      payload.headers.add(field, line.substr(colon + 2));
  }
  return payload;
}

/// All of them, by name.
inline std::vector<std::string> webhook_payload_names() {
  std::vector<std::string> names;
  const auto folder = std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data/webhooks";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace sluice::test
