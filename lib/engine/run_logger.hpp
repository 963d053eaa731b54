#pragma once
// Lines of running jobs on their way to the run log: gathered in memory, written in groups.

#include "core/signal.hpp"
#include "engine/engine.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::engine {

class RunLogger {
 public:
  RunLogger(World world, Signal& changes) : world_(world), changes_(changes) {}

  /// Splits into lines, escapes them, and keeps them for the next group. What is over the bound is dropped
  /// with a mark.
  void append(RunId run, const std::string& step, std::string_view text);
  /// Writes groups until stop(); then what is left.
  Task<> run();
  /// Writes what waits now.
  Task<> flush();
  void stop();

 private:
  struct Line {
    RunId run;
    Time at;
    std::string step;
    std::string text;
  };
  World world_;
  Signal& changes_;
  Signal wake_;
  std::vector<Line> waiting_;
  bool dropped_ = false;
  bool stopping_ = false;
};

}  // namespace sluice::engine
