#pragma once
// The body of an answer, read off its connection. Room-internal.

#include "net/connection.hpp"
#include "net/framing.hpp"
#include "net/progress.hpp"
#include "net/transfer.hpp"

#include <memory>

namespace sluice::net {

class LiveResponse final : public Response {
 public:
  /// Gives `connection` back to `pool` (when that still exists) once the body was read, if `reusable`.
  LiveResponse(Clock& clock, std::shared_ptr<const Request> request, ResponseHead head,
               std::unique_ptr<Connection> connection, std::weak_ptr<Pool> pool, bool reusable,
               std::shared_ptr<Bandwidth> bandwidth);
  int status() const override { return head_.status; }
  const Headers& headers() const override { return head_.headers; }
  const Url& url() const override { return request_->url; }
  std::optional<std::uint64_t> content_length() const override;
  AddressClass reached_at() const override { return reached_at_; }
  Task<std::size_t> read(std::span<char> buffer) override;

 private:
  Task<std::size_t> receive(std::span<char> buffer);
  std::size_t unpack(std::span<char> piece);
  std::uint64_t outstanding() const;
  void finish();

  Clock& clock_;
  std::shared_ptr<const Request> request_;
  AddressClass reached_at_;
  ResponseHead head_;
  std::unique_ptr<Connection> connection_;  // null when the body was read or reading it failed
  std::weak_ptr<Pool> pool_;
  bool reusable_;
  Framing framing_;
  std::uint64_t left_ = 0;  // of a body with a length
  ChunkDecoder chunks_;
  Progress progress_;
  Throttle throttle_;
  bool done_ = false;
};

}  // namespace sluice::net
