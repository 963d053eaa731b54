#pragma once
// A server that does exactly what a test tells it, byte by byte: what no proper HTTP server would send.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

struct RecordedRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunked bodies as they came, with their framing
  int connection = 0;                          // number of the connection, from 0
};

/// What a script can do with one connection. When the peer or the server goes away meanwhile, the script
/// ends.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// Number of this connection, from 0.
  virtual int connection() const = 0;
  /// Reads and records one whole request (its body by Content-Length; chunked up to the last chunk). The
  /// script ends when the peer closes instead.
  virtual RecordedRequest read_request() = 0;
  /// Reads and records a request up to its empty line; body bytes stay unread.
  virtual RecordedRequest read_head() = 0;
  /// Reads exactly so many bytes, for instance of a body after read_head().
  virtual std::string read_bytes(std::size_t count) = 0;
  /// Writes exactly these bytes.
  virtual void write(std::string_view bytes) = 0;
  /// Writes one byte after the other, with a pause before each.
  virtual void drip(std::string_view bytes, std::chrono::milliseconds pause) = 0;
  /// Does nothing until the peer closes or the test is over; what the peer sends is dropped.
  virtual void stall() = 0;
  /// Ends the script and closes in order: what was written still arrives.
  virtual void close() = 0;
  /// Closes with a reset instead of an orderly end; what was written may be lost.
  virtual void reset() = 0;

  /// Writes a whole answer with Content-Length.
  void answer(int status, std::string_view body = "", std::string_view extra_headers = "");
};

/// PEM files for a server that speaks TLS.
struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
  /// When set, clients must show a certificate signed by this one.
  std::optional<std::filesystem::path> client_ca;
};

/// Listens on a loopback address, port chosen by the kernel. Each connection runs `script` on its own thread
/// and is closed when the script returns. The destructor ends all scripts.
///
///   ScriptedServer server([](Exchange& x) {
///     auto request = x.read_request();
///     x.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");  // cut
///   });
class ScriptedServer {
 public:
  using Script = std::function<void(Exchange&)>;
  explicit ScriptedServer(Script script, std::optional<TlsFiles> tls = std::nullopt,
                          std::string address = "127.0.0.1");
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const;
  /// "http://<address>:<port><target>", https when it speaks TLS.
  std::string url(std::string_view target = "/") const;
  /// "<address>:<port>"
  std::string authority() const;
  std::vector<RecordedRequest> requests() const;
  /// Connections accepted so far.
  int connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A script that answers every request of a connection, until the peer closes.
ScriptedServer::Script answer_all(std::function<void(Exchange&, const RecordedRequest&)> answer);

}  // namespace sluice::test
