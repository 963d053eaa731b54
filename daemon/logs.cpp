// `sluice logs RUN`: what the steps of a run wrote.

#include "commands.hpp"
#include "exit_code.hpp"
#include "log_reader.hpp"

namespace sluice::daemon {

int logs(const LogsOptions& options) {
  ApiClient client(find_daemon(options.where));
  print_log(client, options.run, options.follow, options.json);
  return exit_code::ok;
}

}  // namespace sluice::daemon
