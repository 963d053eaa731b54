-- Tags of sets, by the name of the set. A row stays when its tag is gone, so that what it was can be asked for.
CREATE TABLE set_members (
  pipeline TEXT NOT NULL,
  tag      TEXT NOT NULL,
  state    TEXT NOT NULL,
  since    INTEGER NOT NULL,
  baseline INTEGER NOT NULL,
  PRIMARY KEY (pipeline, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX set_members_by_state ON set_members (pipeline, state);

-- When images were made, by digest, for sets that take the newest: a config is read once.
CREATE TABLE image_times (
  digest  TEXT PRIMARY KEY,
  created INTEGER
) STRICT, WITHOUT ROWID;
