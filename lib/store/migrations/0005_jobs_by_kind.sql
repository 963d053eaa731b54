-- Kinds of jobs have slots of their own, so what is due of one kind is found among any number of another.
DROP INDEX jobs_by_due;
CREATE INDEX jobs_by_kind ON jobs (kind, due);
