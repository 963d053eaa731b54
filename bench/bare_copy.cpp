// The least that a client can do: of each blob one GET, one POST and one PUT, its bytes handed from socket to
// socket by the kernel, then the manifest. It asks for nothing that is there, hashes and checks nothing, and
// knows no trouble: what it takes is what the two registries take.
//
//   bare_copy SOURCE-PORT SOURCE-REPOSITORY TARGET-PORT TARGET-REPOSITORY CONNECTIONS BLOBS MANIFEST TYPE
//
// BLOBS is a file with a "DIGEST SIZE" line for each, MANIFEST the file with the manifest.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct Blob {
  std::string digest;
  long size;
};

struct Repository {
  int port;
  std::string path;
};

[[noreturn]] void die(const std::string& what) {
  std::cerr << "bare_copy: " << what << '\n';
  std::_Exit(1);
}

int dial(int port) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("connect");
  return connection;
}

void ask(int connection, const std::string& line, const std::string& fields = "",
         const std::string& body = "") {
  const std::string request = line + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields + "\r\n" + body;
  if (::send(connection, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
    die("send");
}

/// The head of the answer; its body, if there is one, stays in the socket.
std::string head(int connection, const std::string& status) {
  std::array<char, 8192> buffer;
  for (;;) {
    const auto count = ::recv(connection, buffer.data(), buffer.size(), MSG_PEEK);
    if (count <= 0) die("the connection ended");
    std::string text(buffer.data(), static_cast<std::size_t>(count));
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    text.resize(end + 4);
    ::recv(connection, buffer.data(), text.size(), 0);
    if (!text.starts_with("HTTP/1.1 " + status)) die(text);
    return text;
  }
}

std::string location(const std::string& head) {
  const auto begin = head.find("/v2/", head.find("\r\nLocation: "));
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

class Lane {
 public:
  Lane(const Repository& source, const Repository& target)
      : source_(source), target_(target), from_(dial(source.port)), to_(dial(target.port)) {
    if (::pipe2(pipe_.data(), O_CLOEXEC) != 0) die("pipe2");
    ::fcntl(pipe_[1], F_SETPIPE_SZ, 1 << 20);
  }

  void copy(const Blob& blob) {
    ask(from_, "GET /v2/" + source_.path + "/blobs/" + blob.digest);
    ask(to_, "POST /v2/" + target_.path + "/blobs/uploads/", "Content-Length: 0\r\n");
    const std::string upload = location(head(to_, "202"));
    ask(to_, "PUT " + upload + "&digest=" + blob.digest,
        "Content-Type: application/octet-stream\r\nContent-Length: " + std::to_string(blob.size) + "\r\n");
    head(from_, "200");
    for (long left = blob.size; left > 0;)
      left -= move(left);
    head(to_, "201");
  }

  void finish(const std::string& type, const std::string& manifest) {
    ask(to_, "PUT /v2/" + target_.path + "/manifests/1",
        "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(manifest.size()) + "\r\n",
        manifest);
    head(to_, "201");
  }

 private:
  long move(long most) {
    const auto count =
        ::splice(from_, nullptr, pipe_[1], nullptr, std::min<std::size_t>(most, 1 << 20), SPLICE_F_MOVE);
    if (count <= 0) die("splice from the source");
    for (auto left = count; left > 0;) {
      const auto sent =
          ::splice(pipe_[0], nullptr, to_, nullptr, static_cast<std::size_t>(left), SPLICE_F_MOVE);
      if (sent <= 0) die("splice to the target");
      left -= sent;
    }
    return count;
  }

  Repository source_, target_;
  int from_, to_;
  std::array<int, 2> pipe_{};
};

}  // namespace

int main(int count, char** words) {
  if (count != 9) die("see the beginning of its source for what it wants");
  const Repository source{std::atoi(words[1]), words[2]}, target{std::atoi(words[3]), words[4]};
  std::vector<Blob> blobs;
  std::ifstream list(words[6]);
  for (Blob blob; list >> blob.digest >> blob.size;)
    blobs.push_back(blob);
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(words[5]); ++i)
    threads.emplace_back([&] {
      Lane lane(source, target);
      for (std::size_t at = next++; at < blobs.size(); at = next++)
        lane.copy(blobs[at]);
    });
  for (auto& thread : threads)
    thread.join();
  std::ifstream file(words[7], std::ios::binary);
  Lane(source, target).finish(words[8], {std::istreambuf_iterator<char>(file), {}});
}
