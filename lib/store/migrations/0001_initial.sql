-- Times are microseconds since 1970-01-01 UTC, digests are texts like "sha256:...", states are the texts of the rooms that own them.
-- Each index serves statements of lib/store; a test reads the query plan of every one of them.

-- One row: the random id of this database, part of idempotency keys.
CREATE TABLE instance (id TEXT NOT NULL) STRICT;

-- AUTOINCREMENT: the number of a run is its name for people, so it is never used again, not even after retention.
CREATE TABLE runs (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  kind          TEXT NOT NULL,
  task          TEXT NOT NULL,
  pipeline      TEXT NOT NULL,
  platform      TEXT NOT NULL,
  state         TEXT NOT NULL,
  status        TEXT NOT NULL,
  trigger       TEXT NOT NULL,
  digest        TEXT,
  source        TEXT NOT NULL,
  checks_total  INTEGER NOT NULL,
  checks_passed INTEGER NOT NULL,
  waiting_for   TEXT NOT NULL,
  outcome       TEXT NOT NULL,
  parent        INTEGER REFERENCES runs (id) ON DELETE SET NULL,
  created       INTEGER NOT NULL,
  started       INTEGER,
  ended         INTEGER
) STRICT;
-- The row id is the last column of each index, so these also give "newest first".
CREATE INDEX runs_by_status ON runs (status);
CREATE INDEX runs_by_task ON runs (task);
CREATE INDEX runs_by_pipeline ON runs (pipeline);
CREATE INDEX runs_by_parent ON runs (parent);
CREATE INDEX runs_by_digest ON runs (pipeline, digest);
CREATE INDEX runs_open ON runs (ended, pipeline) WHERE ended IS NULL;
CREATE INDEX runs_ended ON runs (ended) WHERE ended IS NOT NULL AND parent IS NULL;

CREATE TABLE run_log (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  at   INTEGER NOT NULL,
  step TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX run_log_by_run ON run_log (run);

CREATE TABLE steps (
  id      INTEGER PRIMARY KEY,
  run     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name    TEXT NOT NULL,
  result  TEXT NOT NULL,
  detail  TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER,
  UNIQUE (run, name)
) STRICT;

-- History is never deleted; only the link to a run that retention took is lost.
CREATE TABLE observations (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  pipeline   TEXT NOT NULL,
  reference  TEXT NOT NULL,
  digest     TEXT NOT NULL,
  media_type TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  learned_by TEXT NOT NULL,
  run        INTEGER REFERENCES runs (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX observations_by_pipeline ON observations (pipeline);
CREATE INDEX observations_by_time ON observations (pipeline, first_seen);
CREATE INDEX observations_by_run ON observations (run);

-- No reference to runs: a promotion outlives its run.
CREATE TABLE promotions (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  run        INTEGER NOT NULL UNIQUE,
  pipeline   TEXT NOT NULL,
  target     TEXT NOT NULL,
  stable_tag TEXT NOT NULL,
  unique_tag TEXT NOT NULL,
  digest     TEXT NOT NULL,
  replaced   TEXT,
  trigger    TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX promotions_by_target ON promotions (target, stable_tag);
CREATE INDEX promotions_by_pipeline ON promotions (pipeline);
CREATE INDEX promotions_by_digest ON promotions (pipeline, digest);

CREATE TABLE holds (
  pipeline TEXT PRIMARY KEY,
  reason   TEXT NOT NULL,
  held_by  TEXT NOT NULL,
  since    INTEGER NOT NULL
) STRICT;

CREATE TABLE rebuilds (
  run             INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  promotion_run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  dependent       TEXT NOT NULL,
  image           TEXT NOT NULL,
  wave            INTEGER NOT NULL,
  state           TEXT NOT NULL,
  base            TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  dispatched      INTEGER,
  deadline        INTEGER,
  confirmed       INTEGER,
  digest          TEXT
) STRICT;
CREATE INDEX rebuilds_by_promotion ON rebuilds (promotion_run, wave, dependent);
CREATE INDEX rebuilds_by_state ON rebuilds (dependent, state);

-- Only unfinished work. AUTOINCREMENT: a late worker must never meet another job under its number.
CREATE TABLE jobs (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  kind         TEXT NOT NULL,
  run          INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  idx          INTEGER NOT NULL,
  attempt      INTEGER NOT NULL,
  failures     INTEGER NOT NULL,
  due          INTEGER NOT NULL,
  leased_until INTEGER,
  last_error   TEXT NOT NULL,
  created      INTEGER NOT NULL,
  UNIQUE (run, kind, idx)
) STRICT;
CREATE INDEX jobs_by_due ON jobs (due);
CREATE INDEX jobs_by_lease ON jobs (leased_until, due);

CREATE TABLE audit (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  who      TEXT NOT NULL,
  action   TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  detail   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_pipeline ON audit (pipeline);
