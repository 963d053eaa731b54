#include "triggers/git_source.hpp"

#include "core/error.hpp"
#include "core/lines.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>

#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

constexpr std::array<std::string_view, 4> schemes{"https://", "http://", "ssh://", "file:///"};

bool has_scheme(std::string_view text) {
  return std::any_of(schemes.begin(), schemes.end(),
                     [&](std::string_view scheme) { return text.starts_with(scheme); });
}

// git@host:path, the form that git-clone(1) calls scp-like.
bool is_scp_like(std::string_view text) {
  const auto at = text.find('@');
  const auto colon = text.find(':');
  return at != std::string_view::npos && at > 0 && colon != std::string_view::npos && at < colon &&
         text.find('/') > colon;
}

bool is_printing(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(ErrorKind::invalid, fmt::format("'{}' cannot be built: {}", printable(text, 200), why));
}

void check_url(std::string_view url) {
  if (url.starts_with('-') || !is_printing(url)) refuse(url, "this is not an address");
  if (is_scp_like(url)) return;
  if (!has_scheme(url))
    refuse(url, "git addresses start with https://, ssh://, file:/// or are user@host:path");
  const auto rest = url.substr(url.find("://") + 3);
  const auto user = rest.substr(0, std::min(rest.find('/'), rest.size()));
  const auto at = user.rfind('@');
  if (at != std::string_view::npos &&
      (user.substr(0, at).find(':') != std::string_view::npos || url.starts_with("http")))
    throw Error(
        ErrorKind::invalid,
        "a git address must not hold credentials: leave them to a git credential helper or an ssh key");
}

// What git says on stderr, in the C locale.
ErrorKind kind_of_output(std::string_view output) {
  static constexpr std::array<std::pair<std::string_view, ErrorKind>, 9> words{{
      {"couldn't find remote ref", ErrorKind::not_found},
      {"not our ref", ErrorKind::not_found},
      {"does not appear to be a git repository", ErrorKind::not_found},
      {"repository not found", ErrorKind::not_found},
      {"Repository not found", ErrorKind::not_found},
      {"Authentication failed", ErrorKind::unauthorized},
      {"could not read Username", ErrorKind::unauthorized},
      {"Permission denied (", ErrorKind::unauthorized},
      {"transport '", ErrorKind::invalid},
  }};
  for (const auto& [word, kind] : words)
    if (output.find(word) != std::string_view::npos) return kind;
  return ErrorKind::unavailable;
}

struct Git {
  Launcher& launcher;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string where;
  Milliseconds timeout;

  Task<std::string> operator()(std::vector<std::string> arguments) const {
    Command command;
    command.argv = {"git", "-c", "core.hooksPath=/dev/null"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    // Nothing may ask a question (ssh has no terminal to do so); only these transports, whatever a redirect
    // or a configured rewrite leads to. GIT_SSH_COMMAND would take the place of the operator's
    // core.sshCommand.
    command.environment = {{"GIT_TERMINAL_PROMPT", "0"},
                           {"GIT_ALLOW_PROTOCOL", "https:http:ssh:file"},
                           {"SSH_ASKPASS_REQUIRE", "never"},
                           {"LC_ALL", "C"}};
    command.environment.insert(command.environment.end(), environment.begin(), environment.end());
    command.timeout = timeout;
    const ProcessResult result = co_await launcher.run(std::move(command));
    if (result.ok()) co_return last_lines(result.output, 1);
    const auto said = printable(last_lines(result.output, 3), 600);
    if (result.timed_out)
      throw Error(ErrorKind::timeout, fmt::format("fetching {} did not end in time: {}", where, said));
    throw Error(kind_of_output(result.output), fmt::format("fetching {} failed: {}", where, said));
  }
};

}  // namespace

bool GitSource::looks_like(std::string_view text) {
  return text.find("://") != std::string_view::npos || (!text.starts_with('/') && is_scp_like(text));
}

