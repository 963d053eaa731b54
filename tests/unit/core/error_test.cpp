#include "core/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <catch2/catch.hpp>

using namespace sluice;

namespace {
template <class Thrown>
Error seen(Thrown thrown) {
  try {
    throw thrown;
  } catch (...) {
    return current_error();
  }
}
}  // namespace

TEST_CASE("every kind of error has a name that reads back") {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    CHECK(error_kind_from(to_string(kind)) == kind);
  }
  CHECK(error_kind_from("nonsense") == ErrorKind::internal);
}

TEST_CASE("only what may pass by itself is tried again") {
  CHECK(is_transient(ErrorKind::rate_limited));
  CHECK(is_transient(ErrorKind::unavailable));
  CHECK(is_transient(ErrorKind::timeout));
  CHECK(is_transient(ErrorKind::corrupt));
  CHECK_FALSE(is_transient(ErrorKind::not_found));
  CHECK_FALSE(is_transient(ErrorKind::denied));
  CHECK_FALSE(is_transient(ErrorKind::cancelled));
  CHECK_FALSE(is_transient(ErrorKind::internal));
}

TEST_CASE("context goes in front, outermost first") {
  Error error(ErrorKind::denied, "no", std::chrono::milliseconds(5));
  error.within("inner").within("outer");
  CHECK(std::string(error.what()) == "outer: inner: no");
  CHECK(error.retry_after() == std::chrono::milliseconds(5));
}

TEST_CASE("foreign exceptions become errors with a kind") {
  CHECK(seen(Error(ErrorKind::conflict, "x")).kind() == ErrorKind::conflict);
  CHECK(seen(boost::system::system_error(boost::asio::error::operation_aborted)).kind() ==
        ErrorKind::cancelled);
  CHECK(seen(boost::system::system_error(boost::asio::error::timed_out)).kind() == ErrorKind::timeout);
  CHECK(seen(boost::system::system_error(boost::asio::error::connection_refused)).kind() ==
        ErrorKind::unavailable);
  CHECK(seen(std::runtime_error("x")).kind() == ErrorKind::internal);
  CHECK(seen(42).kind() == ErrorKind::internal);
}
