#include "core/error.hpp"
#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

constexpr const char* select_promotions =
    "SELECT id, run, pipeline, target, stable_tag, unique_tag, digest, replaced, trigger, at FROM "
    "promotions ";

std::string promotions_where(const char* rest) {
  return std::string(select_promotions) + rest;
}

Promotion read_promotion(Query& row) {
  const auto id = row.number();
  const auto run = row.run_id();
  auto pipeline = row.text();
  auto target = row.text();
  auto stable_tag = row.text();
  auto unique_tag = row.text();
  Promotion result{.id = id,
                   .run = run,
                   .pipeline = std::move(pipeline),
                   .target = std::move(target),
                   .stable_tag = std::move(stable_tag),
                   .unique_tag = std::move(unique_tag),
                   .digest = row.digest()};
  result.replaced = row.maybe_digest();
  result.trigger = row.text();
  result.at = row.time();
  return result;
}

}  // namespace

std::int64_t Promotions::insert(const Promotion& row) {
  Query(
      db_,
      "INSERT INTO promotions (run, pipeline, target, stable_tag, unique_tag, digest, replaced, trigger, at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (run) DO NOTHING",
      row.run, row.pipeline, row.target, row.stable_tag, row.unique_tag, row.digest, row.replaced,
      row.trigger, row.at)
      .run();
  Query query(db_, "SELECT id FROM promotions WHERE run = ?1", row.run);
  const auto id = first(query, [](Query& found) { return found.number(); });
  if (!id) throw Error(ErrorKind::internal, "the promotion of run " + row.run.text() + " was not kept");
  return *id;
}

std::optional<Promotion> Promotions::latest(const std::string& target, const std::string& stable_tag) const {
  Query query(db_, promotions_where("WHERE target = ?1 AND stable_tag = ?2 ORDER BY id DESC LIMIT 1"), target,
              stable_tag);
  return first(query, read_promotion);
}

std::optional<Promotion> Promotions::of_run(RunId run) const {
  Query query(db_, promotions_where("WHERE run = ?1"), run);
  return first(query, read_promotion);
}

std::vector<Promotion> Promotions::history(const std::string& pipeline, int limit) const {
  Query query(db_, promotions_where("WHERE pipeline = ?1 ORDER BY id DESC LIMIT ?2"), pipeline,
              limited(limit));
  return all(query, read_promotion);
}

std::optional<Promotion> Promotions::at(const std::string& pipeline, Time at) const {
  Query query(db_, promotions_where("WHERE pipeline = ?1 AND at <= ?2 ORDER BY id DESC LIMIT 1"), pipeline,
              at);
  return first(query, read_promotion);
}

std::optional<Promotion> Promotions::of_digest(const std::string& pipeline, const oci::Digest& digest) const {
  Query query(db_, promotions_where("WHERE pipeline = ?1 AND digest = ?2 ORDER BY id DESC LIMIT 1"), pipeline,
              digest);
  return first(query, read_promotion);
}

}  // namespace sluice::store
