#include "triggers/values.hpp"

namespace sluice::triggers {

config::Values values_of(const Rebuild& rebuild) {
  return {{"image", by_tag(rebuild.image)},
          {"base", by_tag(rebuild.base)},
          {"digest", rebuild.base.digest ? rebuild.base.digest->text() : std::string()},
          {"base_by_digest", by_digest(rebuild.base)},
          {"dependent", rebuild.dependent},
          {"run", rebuild.run},
          {"pipeline", rebuild.pipeline},
          {"promotion_run", rebuild.promotion_run},
          {"idempotency_key", rebuild.idempotency_key}};
}

std::vector<std::string> value_names() {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_of({}))
    names.push_back(name);
  return names;
}

std::string by_tag(const oci::Reference& reference) {
  return reference.repository.text() + ":" + reference.tag.value_or("latest");
}

std::string by_digest(const oci::Reference& reference) {
  if (!reference.digest) return by_tag(reference);
  return reference.repository.text() + "@" + reference.digest->text();
}

}  // namespace sluice::triggers
