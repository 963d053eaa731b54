#pragma once
// Whether a mount can ask for a blob. Pure.

namespace sluice::registry {

/// What one registry's answer is worth when it is told to mount a blob from the very repository that the blob
/// goes to: 201 where the blob is there, 202 with an upload session where it is not, would be HEAD and POST
/// in one. That is so in CNCF distribution, whose mount looks the blob up in `from`; but whoever ignores
/// mounts answers 202 to each of them, and another one might answer 201. So both answers must be seen to be
/// right first. The 201 takes a request of its own (a probe), the 202 comes with the first blob that is
/// really missing: until then each 201 is checked by HEAD.
class SelfMounts {
 public:
  bool may_be_probed() const { return word_ == Word::unknown; }
  /// Asked for a blob that is there: until there is an answer, nobody else asks.
  void probed();
  /// It answered 201 for a blob that is there.
  void affirmed();
  /// It answered 202 after it had affirmed: it tells both.
  void told_apart();
  /// It answered wrongly, or refuses such mounts.
  void disproved() { word_ = Word::disproved; }
  /// It failed, or what it said may have been wrong: it may be probed again, twice until it tells apart.
  void doubted();
  /// The probe was not answered, for reasons that say nothing about mounts.
  void unanswered();

  /// Whether it is to be asked by mounts.
  bool is_asked() const { return word_ == Word::affirmed || word_ == Word::proven; }
  bool is_proven() const { return word_ == Word::proven; }

 private:
  enum class Word { unknown, probed, affirmed, proven, disproved };
  Word word_ = Word::unknown;
  int doubts_ = 0;
};

}  // namespace sluice::registry
