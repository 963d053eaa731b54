-- Which checks a run began with. Open runs of an earlier version do not know and begin again.
ALTER TABLE runs ADD COLUMN checks TEXT NOT NULL DEFAULT '';
