#pragma once
// The commands, one per file of the same name. Each returns the exit code, or throws Failure.

#include "find_daemon.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::daemon {

/// What every command that asks the daemon takes.
struct Ask {
  Where where;
  bool json = false;
};

struct RunsOptions : Ask {
  std::optional<std::string> status;
  std::optional<std::string> task;
  int limit = 20;
  bool watch = false;
};
int runs(const RunsOptions& options);

struct ShowOptions : Ask {
  std::string run;
};
int show(const ShowOptions& options);

struct LogsOptions : Ask {
  std::string run;
  bool follow = false;
};
int logs(const LogsOptions& options);

struct RunOptions : Ask {
  std::string pipeline;
  bool wait = false;
};
int run(const RunOptions& options);

struct HistoryOptions : Ask {
  std::string pipeline;
  std::optional<std::string> at;
  int limit = 20;
  bool full = false;
};
int history(const HistoryOptions& options);

struct StatusOptions : Ask {
  bool members = false;  // of sets of tags; JSON has them always
};
int status(const StatusOptions& options);

struct HoldOptions : Ask {
  std::string pipeline;
  std::string reason;
};
int hold(const HoldOptions& options);

struct ResumeOptions : Ask {
  std::string pipeline;
};
int resume(const ResumeOptions& options);

struct RollbackOptions : Ask {
  std::string pipeline;
  std::string to;
};
int rollback(const RollbackOptions& options);

struct CancelOptions : Ask {
  std::string run;
};
int cancel(const CancelOptions& options);

struct BackupOptions : Ask {
  std::string file;
};
int backup(const BackupOptions& options);

struct LoginOptions {
  std::optional<std::string> config;
  std::string registry;
  std::string user;  // empty: asked for
  bool password_stdin = false;
  std::string authfile;  // empty: the usual one
  std::string ca;
};
int login(const LoginOptions& options);

struct LogoutOptions {
  std::string registry;
  std::string authfile;  // empty: all usual ones
};
int logout(const LogoutOptions& options);

struct CheckConfigOptions {
  std::string file;
  bool json = false;
};
int check_config(const CheckConfigOptions& options);

struct WatchOptions {
  std::string image;
  std::string config;
  std::string name;     // empty: made from the image
  std::string staging;  // empty: as the other pipelines do
  std::string to;       // empty: as the other pipelines do
  std::string every;    // empty: the registry's pace
  bool dry_run = false;
  bool json = false;
};
int watch(const WatchOptions& options);

struct ImportConfigOptions {
  std::string from;  // one of config::import_sources()
  std::vector<std::string> files;
  std::string out;      // empty: standard output
  std::string staging;  // what stands before the names of repositories, empty: chosen
  std::string to;
  bool json = false;
};
int import_config(const ImportConfigOptions& options);

/// What every command takes that talks to registries itself.
struct Reach {
  std::optional<std::string> config;
  bool json = false;
};

struct CopyOptions : Reach {
  std::string source;
  std::string target;
  std::string list;  // file with "SOURCE TARGET" lines, "-" for stdin; instead of source and target
  std::vector<std::string> platforms;
  bool referrers = false;
  bool thorough = false;
  bool force = false;
  std::optional<std::string> foreign_layers;  // "skip" or "copy"; none: as the configuration says
  bool plan = false;
  bool quiet = false;
  int jobs = 4;
  int retries = 3;
};
int copy(const CopyOptions& options);

struct InspectOptions : Reach {
  std::string image;
  std::optional<std::string> platform;
  bool raw = false;
  bool image_config = false;
  bool referrers = false;
};
int inspect(const InspectOptions& options);

struct DigestOptions : Reach {
  std::string image;
  std::optional<std::string> platform;
};
int digest(const DigestOptions& options);

struct TagsOptions : Reach {
  std::string repository;
  std::vector<std::string> globs;
  std::vector<std::string> exclude;
  std::optional<std::string> semver;
  bool pre_releases = false;
  std::optional<std::string> match;
  int newest = 0;  // 0: all
};
int tags(const TagsOptions& options);

struct WebhookUrlOptions {
  std::string config;
  std::string name;
  bool reveal = false;
};
int webhook_url(const WebhookUrlOptions& options);

struct WebhookTestOptions {
  std::string config;
  std::string name;
  std::string payload;
  std::string headers;
  bool json = false;
};
int webhook_test(const WebhookTestOptions& options);

struct ServeOptions {
  std::string config;
};
int serve(const ServeOptions& options);

}  // namespace sluice::daemon
