#include "beneficiary/app/engine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/store/memory/memory_event_store.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace beneficiary {

namespace projection = daybook::projection;
namespace runtime = daybook::runtime;
namespace store = daybook::store;

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  std::unique_ptr<Engine> engine(new Engine());
  DAYBOOK_RETURN_IF_ERROR(engine->Start(options));
  return engine;
}

Engine::~Engine() { Stop(absl::ZeroDuration()); }

absl::Status Engine::Start(const EngineOptions& options) {
  if (options.data_dir.empty()) {
    store_ = store::NewMemoryEventStore();
    read_models_ = store::NewMemoryKeyValue();
  } else {
    store::RocksEventStoreOptions events;
    events.path = absl::StrCat(options.data_dir, "/events/0");
    events.outcome_retention = options.outcome_retention;
    DAYBOOK_ASSIGN_OR_RETURN(store_, store::OpenRocksEventStore(events));
    store::RocksKeyValueOptions models;
    models.path = absl::StrCat(options.data_dir, "/read-models");
    DAYBOOK_ASSIGN_OR_RETURN(read_models_, store::OpenRocksKeyValue(models));
  }
  runtime::PartitionOptions partition = options.partition;
  partition.outcome_retention = options.outcome_retention;
  partition.clock = options.clock;
  partition.ids = options.ids;
  DAYBOOK_ASSIGN_OR_RETURN(partition_, runtime::Partition::Start(partition, *store_));
  beneficiaries_ = std::make_unique<runtime::Executor<Beneficiary>>(*partition_);
  clients_ = std::make_unique<runtime::Executor<Client>>(*partition_);

  source_ = std::make_unique<projection::StoreEventSource>(*store_);
  DAYBOOK_ASSIGN_OR_RETURN(
      queries_, QuerySide::Open(*source_, *read_models_, {.on_shown = options.on_shown, .clock = options.clock}));
  return absl::OkStatus();
}

void Engine::Stop(absl::Duration grace) {
  if (partition_ != nullptr) partition_->Stop(grace);
  if (queries_ != nullptr) queries_->Stop();
}

absl::Status Engine::Readiness() {
  DAYBOOK_RETURN_IF_ERROR(partition_->health());
  return runner().Readiness();
}

}  // namespace beneficiary
