#pragma once
// The commands, one per file of the same name. Each returns the exit code, or throws Failure.

#include "find_daemon.hpp"

#include <optional>
#include <string>

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

int status(const Ask& options);

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

struct CheckConfigOptions {
  std::string file;
  bool json = false;
};
int check_config(const CheckConfigOptions& options);

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
