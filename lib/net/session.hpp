#pragma once
// One connection of the server. Room-internal.

#include "net/answer.hpp"
#include "net/head.hpp"
#include "net/stream.hpp"

#include <optional>

namespace sluice::net {

class Session {
 public:
  Session(Clock& clock, const Handler& handler, const ServerLimits& limits, Socket socket, std::string peer);
  /// Answers requests until the connection ends. Throws when cancelled.
  Task<> run();
  /// Since when the peer owes us a whole request header, nullopt while a request is in hand.
  std::optional<Steady> waiting_since() const { return waiting_since_; }
  /// The answer in hand is the last.
  void end_after_answer() { ending_ = true; }

 private:
  enum class Wait { data, closed, timeout };
  Task<bool> serve_one(bool first);
  Task<std::optional<RequestHead>> read_head(bool first);
  Task<ServerRequest> read_request(RequestHead head);
  Task<std::string> read_body(const RequestHead& head);
  Task<std::string> read_rest(std::uint64_t length, bool chunked);
  Task<ServerResponse> answer(ServerRequest request);
  Task<> write(std::string bytes);
  Task<> close_gently();
  Task<Wait> receive(Steady deadline);
  Task<std::size_t> receive_some();

  Clock& clock_;
  const Handler& handler_;
  const ServerLimits& limits_;
  Stream stream_;
  std::string peer_;
  std::string received_;  // bytes read and not yet used
  std::optional<Steady> waiting_since_;
  bool ending_ = false;
};

}  // namespace sluice::net
