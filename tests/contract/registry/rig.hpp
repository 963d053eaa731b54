#pragma once
// A registry client over real sockets, as the daemon has it. Make it inside the coroutine under test.

#include "core/error.hpp"
#include "registry/client.hpp"

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

namespace sluice::test {

/// The real clock, with a shift that a test moves; sleeping takes as long as it takes, or at a `speed` a part
/// of it.
class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(int speed = 1) : speed_(speed) {}
  Time now() const override { return real_.now() + shift_; }
  Steady steady() const override { return begin_ + (real_.steady() - begin_) * speed_ + shift_; }
  Task<> sleep_until(Steady at) override {
    return real_.sleep_until(begin_ + (at - shift_ - begin_ + Steady::duration(speed_ - 1)) / speed_);
  }
  void advance(std::chrono::seconds by) { shift_ += by; }

 private:
  SystemClock real_;
  int speed_;
  Steady begin_ = real_.steady();
  std::chrono::seconds shift_{0};
};

/// What the task throws; a std::runtime_error when it does not throw.
template <class T>
Task<Error> failure_of(Task<T> task) {
  try {
    co_await std::move(task);
  } catch (const Error& error) {
    co_return error;
  }
  throw std::runtime_error("no error where one is due");
}

struct Rig {
  explicit Rig(net::ClientOptions options = {}, int speed = 1) : network(std::move(options)), clock(speed) {}

  net::ClientOptions network;
  ShiftedClock clock;
  SeededRandom random{1};
  Workers workers{2};
  std::unique_ptr<net::Client> http = net::make_client(clock, workers, network);
  /// Settings by registry host; what is not here is loopback without credentials.
  std::map<std::string, registry::Access> access;
  registry::Client client{*http, clock, random, workers,
                          [this](const std::string& host) { return access[host]; }};

  void log_in(const std::string& host, const std::string& user, const std::string& password) {
    access[host].credentials = registry::Credentials{user, Secret(password)};
  }
};

}  // namespace sluice::test
