#pragma once
// From a path to a database that may be used. Private to the room.

#include "store/connection.hpp"
#include "store/lock.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace sluice::store {

struct Opened {
  std::filesystem::path path;  // absolute, links resolved
  std::unique_ptr<Lock> lock;
  std::unique_ptr<Connection> writer;
  std::string instance;
};

/// Locks, checks, creates or migrates; errors as Store::open says.
Opened open_database(const std::filesystem::path& path, const std::string& new_instance);

}  // namespace sluice::store
