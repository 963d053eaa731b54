#pragma once
// One connection of the server. Room-internal.

#include "net/answer.hpp"
#include "net/head.hpp"
#include "net/stream.hpp"

#include <optional>

namespace sluice::net {

/// What the connections of one server share.
struct Load {
  std::size_t bodies = 0;  // bytes of request bodies, from their first byte to the end of the answer
  bool crowded = false;    // somebody waits for a place: each connection ends after its next answer
};

class Session {
 public:
  Session(Clock& clock, const Handler& handler, const ServerLimits& limits, Load& load, Socket socket,
          std::string peer, std::shared_ptr<ServerTls> tls);
  ~Session() { release(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Answers requests until the connection ends. Throws when cancelled.
  Task<> run();
  /// Since when the peer owes us a handshake or a whole request header, nullopt while a request is in hand.
  std::optional<Steady> waiting_since() const { return waiting_since_; }
  /// Since when the peer owes us the rest of a request, header or body; nullopt while it is being answered.
  std::optional<Steady> owing_since() const { return waiting_since_ ? waiting_since_ : body_since_; }
  /// The answer in hand is the last.
  void end_after_answer() { ending_ = true; }

 private:
  enum class Wait { data, closed, timeout };
  Task<bool> shake_hands();
  Task<bool> serve_one(bool first);
  Task<std::optional<RequestHead>> read_head(bool first);
  Task<ServerRequest> read_request(RequestHead head);
  Task<std::string> read_body(const RequestHead& head);
  Task<std::string> read_rest(std::uint64_t length, bool chunked, Steady deadline);
  void hold(std::size_t bytes);
  void release();
  Task<ServerResponse> answer(ServerRequest request);
  Task<> write(std::string bytes);
  Task<> close_gently();
  Task<Wait> receive(Steady deadline);
  Task<std::size_t> receive_some(Steady deadline);

  Clock& clock_;
  const Handler& handler_;
  const ServerLimits& limits_;
  Load& load_;
  Stream stream_;
  std::string peer_;
  std::shared_ptr<ServerTls> tls_;
  std::string received_;  // bytes read and not yet used
  std::optional<Steady> waiting_since_;
  std::optional<Steady> body_since_;
  std::size_t held_ = 0;  // our part of Load::bodies
  bool ending_ = false;
};

}  // namespace sluice::net
