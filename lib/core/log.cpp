#include "core/log.hpp"

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <string_view>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-journal.h>

namespace sluice {
namespace {

// A message longer than this is cut: a log line is for a person, not for a dump.
constexpr std::size_t longest_message = 16 * 1024;

std::string_view view(const spdlog::string_view_t& text) {
  return {text.data(), text.size()};
}

std::string_view level_name(spdlog::level::level_enum level) {
  return view(spdlog::level::to_string_view(level));
}

/// The message with whatever could garble a terminal or forge a second line made visible.
std::string shown(const spdlog::details::log_msg& message) {
  return printable(view(message.payload), longest_message);
}

/// `%*`: the message, made safe.
class SafeMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
    const auto text = shown(message);
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<SafeMessage>(); }
};

/// A JSON string (RFC 8259, section 7) that holds the message as it is; bytes that are not UTF-8 become
/// U+FFFD.
std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty() && quoted.size() < longest_message) {
    const auto [code, length] = decode_utf8(text);
    if (length == 0)
      quoted += "\\ufffd";
    else if (code == '"' || code == '\\')
      quoted.append("\\").append(text.substr(0, 1));
    else if (is_deceptive(code))
      quoted += fmt::format("\\u{:04x}", code);
    else
      quoted += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (!text.empty()) quoted += "...";
  return quoted + '"';
}

/// One JSON object a line: {"ts":...,"level":...,"message":...}.
class JsonLines final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto at = std::chrono::floor<std::chrono::microseconds>(message.time);
    const auto text =
        fmt::format("{{\"ts\":\"{}\",\"level\":\"{}\",\"message\":{}}}\n", format_time_exact(at),
                    level_name(message.level), json_string(view(message.payload)));
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonLines>(); }
};

int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LOG_DEBUG;
    case spdlog::level::info:
      return LOG_INFO;
    case spdlog::level::warn:
      return LOG_WARNING;
    case spdlog::level::critical:
      return LOG_CRIT;
    default:
      return LOG_ERR;
  }
}

/// Messages for a person, given to a function.
class Teller final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Teller(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    tell_("sluice: " + shown(message) + "\n");
  }
  void flush_() override {}

 private:
  std::function<void(const std::string&)> tell_;
};

/// systemd's journal with structured fields (systemd.journal-fields(7)).
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string text = "MESSAGE=" + printable(view(message.payload), longest_message, true);
    std::string priority = fmt::format("PRIORITY={}", priority_of(message.level));
    std::string name = "SYSLOG_IDENTIFIER=sluice";
    const iovec fields[] = {
        {text.data(), text.size()}, {priority.data(), priority.size()}, {name.data(), name.size()}};
    if (sd_journal_sendv(fields, 3) == 0) return;
    // The journal is away: stderr is its stream socket, or at least somebody's terminal.
    const auto line = text.substr(text.find('=') + 1) + "\n";
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
  }
  void flush_() override {}
};

/// True when stderr is the journal's stream: $JOURNAL_STREAM is "device:inode" (systemd.exec(5)).
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (!stream || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == fmt::format("{}:{}", static_cast<std::uintmax_t>(status.st_dev),
                               static_cast<std::uintmax_t>(status.st_ino));
}

/// Colours only on a terminal that can show them, and not against https://no-color.org.
bool wants_colours() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && !(no_color && *no_color) && terminal &&
         std::string_view(terminal) != "dumb";
}

LogFormat chosen(LogFormat format) {
  if (format != LogFormat::automatic) return format;
  if (stderr_is_journal()) return LogFormat::journal;
  return ::isatty(STDERR_FILENO) ? LogFormat::text : LogFormat::json;
}

spdlog::sink_ptr make_sink(LogFormat format) {
  if (format == LogFormat::journal) return std::make_shared<JournalSink>();
  if (format == LogFormat::json) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_formatter(std::make_unique<JsonLines>());
    return sink;
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::local);
  formatter->add_flag<SafeMessage>('*').set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %*");
  const auto mode = wants_colours() ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(mode);
  sink->set_formatter(std::move(formatter));
  return sink;
}

spdlog::level::level_enum level_from(const std::string& name) {
  for (const auto level : {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                           spdlog::level::warn, spdlog::level::err})
    if (level_name(level) == name) return level;
  throw Error(ErrorKind::invalid,
              "log level '" + printable(name, 40) + "' is not one of trace, debug, info, warning, error");
}

void use_sink(spdlog::sink_ptr sink, spdlog::level::level_enum threshold) {
  auto logger = std::make_shared<spdlog::logger>("sluice", std::move(sink));
  logger->set_level(threshold);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

void set_up_logging(LogFormat format, const std::string& level) {
  use_sink(make_sink(chosen(format)), level_from(level));
}

void set_up_messages() {
  set_up_messages([](const std::string& line) { std::cerr << line << std::flush; });
}

void set_up_messages(std::function<void(const std::string& line)> tell) {
  use_sink(std::make_shared<Teller>(std::move(tell)), spdlog::level::warn);
}

}  // namespace sluice
