#include "exit_code.hpp"

namespace sluice::daemon {

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return exit_code::not_found;
    case ErrorKind::invalid:
      return exit_code::usage;
    case ErrorKind::unauthorized:
    case ErrorKind::denied:
    case ErrorKind::conflict:
    case ErrorKind::rate_limited:
      return exit_code::refused;
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
      return exit_code::unreachable;
    default:
      return exit_code::failed;
  }
}

}  // namespace sluice::daemon
