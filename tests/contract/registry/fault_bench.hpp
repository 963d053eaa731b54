#pragma once
// The journey of one image on which faults strike: a tag is resolved at a source, copied by digest to a
// target, and tagged there. A row of the table says where, what and what must come of it.

#include "core/error.hpp"
#include "fake_registry.hpp"
#include "rig.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

/// A request of the journey.
struct Step {
  std::string name;
  bool at_source = true;
  std::string method;
  std::string text;  // in its target
};

using Act = std::function<void(Exchange&, const RecordedRequest&)>;

constexpr int always = 1'000'000;

struct Row {
  std::string name;  // begins with the number of the fault in the list of what must be survived
  Step step;
  Act act;
  /// Nullopt: the journey reaches its end all the same.
  std::optional<ErrorKind> kind;
  /// What it may be as well, where two requests at once race to the news.
  std::optional<ErrorKind> or_kind = {};
  /// A part of the message that a person can act on.
  std::string says = {};
  std::optional<Milliseconds> retry_after = {};
  /// The first so many requests of the step meet it.
  int times = always;
  /// How often the step may be asked: nothing storms.
  int most = 6;
  /// The client's time runs so many times faster, where deadlines have to pass.
  int speed = 1;
};

/// The image that travels: a config, a layer of 200 kB, a small layer.
const TestImage& traveller();

/// The steps, in order.
namespace step {
Step resolve();       // HEAD of the tag
Step manifest();      // GET of the manifest
Step blob();          // GET of the layer
Step look();          // HEAD of the layer at the target
Step upload_start();  // POST
Step upload();        // PUT that carries the layer and ends the upload
Step put_manifest();  // PUT under the digest
Step tag();           // PUT under the tag
std::vector<Step> all();
}  // namespace step

/// Runs a row and checks, besides what it says: the target's tag names nothing or a whole image, nothing
/// unverified is stored, the number of requests and the memory are bounded, the message names the registry
/// and is safe to show.
void check(const Row& row);

/// That an error is what it should be, with a text that is bounded and safe to show.
void check_error(const Error& error, ErrorKind kind, const std::string& says);

/// Bytes of this process in memory.
std::size_t resident_bytes();

/// Answers that are cut: exactly these bytes, then the connection is closed.
Act cut_after(std::string bytes);
/// A whole answer.
Act answer(int status, std::string body = "", std::string headers = "");

}  // namespace sluice::test
