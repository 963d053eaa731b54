#include "core/error.hpp"

#include <array>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/system/system_error.hpp>

namespace sluice {
namespace {

constexpr std::array<std::pair<ErrorKind, std::string_view>, 11> names{{
    {ErrorKind::not_found, "not_found"},
    {ErrorKind::unauthorized, "unauthorized"},
    {ErrorKind::denied, "denied"},
    {ErrorKind::rate_limited, "rate_limited"},
    {ErrorKind::unavailable, "unavailable"},
    {ErrorKind::timeout, "timeout"},
    {ErrorKind::corrupt, "corrupt"},
    {ErrorKind::conflict, "conflict"},
    {ErrorKind::invalid, "invalid"},
    {ErrorKind::cancelled, "cancelled"},
    {ErrorKind::internal, "internal"},
}};

ErrorKind kind_of(const boost::system::error_code& code) {
  if (code == boost::asio::error::operation_aborted) return ErrorKind::cancelled;
  if (code == boost::asio::error::timed_out) return ErrorKind::timeout;
  return ErrorKind::unavailable;
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  for (const auto& [value, name] : names)
    if (value == kind) return name;
  return "internal";
}

ErrorKind error_kind_from(std::string_view text) {
  for (const auto& [value, name] : names)
    if (name == text) return value;
  return ErrorKind::internal;
}

bool is_transient(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::rate_limited:
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::corrupt:
      return true;
    default:
      return false;
  }
}

Error::Error(ErrorKind kind, std::string message, std::optional<std::chrono::milliseconds> retry_after)
    : kind_(kind), text_(std::move(message)), retry_after_(retry_after) {}

Error& Error::within(std::string_view context) {
  text_ = std::string(context) + ": " + text_;
  return *this;
}

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const boost::system::system_error& error) {
    return {kind_of(error.code()), error.code().message()};
  } catch (const boost::asio::multiple_exceptions& errors) {
    try {
      std::rethrow_exception(errors.first_exception());
    } catch (...) {
      return current_error();
    }
  } catch (const std::exception& error) {
    return {ErrorKind::internal, error.what()};
  } catch (...) {
    return {ErrorKind::internal, "unknown exception"};
  }
}

}  // namespace sluice
