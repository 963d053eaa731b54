#pragma once
// How a copy is shown while it goes on: a bar for each blob on a terminal, a line for each blob in a log.
// Writes to stderr, with the messages of the log; stdout is for the result.

#include "core/clock.hpp"
#include "registry/client.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::daemon {

/// A bar of 20 characters: "[=======>            ]". Pure.
std::string bar_text(std::uint64_t done, std::uint64_t total);

/// A blob counts once, however many images of one command have it.
class CopyView final : public registry::CopyWatcher {
 public:
  /// `bars`: they are drawn again and again, at most ten times a second. From now on messages of the log
  /// (set_up_messages()) stand above them.
  CopyView(const Clock& clock, bool bars);
  /// Leaves the last picture.
  ~CopyView() override;

  void found(const std::vector<oci::Descriptor>& blobs) override;
  void moved(const oci::Descriptor& blob, std::uint64_t bytes) override;
  void arrived(const oci::Descriptor& blob, registry::Arrival how) override;

 private:
  struct Line {
    std::uint64_t size = 0;
    std::uint64_t done = 0;
    std::string end;  // "copied", "mounted", "there"
    bool begun = false;
  };
  void draw(bool last);
  void tell(const std::string& line);
  std::vector<std::string> picture(std::size_t rows) const;
  std::string line_of(const oci::Digest& digest, const Line& line) const;
  std::string sum_line() const;
  void print_arrival(const oci::Digest& digest, const Line& line) const;

  const Clock& clock_;
  bool bars_;
  Steady began_;
  Steady drawn_{};
  std::mutex screen_;      // messages come from other threads too
  std::size_t shown_ = 0;  // lines of the last picture
  std::size_t arrived_ = 0;
  std::map<oci::Digest, Line> lines_;
  std::vector<oci::Digest> order_;
};

}  // namespace sluice::daemon
