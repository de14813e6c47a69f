#ifndef BENEFICIARY_APP_ENGINE_H_
#define BENEFICIARY_APP_ENGINE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/app/query_side.h"
#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "daybook/base/clock.h"
#include "daybook/base/uuid_source.h"
#include "daybook/projection/event_source.h"
#include "daybook/projection/projector.h"
#include "daybook/projection/shown.h"
#include "daybook/runtime/executor.h"
#include "daybook/runtime/partition.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"

namespace beneficiary {

struct EngineOptions {
  std::string data_dir;  // holds events/0 and read-models; "" = in memory, for tests
  absl::Duration outcome_retention = absl::Hours(168);
  daybook::projection::ShownHandler on_shown;  // see projection/shown.h; may be empty
  const daybook::Clock* clock = &daybook::Clock::System();
  daybook::UuidSource* ids = &daybook::UuidSource::System();
  // Limits of queue, batches and cache; retention, clock and ids are those above.
  daybook::runtime::PartitionOptions partition;
};

// Log, committer, executors, projections and queries of the service, put together in one process.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto engine, Engine::Open({.data_dir = "/var/lib/beneficiary"}));
//   engine->beneficiaries().Execute(id, command, options, done);
//   engine->runner().WhenReached("detail.v1", position, absl::Seconds(2), shown);
//
// Thread safety: every method from any thread.
class Engine {
 public:
  // Errors as OpenRocksEventStore: kFailedPrecondition says that another process has the directory open.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options);

  // As Stop(zero).
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Refuses new commands, lets what waits finish within `grace`, ends the projections. Idempotent.
  void Stop(absl::Duration grace);

  daybook::store::EventStore& store() { return *store_; }
  daybook::store::KeyValue& read_models() { return *read_models_; }
  daybook::runtime::Partition& partition() { return *partition_; }
  daybook::runtime::Executor<Beneficiary>& beneficiaries() { return *beneficiaries_; }
  daybook::runtime::Executor<Client>& clients() { return *clients_; }
  QuerySide& queries() { return *queries_; }
  daybook::projection::ProjectionRunner& runner() { return queries_->runner(); }

  const DetailQuery& detail() const { return queries_->detail(); }
  const ListQuery& list() const { return queries_->list(); }
  const CompatQuery& compat() const { return queries_->compat(); }

  // OK once everything in the log is shown by every read model and writes are possible; else what is missing.
  absl::Status Readiness();

 private:
  Engine() = default;
  absl::Status Start(const EngineOptions& options);

  // In the order of their lives: each uses those before it.
  std::unique_ptr<daybook::store::EventStore> store_;
  std::unique_ptr<daybook::store::KeyValue> read_models_;
  std::unique_ptr<daybook::runtime::Partition> partition_;
  std::unique_ptr<daybook::runtime::Executor<Beneficiary>> beneficiaries_;
  std::unique_ptr<daybook::runtime::Executor<Client>> clients_;
  std::unique_ptr<daybook::projection::StoreEventSource> source_;
  std::unique_ptr<QuerySide> queries_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_ENGINE_H_
