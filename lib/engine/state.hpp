#pragma once
// What the engine is made of; private to the room, shared by engine.cpp (life) and commands.cpp (what people
// ask for).

#include "engine/engine.hpp"
#include "engine/job_loop.hpp"
#include "engine/network.hpp"
#include "engine/poller.hpp"
#include "engine/receiver.hpp"
#include "engine/run_logger.hpp"
#include "engine/task_group.hpp"
#include "registry/client.hpp"
#include "registry/credential_sources.hpp"

#include <map>
#include <memory>
#include <string>

namespace sluice::engine {

struct Engine::State {
  State(World the_world, std::shared_ptr<const config::Config> the_config);

  /// The pipeline or member as configured now. Throws not_found, and invalid for a set.
  Task<config::Pipeline> pipeline(std::string name);
  /// The name, if it is that of a pipeline, a set or a member. Throws not_found.
  Task<std::string> pipeline_or_set(std::string name);
  /// New jobs or a new state may be there: loops and watchers look.
  void wake();
  /// Runs of pipelines that are gone from the configuration end; runs whose checks changed start again.
  Task<> fit_open_runs(std::shared_ptr<const config::Config> to);
  /// Deletes what is older than the configuration keeps, a piece at a time, until stop.
  Task<> retain();

  World world;
  std::shared_ptr<const config::Config> config;
  registry::CredentialSources credentials;
  Network network;
  registry::Client registry;
  Signal new_jobs;
  Signal changes;
  Signal stop;
  RunLogger logger;
  JobLoop jobs;
  Poller poller;
  Receiver receiver;
  bool stopping = false;
};

}  // namespace sluice::engine
