#include "beneficiary/app/bos_feed.h"

#include <stop_token>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/cdc/record_file.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace beneficiary {

namespace cdc = daybook::cdc;
namespace store = daybook::store;

namespace {
constexpr absl::Duration kTick = absl::Milliseconds(20);
}  // namespace

struct BosFeed::Impl {
  Impl(const BosFeedOptions& o, Engine& e, Reporter r)
      : options(o), engine(e), reporter(std::move(r)), sink(e.beneficiaries(), e.clients()) {}

  void Run(const std::stop_token& stop) ABSL_LOCKS_EXCLUDED(mu);
  void Ingest() ABSL_LOCKS_EXCLUDED(mu);
  absl::Status Step();

  const BosFeedOptions options;
  Engine& engine;
  const Reporter reporter;
  ExecutorSink sink;
  std::unique_ptr<store::KeyValue> rows;
  std::unique_ptr<BosGateway> gateway;

  absl::Mutex mu;
  bool stopping ABSL_GUARDED_BY(mu) = false;
  bool ingested ABSL_GUARDED_BY(mu) = false;
  absl::Status status ABSL_GUARDED_BY(mu);             // why the gateway has stopped
  daybook::Position visible_from ABSL_GUARDED_BY(mu);  // a read model that reached it shows all that was ingested

  std::jthread thread;  // last: it uses all of the above
};

void BosFeed::Impl::Ingest() {
  const absl::Duration begun = options.clock->Monotonic();
  absl::Duration reported = begun;
  absl::Status result = gateway->IngestFile(options.records, [&](const IngestProgress& progress) {
    const absl::Duration now = options.clock->Monotonic();
    if (now - reported < absl::Seconds(1)) return;
    reported = now;
    reporter({progress, now - begun, false, absl::OkStatus()});
  });
  IngestProgress last;
  last.gateway = gateway->counters();
  reporter({last, options.clock->Monotonic() - begun, true, result});
  absl::MutexLock lock(&mu);
  status = std::move(result);
  ingested = true;
  visible_from = engine.store().DurableWatermark();
}

// Publishes what is due. All that there is was read, so that what the newest snapshot lacks can be looked for too.
absl::Status BosFeed::Impl::Step() {
  DAYBOOK_RETURN_IF_ERROR(gateway->Tick());
  if (!gateway->engine().SnapshotEndedAt()) return absl::OkStatus();
  DAYBOOK_ASSIGN_OR_RETURN(const bool done, gateway->engine().CheckSnapshot(kSnapshotRowsPerStep));
  if (done) LogSnapshotCheck(options.instance, gateway->engine().snapshot_check());
  return absl::OkStatus();
}

void BosFeed::Impl::Run(const std::stop_token& stop) {
  if (options.records.empty()) {
    absl::MutexLock lock(&mu);
    ingested = true;
  } else {
    Ingest();
  }
  while (!stop.stop_requested()) {
    {
      absl::MutexLock lock(&mu);
      mu.AwaitWithTimeout(absl::Condition(&stopping), kTick);
      if (stopping || !status.ok()) return;
    }
    if (absl::Status ticked = Step(); !ticked.ok()) {
      daybook::Log(daybook::LogLevel::kError, "the gateway has stopped", {{"error", ticked.ToString()}});
      absl::MutexLock lock(&mu);
      status = std::move(ticked);
      return;
    }
  }
}

absl::StatusOr<std::unique_ptr<BosFeed>> BosFeed::Start(const BosFeedOptions& options, Engine& engine,
                                                        Reporter reporter) {
  DAYBOOK_RETURN_IF_ERROR(CheckInstance(options.instance));
  // Said at once, rather than by the thread later.
  if (!options.records.empty()) DAYBOOK_RETURN_IF_ERROR(cdc::RecordFile::Open(options.records).status());
  auto impl = std::make_unique<Impl>(options, engine, std::move(reporter));
  if (options.data_dir.empty()) {
    impl->rows = store::NewMemoryKeyValue();
  } else {
    store::RocksKeyValueOptions rows;
    // Topics and keys of two instances may be the same, so neither rows nor positions can be shared.
    rows.path = absl::StrCat(options.data_dir, "/gateway/", options.instance);
    DAYBOOK_ASSIGN_OR_RETURN(impl->rows, store::OpenRocksKeyValue(rows));
  }
  BosGatewayOptions gateway;
  gateway.data_dir = options.data_dir;
  gateway.instance = options.instance;
  gateway.clock = options.clock;
  DAYBOOK_ASSIGN_OR_RETURN(impl->gateway, BosGateway::Open(gateway, impl->rows.get(), &impl->sink));
  std::unique_ptr<BosFeed> feed(new BosFeed(std::move(impl)));
  feed->impl_->thread = std::jthread([impl = feed->impl_.get()](const std::stop_token& stop) { impl->Run(stop); });
  return feed;
}

BosFeed::BosFeed(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BosFeed::~BosFeed() { Stop(); }

void BosFeed::Stop() {
  {
    absl::MutexLock lock(&impl_->mu);
    impl_->stopping = true;
  }
  impl_->gateway->Cancel();
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

absl::Status BosFeed::Readiness() const {
  absl::MutexLock lock(&impl_->mu);
  DAYBOOK_RETURN_IF_ERROR(daybook::Annotate(impl_->status, "gateway"));
  if (!impl_->ingested) return absl::UnavailableError(absl::StrCat("ingesting ", impl_->options.records));
  daybook::projection::ProjectionRunner& runner = impl_->engine.runner();
  const std::vector<std::string> pending = runner.Pending(runner.Names(), impl_->visible_from);
  if (pending.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("not yet shown by ", absl::StrJoin(pending, ", ")));
}

cdc::GatewayCounters BosFeed::counters() const { return impl_->gateway->counters(); }

}  // namespace beneficiary
