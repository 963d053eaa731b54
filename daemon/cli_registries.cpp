// The command line of what works without a daemon: copy, inspect, digest, tags, login, logout.

#include "cli_command.hpp"
#include "commands.hpp"

#include <string>

namespace sluice::daemon {
namespace {

void add_reach_config(CLI::App& command, std::optional<std::string>& config) {
  command.add_option("--config", config, "configuration whose `registries` say how to reach them")
      ->type_name("FILE")
      ->envname("SLUICE_CONFIG");
}

void add_logins(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_login =
      command(app, chosen, "login", "try a user and password at a registry and keep them", login, sub);
  sub->add_option("registry", of_login->registry, "host[:port], or docker.io")
      ->required()
      ->type_name("REGISTRY");
  sub->add_option("-u,--username", of_login->user, "user name (default: ask for it)")->type_name("USER");
  sub->add_flag("--password-stdin", of_login->password_stdin, "read the password from standard input");
  sub->add_option("--authfile", of_login->authfile,
                  "where to keep it (default: docker's or $REGISTRY_AUTH_FILE)")
      ->type_name("FILE");
  sub->add_option("--ca", of_login->ca, "authority to trust, besides the system's")->type_name("FILE");
  add_reach_config(*sub, of_login->config);

  auto of_logout = command(app, chosen, "logout", "forget the login for a registry", logout, sub);
  sub->add_option("registry", of_logout->registry, "host[:port], or docker.io")
      ->required()
      ->type_name("REGISTRY");
  sub->add_option("--authfile", of_logout->authfile, "where it is kept (default: all usual places)")
      ->type_name("FILE");
}

void add_reach(CLI::App& command, Reach& reach) {
  add_reach_config(command, reach.config);
  command.add_flag("--json", reach.json, "print the result as JSON");
}

void add_copy(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_copy = command(app, chosen, "copy", "copy an image from anywhere to anywhere", copy, sub);
  sub->footer(
      "Places: REGISTRY/REPOSITORY[:TAG|@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG],\n"
      "docker-archive:FILE[:NAME:TAG|:TAG]. @DIGEST may stand for a TAG of a source, and :@N for the image "
      "at\n"
      "position N (from 0) of the list in a layout or archive. A docker archive's FILE ends at the first\n"
      "colon; NAME:TAG is what `docker load` will call the image, or a name in it; a TAG alone means the\n"
      "source's name, or the only image with that tag. Nothing is added to an archive: one that is there is\n"
      "refused, or replaced with --force. Many copies may add to one layout at once.");
  auto* source = sub->add_option("source", of_copy->source, "what to copy")->type_name("SOURCE");
  auto* target = sub->add_option("target", of_copy->target, "where to")->type_name("TARGET");
  sub->add_option("--list", of_copy->list, "copy each \"SOURCE TARGET\" line of a file (- is stdin)")
      ->type_name("FILE")
      ->excludes(source)
      ->excludes(target);
  sub->callback([&chosen, of_copy] {
    if (of_copy->list.empty() && (of_copy->source.empty() || of_copy->target.empty()))
      throw CLI::RequiredError("SOURCE and TARGET, or --list");
    chosen.command = [of_copy] { return copy(*of_copy); };
  });
  sub->add_option("--platform", of_copy->platforms, "only the image for this platform; may be repeated")
      ->allow_extra_args(false)
      ->type_name("OS/ARCH");
  sub->add_flag("--referrers", of_copy->referrers, "bring signatures, SBOMs and attestations along");
  sub->add_flag("--thorough", of_copy->thorough,
                "look at each blob, even below manifests that are there;\nhash what lies in a directory, and "
                "repair it");
  sub->add_flag("--force", of_copy->force, "replace an archive that is there");
  sub->add_option("--foreign-layers", of_copy->foreign_layers,
                  "what to do with layers that live elsewhere: skip (default) or copy")
      ->check(CLI::IsMember({"skip", "copy"}))
      ->type_name("POLICY");
  sub->add_flag("--plan", of_copy->plan, "only say what would move");
  sub->add_flag("-q,--quiet", of_copy->quiet, "no progress");
  sub->add_option("--jobs", of_copy->jobs, "images of a list that are copied at once")
      ->check(CLI::Range(1, 64))
      ->type_name("N")
      ->capture_default_str();
  sub->add_option("--retries", of_copy->retries, "further tries after failures that may pass")
      ->check(CLI::Range(0, 100))
      ->type_name("N")
      ->capture_default_str();
  add_reach(*sub, *of_copy);
}

void add_registry_readers(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_inspect = command(app, chosen, "inspect", "show an image of a registry", inspect, sub);
  sub->add_option("image", of_inspect->image, "the image, as for copy")->required()->type_name("IMAGE");
  sub->add_option("--platform", of_inspect->platform, "the image for this platform")->type_name("OS/ARCH");
  sub->add_flag("--referrers", of_inspect->referrers, "with what refers to it");
  auto* raw = sub->add_flag("--raw", of_inspect->raw, "print the manifest's exact bytes");
  sub->add_flag("--image-config", of_inspect->image_config, "print the image config's exact bytes")
      ->excludes(raw);
  add_reach(*sub, *of_inspect);

  auto of_digest = command(app, chosen, "digest", "print the digest that a tag names", digest, sub);
  sub->add_option("image", of_digest->image, "the image, as for copy")->required()->type_name("IMAGE");
  sub->add_option("--platform", of_digest->platform, "of the image for this platform")->type_name("OS/ARCH");
  add_reach(*sub, *of_digest);

  auto of_tags = command(app, chosen, "tags", "list the tags of a repository", tags, sub);
  sub->add_option("repository", of_tags->repository, "repository, layout or archive")
      ->required()
      ->type_name("REPOSITORY");
  sub->add_option("--glob", of_tags->globs, "only tags that one of these fits, such as \"20*-alpine\"")
      ->type_name("GLOB");
  sub->add_option("--exclude", of_tags->exclude, "without tags that one of these fits")->type_name("GLOB");
  sub->add_option("--match", of_tags->match, "only tags that match this as a whole (RE2)")
      ->type_name("PATTERN");
  sub->add_option("--semver", of_tags->semver, "only versions in this range, newest first; \"*\" is all")
      ->type_name("RANGE");
  sub->add_flag("--pre-releases", of_tags->pre_releases, "with pre-releases such as 1.2.0-rc.1");
  sub->add_option("--newest", of_tags->newest, "only so many of the newest versions")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  add_reach(*sub, *of_tags);
}

}  // namespace

void add_registry_commands(CLI::App& app, Chosen& chosen) {
  add_copy(app, chosen);
  add_registry_readers(app, chosen);
  add_logins(app, chosen);
}

}  // namespace sluice::daemon
