#pragma once
// The kinds of checks; table.cpp gives them their names.

#include "config/section.hpp"

#include <memory>

namespace sluice::config {
class Part;
}

namespace sluice::checks {

std::shared_ptr<const config::Part> parse_command(config::Section& section);
std::shared_ptr<const config::Part> parse_container(config::Section& section);

}  // namespace sluice::checks
