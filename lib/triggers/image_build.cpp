#include "triggers/image_build.hpp"

#include "core/keyed_lock.hpp"
#include "core/lines.hpp"
#include "core/text.hpp"
#include "triggers/values.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

constexpr Milliseconds removal_time = std::chrono::seconds(60);
// buildah that is asked to end removes its working containers by itself, which takes a moment.
constexpr Milliseconds build_grace = std::chrono::seconds(15);
// How long a rebuild stands behind another one that pulls the same base, whose registry may be stalled.
constexpr Milliseconds patience_for_base = std::chrono::seconds(30);

std::string end_of(const ProcessResult& result) {
  return printable(last_lines(result.output, 3), 600);
}

[[noreturn]] void fail(ErrorKind kind, const std::string& what, const ProcessResult& result) {
  if (result.timed_out) throw Error(ErrorKind::timeout, what + " did not end in time: " + end_of(result));
  throw Error(kind, what + " failed: " + end_of(result));
}

// Whether buildah failed for want of something from outside rather than at a step of the Containerfile.
bool is_outside_failure(std::string_view output) {
  static constexpr std::array<std::string_view, 6> words{
      "creating build container:", "initializing source", "pinging container registry",
      "reading manifest",          "image not known",     "no space left on device"};
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return output.find(word) != std::string_view::npos; });
}

// buildah reads the names of a local image, changes them and writes them back without a lock: of two builds
// that name or release one base at the same time, the name of one would be lost or come back. One at a time
// per base.
KeyedLock& names_of_bases() {
  static KeyedLock lock;
  return lock;
}

// An image id as pull prints it, on the last line.
std::string image_id(const ProcessResult& result) {
  auto id = last_lines(result.standard_output, 1);
  if (id.starts_with("sha256:")) id.erase(0, 7);
  const bool valid = id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!valid) fail(ErrorKind::internal, "reading the image id that was pulled", result);
  return id;
}

}  // namespace

ImageBuild::ImageBuild(const Rebuild& rebuild, const Context& context, const config::ToolAccess& access)
    : rebuild_(rebuild), context_(context), access_(access) {
  // Names of this rebuild alone, and the same for each repeat: parallel builds on one base do not remove it
  // under each other, and what a killed daemon left is replaced.
  const auto key = oci::Digest::of(rebuild.idempotency_key);
  const auto tag = key.hex().substr(0, 16);
  base_name_ = fmt::format("localhost/sluice-base:{}", tag);
  image_name_ = fmt::format("localhost/sluice-build:{}", tag);
}

Task<oci::Digest> ImageBuild::run(Recipe recipe, std::filesystem::path source, std::string revision) const {
  const Milliseconds transfer_timeout = recipe.transfer_timeout;
  co_await pull_base(recipe.platform, transfer_timeout);
  co_await build(std::move(recipe), std::move(source), std::move(revision));
  oci::Digest digest = co_await push(transfer_timeout);
  co_return digest;
}

Task<> ImageBuild::pull_base(oci::Platform platform, Milliseconds timeout) const {
  const auto base = by_digest(rebuild_.base);
  std::vector<std::string> arguments{"pull", "--quiet", "--platform=" + platform.text()};
  const auto& flags = access_.certificate_flags();
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  arguments.insert(arguments.end(), {"--", base});
  const bool free =
      co_await names_of_bases().wait(base, context_.clock, context_.clock.steady() + patience_for_base);
  if (!free) throw Error(ErrorKind::unavailable, "another rebuild is still pulling the base " + base);
  const KeyedLock::Place place(names_of_bases(), base);
  Command pulling = command(std::move(arguments), timeout);
  pulling.separate_output = true;
  const ProcessResult pulled = co_await call(std::move(pulling));
  if (!pulled.ok()) fail(config::kind_of_registry_failure(pulled.output), "pulling the base " + base, pulled);
  Command tagging = command({"tag", "--", image_id(pulled), base_name_}, removal_time);
  const ProcessResult tagged = co_await call(std::move(tagging));
  if (!tagged.ok()) fail(ErrorKind::unavailable, "naming the base " + base, tagged);
}

Task<> ImageBuild::build(Recipe recipe, std::filesystem::path source, std::string revision) const {
  Command building = command(build_arguments(recipe, source, revision), recipe.build_timeout);
  building.grace = build_grace;
  const auto feed = std::make_shared<LineFeed>(context_.log);
  building.on_output = [feed](std::string_view piece) { feed->take(piece); };
  const ProcessResult built = co_await call(std::move(building));
  feed->finish();
  if (built.ok()) co_return;
  auto kind = ErrorKind::invalid;
  if (built.signal != 0)
    kind = ErrorKind::unavailable;
  else if (is_outside_failure(end_of(built)))
    kind = config::kind_of_registry_failure(built.output);
  fail(kind, "building " + by_tag(rebuild_.image), built);
}

