#pragma once
// The kinds of triggers; table.cpp gives them their names.

#include "config/section.hpp"

#include <memory>

namespace sluice::config {
class Part;
}

namespace sluice::triggers {

std::shared_ptr<const config::Part> parse_buildah(config::Section& section);
std::shared_ptr<const config::Part> parse_exec(config::Section& section);
std::shared_ptr<const config::Part> parse_webhook(config::Section& section);

}  // namespace sluice::triggers
