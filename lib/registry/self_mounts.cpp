#include "registry/self_mounts.hpp"

namespace sluice::registry {

void SelfMounts::probed() {
  if (word_ == Word::unknown) word_ = Word::probed;
}

void SelfMounts::affirmed() {
  if (word_ == Word::probed) word_ = Word::affirmed;
}

// Answers of several uploads come in any order: an earlier "no" holds.
void SelfMounts::told_apart() {
  if (word_ == Word::affirmed) word_ = Word::proven;
  if (word_ == Word::proven) doubts_ = 0;
}

void SelfMounts::doubted() {
  constexpr int most_doubts = 3;
  if (word_ == Word::unknown || word_ == Word::disproved) return;
  word_ = ++doubts_ < most_doubts ? Word::unknown : Word::disproved;
}

void SelfMounts::unanswered() {
  if (word_ == Word::probed) word_ = Word::unknown;
}

}  // namespace sluice::registry
