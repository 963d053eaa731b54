#pragma once
// The HTTP interface of the daemon: JSON under /api/v1 (docs/api.md lists every route and field). Event-loop
// thread only.

#include "core/clock.hpp"
#include "engine/engine.hpp"
#include "net/server.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice::api {

/// The way by which a request came in.
enum class Door {
  unix_socket,  // the peer is known by its user id; file permissions decided who may connect
  loopback,     // TCP: anybody on this machine, a browser included
};

struct Options {
  std::string version;
  Time started;
  std::int64_t pid = 0;
  /// Name of a user by number ("1000"), for the audit log; the number again when it has no name.
  std::function<std::string(const std::string& uid)> user_name;
};

class Api {
 public:
  /// The engine and the store must outlive the last request.
  Api(engine::Engine& engine, store::Store& store, Clock& clock, Options options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// Answers every request; errors become {"error":{"kind","message"}} with a fitting status and are not
  /// thrown.
  net::Handler handler(Door door);
  /// Ends long polls, and refuses changes from now on (503). Reading goes on.
  void shut();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::api
