#include "copy_view.hpp"

#include "core/log.hpp"
#include "size.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <unistd.h>

#include <fmt/format.h>

namespace sluice::daemon {
namespace {

constexpr Milliseconds least_pause{100};
constexpr std::size_t bar_width = 20;

const char* name_of(registry::Arrival how) {
  switch (how) {
    case registry::Arrival::present:
      return "there";
    case registry::Arrival::mounted:
      return "mounted";
    case registry::Arrival::moved:
      return "copied";
  }
  return "";
}

}  // namespace

std::string bar_text(std::uint64_t done, std::uint64_t total) {
  const double part =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto full = static_cast<std::size_t>(part * bar_width);
  std::string bar(full, '=');
  if (full < bar_width) bar += '>';
  bar.resize(bar_width, ' ');
  return "[" + bar + "]";
}

CopyView::CopyView(const Clock& clock, bool bars) : clock_(clock), bars_(bars), began_(clock.steady()) {
  set_up_messages([this](const std::string& line) { tell(line); });
}

CopyView::~CopyView() {
  set_up_messages();
  if (bars_ && !order_.empty()) draw(true);
}

void CopyView::found(const std::vector<oci::Descriptor>& blobs) {
  for (const auto& blob : blobs) {
    const auto [line, added] =
        lines_.emplace(blob.digest, Line{static_cast<std::uint64_t>(blob.size), 0, "", false});
    if (added) order_.push_back(blob.digest);
  }
}

void CopyView::moved(const oci::Descriptor& blob, std::uint64_t bytes) {
  auto& line = lines_[blob.digest];
  if (!line.end.empty()) return;
  line.done = bytes;
  line.begun = true;
  if (bars_ && clock_.steady() - drawn_ >= least_pause) draw(false);
}

void CopyView::arrived(const oci::Descriptor& blob, registry::Arrival how) {
  auto& line = lines_[blob.digest];
  if (!line.end.empty()) return;
  line.done = line.size;
  line.end = name_of(how);
  ++arrived_;
  if (bars_)
    draw(false);
  else
    print_arrival(blob.digest, line);
}

void CopyView::print_arrival(const oci::Digest& digest, const Line& line) const {
  std::cerr << fmt::format("{} {} {} ({} of {})\n", line.end, digest.shortened(), size_text(line.size),
                           arrived_, order_.size());
}

std::string CopyView::line_of(const oci::Digest& digest, const Line& line) const {
  if (!line.end.empty())
    return fmt::format("{}  {:<{}}  {:>7}", digest.shortened(), line.end, bar_width + 2,
                       size_text(line.size));
  return fmt::format("{}  {}  {:>7} of {}", digest.shortened(), bar_text(line.done, line.size),
                     size_text(line.done), size_text(line.size));
}

std::string CopyView::sum_line() const {
  std::uint64_t moved = 0, left = 0;
  for (const auto& [digest, line] : lines_) {
    if (line.end.empty() || line.end == "copied") moved += line.done;
    if (line.end.empty()) left += line.size - std::min(line.done, line.size);
  }
  const std::chrono::duration<double> time = clock_.steady() - began_;
  const auto speed = time.count() > 0 ? static_cast<double>(moved) / time.count() : 0.0;
  std::string text = fmt::format("{} of {} blobs, {} moved, {}/s", arrived_, order_.size(), size_text(moved),
                                 size_text(static_cast<std::uint64_t>(speed)));
  if (left > 0 && speed > 0) {
    const std::chrono::microseconds rest(static_cast<std::int64_t>(static_cast<double>(left) / speed * 1e6));
    text += ", " + format_duration(rest) + " left";
  }
  return text;
}

// What is on its way first; what does not fit on the screen is in the sum.
std::vector<std::string> CopyView::picture(std::size_t rows) const {
  std::vector<std::string> lines;
  const auto add = [&](bool under_way) {
    for (const auto& digest : order_) {
      const auto& line = lines_.at(digest);
      const bool now = line.begun && line.end.empty();
      if (now == under_way && (line.begun || !line.end.empty()) && lines.size() + 2 < rows)
        lines.push_back(line_of(digest, line));
    }
  };
  add(true);
  add(false);
  lines.push_back(sum_line());
  return lines;
}

// Takes the place of the picture, which is drawn anew beneath it.
void CopyView::tell(const std::string& line) {
  const std::lock_guard lock(screen_);
  if (shown_ > 0) std::cerr << fmt::format("\x1b[{}A\r\x1b[J", shown_);
  std::cerr << line << std::flush;
  shown_ = 0;
}

// Back to the first line of the last picture, and over it (ECMA-48: CUU, EL, ED).
void CopyView::draw(bool last) {
  const std::lock_guard lock(screen_);
  drawn_ = clock_.steady();
  const auto size = terminal_size(STDERR_FILENO);
  std::string text = shown_ > 0 ? fmt::format("\x1b[{}A\r", shown_) : "\r";
  const auto lines = picture(size.rows);
  for (const auto& line : lines)
    text += line.substr(0, size.columns) + "\x1b[K\n";
  text += "\x1b[J";
  std::cerr << text << std::flush;
  shown_ = last ? 0 : lines.size();
}

}  // namespace sluice::daemon