GitSource GitSource::parse(std::string_view text) {
  GitSource source;
  const auto hash = text.find('#');
  source.url = text.substr(0, hash);
  check_url(source.url);
  std::string_view rest = hash == std::string_view::npos ? std::string_view{} : text.substr(hash + 1);
  const auto colon = rest.find(':');
  source.ref = rest.substr(0, colon);
  if (colon != std::string_view::npos) source.folder = rest.substr(colon + 1);
  if (source.ref.empty()) source.ref = "HEAD";
  // git-check-ref-format(1): none of these can be in a ref; a colon or plus would make it a refspec.
  const bool bad_ref =
      source.ref.starts_with('-') || source.ref.starts_with('+') || !is_printing(source.ref) ||
      source.ref.find_first_of("^~?*[\\:") != std::string::npos || source.ref.find("..") != std::string::npos;
  if (bad_ref) refuse(text, "the part after '#' is not a branch, tag or commit");
  if (!source.folder.empty() && !is_inner_path(source.folder))
    refuse(text, "its folder leads out of the repository");
  return source;
}

bool GitSource::follows(std::string_view pushed, bool is_default) const {
  if (ref == "HEAD") return is_default;
  return pushed == ref || pushed == "refs/heads/" + ref || pushed == "refs/tags/" + ref;
}

std::string git_place(std::string_view url) {
  if (url.starts_with("file:")) return {};
  const bool by_ssh = url.starts_with("ssh://") || url.find("://") == std::string_view::npos;
  const bool scp_like = url.find("://") == std::string_view::npos;
  if (!scp_like) url.remove_prefix(url.find("://") + 3);
  auto end = std::min(url.find(scp_like ? ':' : '/'), url.size());
  auto host = url.substr(0, end);
  host.remove_prefix(host.find('@') == std::string_view::npos ? 0 : host.find('@') + 1);
  // Servers speak ssh on a port of its own.
  if (by_ssh) host = host.substr(0, host.find(':'));
  auto path = trimmed(url.substr(std::min(end + 1, url.size())), "/");
  if (path.ends_with(".git")) path.remove_suffix(4);
  return lower(fmt::format("{}/{}", host, path));
}

Task<Checkout> fetch(Launcher& launcher, GitSource source, std::filesystem::path directory,
                     std::vector<std::pair<std::string, std::string>> environment, Milliseconds timeout) {
  const Git git{launcher, std::move(environment), source.url, timeout};
  const std::string place = directory.string();
  std::vector<std::string> init{"init", "--quiet", "--", place};
  co_await git(std::move(init));
  std::vector<std::string> get{"-C",        place, "fetch",    "--quiet", "--depth=1",
                               "--no-tags", "--",  source.url, source.ref};
  co_await git(std::move(get));
  std::vector<std::string> checkout{"-C", place, "checkout", "--quiet", "--detach", "FETCH_HEAD"};
  co_await git(std::move(checkout));
  std::vector<std::string> name{"-C", place, "rev-parse", "HEAD"};
  std::string commit = co_await git(std::move(name));
  const auto folder = source.folder.empty() ? directory : directory / source.folder;
  if (!leads_inside(directory, folder))
    refuse(source.url + "#" + source.ref + ":" + source.folder, "its folder leads out of the repository");
  co_return Checkout{.folder = folder, .commit = std::move(commit)};
}

bool leads_inside(const std::filesystem::path& directory, const std::filesystem::path& path) {
  std::error_code error;
  const auto end = std::filesystem::weakly_canonical(path, error);
  if (error) return false;
  const auto within = end.lexically_relative(std::filesystem::weakly_canonical(directory, error));
  return !error && !within.empty() && *within.begin() != "..";
}

bool is_inner_path(std::string_view path) {
  if (path.empty() || path.starts_with('/') || path.starts_with('-') ||
      path.find('\0') != std::string_view::npos)
    return false;
  const std::filesystem::path parts(path);
  return std::none_of(parts.begin(), parts.end(), [](const auto& part) { return part == ".."; });
}

}  // namespace sluice::triggers
