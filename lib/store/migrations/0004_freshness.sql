-- When a change of an upstream came about, as far as that is known: not_before is when the look before began. The rows follow the
-- history, which is never deleted.
CREATE TABLE detections (
  observation INTEGER PRIMARY KEY REFERENCES observations (id) ON DELETE CASCADE,
  watch       TEXT NOT NULL,
  seen        INTEGER NOT NULL,
  not_before  INTEGER NOT NULL,
  changed     INTEGER,
  known_by    TEXT NOT NULL
) STRICT;
CREATE INDEX detections_by_watch ON detections (watch);

-- Whether webhooks tell of the changes of a watch: one row for each watch that changed since it is watched.
CREATE TABLE hook_records (
  watch     TEXT PRIMARY KEY,
  told      INTEGER NOT NULL,
  missed    INTEGER NOT NULL,
  streak    INTEGER NOT NULL,
  delivered INTEGER,
  untold    INTEGER
) STRICT;

-- One row for each status: how many runs have it now, and how many came into it. Kept by triggers, since counting the runs
-- themselves would read all of them.
CREATE TABLE run_counts (
  status TEXT PRIMARY KEY,
  now    INTEGER NOT NULL,
  ever   INTEGER NOT NULL
) STRICT;
INSERT INTO run_counts SELECT status, count(*), count(*) FROM runs GROUP BY status;

CREATE TRIGGER runs_inserted AFTER INSERT ON runs BEGIN
  INSERT INTO run_counts VALUES (NEW.status, 1, 1) ON CONFLICT (status) DO UPDATE SET now = now + 1, ever = ever + 1;
END;
CREATE TRIGGER runs_changed AFTER UPDATE OF status ON runs WHEN NEW.status <> OLD.status BEGIN
  UPDATE run_counts SET now = now - 1 WHERE status = OLD.status;
  INSERT INTO run_counts VALUES (NEW.status, 1, 1) ON CONFLICT (status) DO UPDATE SET now = now + 1, ever = ever + 1;
END;
CREATE TRIGGER runs_deleted AFTER DELETE ON runs BEGIN
  UPDATE run_counts SET now = now - 1 WHERE status = OLD.status;
END;
