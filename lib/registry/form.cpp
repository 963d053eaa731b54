#include "registry/form.hpp"

namespace sluice::registry {

Secret form_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields)
    text += (text.empty() ? "" : "&") + name + "=" + net::percent_encode(value);
  return Secret(std::move(text));
}

net::Request with_form(net::Request request, const Secret& form) {
  request.method = "POST";
  request.headers.add("Accept", "application/json");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = std::string(form.reveal());
  return request;
}

}  // namespace sluice::registry
