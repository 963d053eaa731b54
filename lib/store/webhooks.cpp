#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {

std::optional<std::int64_t> Webhooks::accept(const Receipt& receipt, bool once) {
  // REPLACE takes a new number, which owed_looks needs: the look promised now is another one.
  const char* sql =
      once ? "INSERT INTO webhook_receipts (hook, delivery, received, matched) VALUES (?1, ?2, ?3, ?4) "
             "ON CONFLICT (hook, delivery) DO NOTHING"
           : "INSERT OR REPLACE INTO webhook_receipts (hook, delivery, received, matched) "
             "VALUES (?1, ?2, ?3, ?4)";
  const int changed =
      Query(db_, sql, receipt.hook, receipt.delivery, receipt.received, receipt.matched).run();
  if (changed == 0) return std::nullopt;
  return db_.last_id();
}

void Webhooks::owe(const OwedLook& look) {
  Query(db_,
        "INSERT INTO owed_looks (pipeline, receipt, hook, since) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (pipeline) DO UPDATE SET receipt = max(receipt, excluded.receipt), hook = excluded.hook",
        look.pipeline, look.receipt, look.hook, look.since)
      .run();
}

void Webhooks::looked(const std::string& pipeline, std::int64_t receipt) {
  Query(db_, "DELETE FROM owed_looks WHERE pipeline = ?1 AND receipt <= ?2", pipeline, receipt).run();
}

std::vector<OwedLook> Webhooks::owed() const {
  Query query(db_, "SELECT pipeline, receipt, hook, since FROM owed_looks ORDER BY pipeline");
  return all(query, [](Query& row) {
    OwedLook look;
    look.pipeline = row.text();
    look.receipt = row.number();
    look.hook = row.text();
    look.since = row.time();
    return look;
  });
}

int Webhooks::forget(Time before, int limit) {
  return Query(
             db_,
             "DELETE FROM webhook_receipts WHERE id IN (SELECT id FROM webhook_receipts WHERE received < ?1 "
             "ORDER BY received LIMIT ?2)",
             before, limited(limit))
      .run();
}

}  // namespace sluice::store
