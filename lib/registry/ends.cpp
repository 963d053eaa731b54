#include "registry/ends.hpp"

#include "core/error.hpp"
#include "core/follow_links.hpp"
#include "registry/directory.hpp"
#include "registry/docker_archive.hpp"
#include "registry/layout.hpp"
#include "registry/repository.hpp"
#include "registry/tar.hpp"

namespace sluice::registry {
namespace {

Task<std::unique_ptr<Files>> open_tar(Workers& workers, std::filesystem::path path) {
  auto open = [&workers, path = std::move(path)]() -> std::unique_ptr<Files> {
    return Tar::open(workers, path);
  };
  co_return co_await workers.run(std::move(open));
}

std::string name_of(const Place& place) {
  Place whole = place;
  if (place.is_named()) whole.repository = {};
  whole.tag.reset();
  whole.position.reset();
  whole.digest.reset();
  return whole.text();
}

// As skopeo: an archive is written in one go, so that what was in it would be lost. An empty file is what
// mktemp leaves. It gets its name when it is whole, which no device and no pipe may lose to it.
std::filesystem::path archive_to_write(const std::filesystem::path& path, bool replace) {
  const auto file = follow_links(path);
  std::error_code none;
  const auto there = std::filesystem::status(file, none);
  if (!std::filesystem::exists(there)) return file;
  if (!std::filesystem::is_regular_file(there))
    throw Error(ErrorKind::invalid,
                path.string() + " is no regular file: an archive cannot be written there");
  if (replace || std::filesystem::is_empty(file, none)) return file;
  throw Error(ErrorKind::conflict, path.string() +
                                       " is there already, and nothing can be added to an archive: choose "
                                       "another name, or replace it with --force");
}

template <class Kind>
Task<std::unique_ptr<Source>> opened(std::unique_ptr<Kind> source) {
  co_await source->open();
  co_return std::move(source);
}

}  // namespace

Task<std::unique_ptr<Source>> open_source(Session& session, Workers& workers, Place place) {
  const std::string name = name_of(place);
  if (place.kind == PlaceKind::registry)
    co_return std::make_unique<RepositorySource>(session, std::move(place.repository));
  if (place.kind == PlaceKind::layout)
    co_return co_await opened(
        std::make_unique<LayoutSource>(std::make_unique<Directory>(workers, place.path), name));
  auto files = co_await open_tar(workers, place.path);
  // Newer versions of docker save write a layout too: it keeps the image's own digest.
  const bool layout = files->size("oci-layout") && files->size("index.json");
  if (place.kind == PlaceKind::oci_archive || layout)
    co_return co_await opened(std::make_unique<LayoutSource>(std::move(files), name));
  co_return co_await opened(std::make_unique<DockerArchiveSource>(std::move(files), name));
}

Task<std::unique_ptr<Target>> open_target(Session& session, UploadNotes& notes, Workers& workers, Place place,
                                          TargetOptions options) {
  const std::string name = name_of(place);
  if (place.kind == PlaceKind::registry)
    co_return std::make_unique<RepositoryTarget>(session, notes, std::move(place.repository));
  std::unique_ptr<NewFiles> files;
  std::optional<std::string> docker;
  if (place.kind == PlaceKind::layout) {
    files = std::make_unique<NewDirectory>(workers, session.clock(), place.path);
  } else {
    files = std::make_unique<NewTar>(workers, archive_to_write(place.path, options.replace));
  }
  if (place.kind == PlaceKind::docker_archive) docker = std::move(options.docker_name);
  auto target = std::make_unique<LayoutTarget>(std::move(files), name, std::move(docker), options.thorough);
  co_await target->open();
  co_return std::move(target);
}

}  // namespace sluice::registry
