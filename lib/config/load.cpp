#include "config/config.hpp"
#include "config/document.hpp"
#include "config/read.hpp"
#include "config/section_impl.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sluice::config {
namespace {

std::shared_ptr<const Config> read_config(Section root, const std::filesystem::path& file, const Parts& parts,
                                          const SecretSources& secrets) {
  Draft draft;
  draft.config.file = file;
  read_store(root.section("store"), draft.config);
  read_server(root.section("server"), draft.config, secrets);
  read_engine(root.section("engine"), draft.config);
  read_log(root.section("log"), draft.config);
  read_tools(root.section("tools"), draft.config);
  read_docker_config(root, draft.config);
  read_network(root, draft.config);
  read_registries(root, draft.config, secrets);
  read_webhooks(root, draft.config, parts);
  read_pipelines(root, draft, parts, secrets);
  read_dependents(root, draft, parts);
  root.done();
  draft.config.index();
  check_rules(root, draft);
  return std::make_shared<const Config>(std::move(draft.config));
}

Loaded refused(const std::filesystem::path& file, std::string why, std::string advice = {}) {
  return {.config = nullptr,
          .diagnostics = {.file = file.string(), .errors = {{{}, std::move(why), std::move(advice)}}}};
}

}  // namespace

Loaded parse(const std::string& text, const std::filesystem::path& file, const Parts& parts,
             const SecretSources& secrets) {
  auto context = std::make_shared<Context>(Context{.notes = {}, .secrets = secrets});
  Loaded loaded;
  if (const auto document = read_document(text, context->notes))
    loaded.config = read_config(section_on(context, *document, position_of(*document)), file, parts, secrets);
  loaded.diagnostics = context->notes.take();
  loaded.diagnostics.file = file.string();
  if (!loaded.diagnostics.ok()) loaded.config.reset();
  return loaded;
}

Loaded load(const std::filesystem::path& file, const Parts& parts, const SecretSources& secrets) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return refused(file, "this is a directory, not a file");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  // One byte more than is allowed tells that there is too much.
  std::string text(largest_file + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad())
    return refused(file, std::string("the file cannot be read: ") + std::strerror(errno),
                   "check its path and permissions");
  text.resize(static_cast<std::size_t>(in.gcount()));
  text.shrink_to_fit();
  return parse(text, file, parts, secrets);
}

}  // namespace sluice::config
