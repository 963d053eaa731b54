#include "certificate_watch.hpp"

#include "core/certificate.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "listeners.hpp"
#include "secret_sources.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::daemon {
namespace {

constexpr Milliseconds look_every{std::chrono::seconds(5)};
constexpr auto near_end = std::chrono::days(14);
constexpr auto warn_every = std::chrono::hours(24);

}  // namespace

void CertificateWatch::in_use(const config::WebhookServer& settings) {
  ++generation_;
  certificate_path_ = settings.certificate;
  key_path_ = settings.key;
  certificate_ = settings.certificate_pem;
  key_ = settings.key_pem;
  doubt_.clear();
  told_.clear();
  next_warning_.reset();
}

Task<> CertificateWatch::run(std::function<void(std::shared_ptr<net::ServerTls>)> use) {
  use_ = std::move(use);
  while (true) {
    if (!certificate_path_.empty()) {
      warn_of_end();
      co_await look();
    }
    co_await clock_.sleep_for(look_every);
  }
}

Task<> CertificateWatch::look() {
  const auto generation = generation_;
  auto read = [certificate = certificate_path_, key = key_path_] {
    const auto file = system_secret_sources().file;
    Pair pair;
    pair.certificate = file(certificate, pair.why).value_or("");
    if (pair.why.empty()) pair.key = Secret(file(key, pair.why).value_or(""));
    return pair;
  };
  Pair pair = co_await workers_.run(std::move(read));
  if (generation == generation_) take(std::move(pair));
}

void CertificateWatch::take(Pair pair) {
  if (!pair.why.empty()) return complain(pair.why);
  if (pair.certificate == certificate_ && pair.key == key_) return complain("");
  if (const auto fault = fault_of_pair(pair.certificate, pair.key))
    return complain((fault->in_key ? key_path_ : certificate_path_) + ": " + fault->why);
  try {
    use_(net::make_server_tls(pair.certificate, pair.key));
  } catch (const Error& error) {
    return complain(error.what());
  }
  certificate_ = std::move(pair.certificate);
  key_ = std::move(pair.key);
  complain("");
  next_warning_.reset();
  const auto end = end_of_certificate(certificate_);
  spdlog::info("webhooks: the certificate was renewed; it is valid until {}", end ? format_time(*end) : "?");
}

// What is wrong at two looks in a row is no renewal half done.
void CertificateWatch::complain(const std::string& why) {
  const bool again = why == std::exchange(doubt_, why);
  if (!again || why == told_) return;
  told_ = why;
  if (!why.empty())
    spdlog::error(
        "webhooks: the files of the certificate changed, but cannot be used; the one before stays in use: {}",
        printable(why));
}

void CertificateWatch::warn_of_end() {
  if (next_warning_ && clock_.steady() < *next_warning_) return;
  next_warning_ = clock_.steady() + warn_every;
  const auto end = end_of_certificate(certificate_);
  if (!end || *end - clock_.now() > near_end) return;
  if (*end < clock_.now())
    spdlog::error("webhooks: the certificate {} ended on {}; senders that check it cannot deliver",
                  printable(certificate_path_), format_time(*end));
  else
    spdlog::warn("webhooks: the certificate {} is valid only until {}", printable(certificate_path_),
                 format_time(*end));
}

}  // namespace sluice::daemon
