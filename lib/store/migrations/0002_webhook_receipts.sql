-- What was answered 2xx, so that a sender's repeat is known. Deliveries that concern nothing we watch leave no row.
CREATE TABLE webhook_receipts (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  hook     TEXT NOT NULL,
  delivery TEXT NOT NULL,
  received INTEGER NOT NULL,
  matched  INTEGER NOT NULL,
  UNIQUE (hook, delivery)
) STRICT;
CREATE INDEX webhook_receipts_by_time ON webhook_receipts (received);

-- A look at an upstream that a receipt promised and that was not made yet: at most one for each pipeline.
CREATE TABLE owed_looks (
  pipeline TEXT PRIMARY KEY,
  receipt  INTEGER NOT NULL,
  hook     TEXT NOT NULL,
  since    INTEGER NOT NULL
) STRICT;