std::vector<std::string> ImageBuild::build_arguments(const Recipe& recipe,
                                                     const std::filesystem::path& source,
                                                     const std::string& revision) const {
  std::vector<std::string> arguments{"build"};
  const auto& own = context_.config->builder.arguments;
  arguments.insert(arguments.end(), own.begin(), own.end());
  arguments.push_back("--platform=" + recipe.platform.text());
  const auto& flags = access_.certificate_flags();
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  // Since buildah 1.24 a build context of the name that FROM gives takes its place, in every stage: what is
  // built on is the digest that was promoted, even when the tag has moved on since.
  for (const auto& name : spellings(rebuild_.base))
    arguments.push_back(fmt::format("--build-context={}=docker-image://{}", name, base_name_));
  // OCI image specification, annotations.md.
  arguments.push_back("--annotation=org.opencontainers.image.base.name=" + by_tag(rebuild_.base));
  if (rebuild_.base.digest)
    arguments.push_back("--annotation=org.opencontainers.image.base.digest=" + rebuild_.base.digest->text());
  if (!revision.empty()) arguments.push_back("--annotation=org.opencontainers.image.revision=" + revision);
  for (const auto& [name, value] : recipe.arguments)
    arguments.push_back("--build-arg=" + name + "=" + value);
  if (!recipe.target.empty()) arguments.push_back("--target=" + recipe.target);
  if (!recipe.file.empty()) arguments.push_back("--file=" + (source / recipe.file).string());
  arguments.insert(arguments.end(), {"--tag=" + image_name_, "--", source.string()});
  return arguments;
}

Task<oci::Digest> ImageBuild::push(Milliseconds timeout) const {
  const auto target = by_tag(rebuild_.image);
  const auto digest_file = access_.directory() / "pushed";
  std::vector<std::string> arguments{"push", "--quiet", "--digestfile=" + digest_file.string()};
  const auto& flags = access_.certificate_flags();
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  arguments.insert(arguments.end(), {"--", image_name_, "docker://" + target});
  Command pushing = command(std::move(arguments), timeout);
  const ProcessResult pushed = co_await call(std::move(pushing));
  if (!pushed.ok()) fail(config::kind_of_registry_failure(pushed.output), "pushing " + target, pushed);
  std::string text;
  std::getline(std::ifstream(digest_file), text);
  const auto digest = oci::Digest::parse(text);
  if (!digest) throw Error(ErrorKind::internal, "buildah did not say which digest it pushed to " + target);
  co_return *digest;
}

Task<> ImageBuild::remove() const {
  Command listing = command({"containers", "--json"}, removal_time);
  listing.separate_output = true;
  const ProcessResult listed = co_await call(std::move(listing));
  std::vector<std::string> removal{"rm", "--"};
  const auto containers = nlohmann::json::parse(listed.standard_output, nullptr, false);
  if (containers.is_array())
    for (const auto& container : containers)
      if (container.is_object() && container.value("imagename", "") == base_name_ && container.contains("id"))
        removal.push_back(container.value("id", ""));
  if (removal.size() > 2) {
    Command removing = command(std::move(removal), removal_time);
    co_await call(std::move(removing));
  }
  const auto base = by_digest(rebuild_.base);
  std::optional<KeyedLock::Place> place;
  const bool free =
      co_await names_of_bases().wait(base, context_.clock, context_.clock.steady() + patience_for_base);
  // Who still has it waits for a registry, most likely, and is far from writing names.
  if (free) place.emplace(names_of_bases(), base);
  // Names only: buildah keeps what another name still uses, and says so about names that are not there.
  Command untagging = command({"rmi", "--", image_name_, base_name_, base}, removal_time);
  co_await call(std::move(untagging));
}

Command ImageBuild::command(std::vector<std::string> arguments, Milliseconds timeout) const {
  const auto& tool = context_.config->builder;
  Command command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), tool.program);
  command.environment = access_.environment(tool);
  command.timeout = timeout;
  return command;
}

Task<ProcessResult> ImageBuild::call(Command command) const {
  const std::string program = command.argv.front();
  try {
    co_return co_await context_.launcher.run(std::move(command));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  throw Error(
      ErrorKind::not_found,
      fmt::format("there is no program '{}' to build images with: install buildah, or name another program "
                  "under 'tools: builder: program:'",
                  program));
}

bool is_free_base(const oci::Reference& base) {
  return !names_of_bases().is_stuck(by_digest(base));
}

std::vector<std::string> spellings(const oci::Reference& reference) {
  const auto& repository = reference.repository;
  std::vector<std::string> names{repository.text()};
  if (repository.registry == "docker.io") {
    names.push_back(repository.path);
    constexpr std::string_view official = "library/";
    if (repository.path.starts_with(official)) {
      const auto name = repository.path.substr(official.size());
      names.push_back("docker.io/" + name);
      names.push_back(name);
    }
  }
  const auto tag = reference.tag.value_or("latest");
  std::vector<std::string> result;
  for (const auto& name : names) {
    result.push_back(name + ":" + tag);
    if (tag == "latest") result.push_back(name);
  }
  return result;
}

}  // namespace sluice::triggers
