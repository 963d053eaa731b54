#include "core/log.hpp"

#include "core/clock.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

using namespace sluice;

namespace {

/// What is written to stderr while `action` runs.
std::string captured(const std::function<void()>& action) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  std::fflush(stderr);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  action();
  std::fflush(stderr);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("none"));
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
    text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

nlohmann::json logged_as_json(std::string_view message) {
  const auto line = captured([&] {
    set_up_logging(LogFormat::json, "info");
    spdlog::error("{}", message);
  });
  REQUIRE(std::count(line.begin(), line.end(), '\n') == 1);
  REQUIRE(line.back() == '\n');
  return nlohmann::json::parse(line);
}

}  // namespace

TEST_CASE("a JSON log line holds time, level and message") {
  const auto line = logged_as_json("hello {}");
  CHECK(line.size() == 3);
  CHECK(parse_time(line.at("ts").get<std::string>()));
  CHECK(line.at("level") == "error");
  CHECK(line.at("message") == "hello {}");
}

TEST_CASE("a JSON log line holds any message as it is") {
  const auto message =
      "quote \" backslash \\ newline \n escape \x1b[0m nul " + std::string(1, '\0') + " größer 日本語 \u202e";
  CHECK(logged_as_json(message).at("message") == message);
}

TEST_CASE("bytes that are not UTF-8 are replaced in a JSON log line") {
  CHECK(logged_as_json("a\xff\xc3 b").at("message") == "a\ufffd\ufffd b");
}

TEST_CASE("a message without end is cut in the log") {
  CHECK(logged_as_json(std::string(1'000'000, 'x')).at("message").get<std::string>().size() < 20'000);
}

TEST_CASE(
    "a text log line cannot be forged or coloured by its message, and has no colours outside a terminal") {
  const auto line = captured([] {
    set_up_logging(LogFormat::text, "info");
    spdlog::warn("{}", "one\nforged line \x1b[31mred");
  });
  CHECK(line.find("warning") != std::string::npos);
  CHECK(line.find("one\\x0aforged line \\x1b[31mred\n") != std::string::npos);
  CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("messages below the level are left out") {
  const auto text = captured([] {
    set_up_logging(LogFormat::text, "warning");
    spdlog::info("quiet");
    spdlog::warn("loud");
  });
  CHECK(text.find("quiet") == std::string::npos);
  CHECK(text.find("loud") != std::string::npos);
}

TEST_CASE("an unknown level is refused with the list of levels") {
  CHECK_THROWS_WITH(set_up_logging(LogFormat::text, "loud"),
                    "log level 'loud' is not one of trace, debug, info, warning, error");
}

TEST_CASE("outside a terminal and the journal the automatic format is JSON") {
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  const auto line = captured([] {
    set_up_logging(LogFormat::automatic, "info");
    spdlog::info("x");
  });
  ::unsetenv("JOURNAL_STREAM");
  CHECK(nlohmann::json::parse(line).at("message") == "x");
}

TEST_CASE("when stderr is the journal's stream, nothing is written there as JSON") {
  const auto text = captured([] {
    struct stat status {};
    ::fstat(STDERR_FILENO, &status);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
    set_up_logging(LogFormat::automatic, "info");
    spdlog::info("sluice log test");
  });
  ::unsetenv("JOURNAL_STREAM");
  // With a journal on this machine it went there; without one the plain text is the way out.
  CHECK((text.empty() || text == "sluice log test\n"));
}

TEST_CASE("a command prints warnings as lines of its own, escaped, and nothing less") {
  const auto text = captured([] {
    set_up_messages();
    spdlog::info("nobody asked");
    spdlog::warn("{}", "careful\x1b[0m");
  });
  CHECK(text == "sluice: careful\\x1b[0m\n");
}
