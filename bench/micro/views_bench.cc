// The read models: rendering, the pages that the endpoints serve, and a rebuild. The floor of a page is the copy of its
// bytes into a new string, which every server pays.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "beneficiary/projections/compat.h"
#include "beneficiary/projections/detail.h"
#include "beneficiary/projections/list.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/check.h"
#include "daybook/base/uuid_source.h"
#include "daybook/codec/envelope.h"
#include "daybook/codec/event_codec.h"
#include "daybook/projection/projector.h"
#include "daybook/store/memory/memory_event_store.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace beneficiary {
namespace {

constexpr int kClients = 100;
constexpr int kBeneficiariesPerClient = 60;

events::v1::BeneficiaryRegistered SampleBeneficiary(int n) {
  events::v1::BeneficiaryRegistered e;
  e.set_id(daybook::NameBasedUuid(daybook::kUuidNamespaceDns, std::to_string(n)).ToString());
  e.set_client_id("EBPCLI" + std::to_string(100'000 + n % kClients));
  e.mutable_details()->set_name("Acme Iberia SL " + std::to_string(n));
  e.mutable_details()->set_type(types::v1::ENTITY_TYPE_BUSINESS);
  e.mutable_details()->set_reference_information("Invoice");
  e.mutable_details()->set_reason_for_trade("supplier_payment");
  e.add_aliases()->set_alias("acme-es-" + std::to_string(n));
  e.add_emails()->set_email("accounts.payable." + std::to_string(n) + "@example.org");
  types::v1::Address& address = *e.mutable_address();
  address.set_street_name("C. de Sevilla");
  address.set_building_number("101");
  address.set_floor("2");
  address.set_city("Madrid");
  address.set_state_region("Madrid");
  address.set_post_code("28014");
  address.set_country_code("ES");
  types::v1::BankAccount& account = *e.add_bank_accounts();
  account.set_id(daybook::NameBasedUuid(daybook::kUuidNamespaceDns, "account " + std::to_string(n)).ToString());
  account.set_legacy_id(std::to_string(n));
  account.set_account_holder("Acme Iberia SL");
  account.set_currency("EUR");
  account.set_iban("ES9121000418450200051332");
  account.set_swift_code("CAIXESBBXXX");
  account.mutable_bank()->set_name("CaixaBank");
  account.mutable_bank()->set_country_code("ES");
  account.set_active(true);
  account.set_is_default(true);
  e.set_active(true);
  e.mutable_origin()->set_system("bos");
  e.mutable_origin()->set_instance("uk");
  e.mutable_origin()->set_id(std::to_string(n));
  e.set_created_at_us(1'700'000'000'123'456);
  e.set_updated_at_us(1'700'000'000'123'456);
  return e;
}

state::v1::BeneficiaryState SampleState() {
  state::v1::BeneficiaryState state;
  Beneficiary::Evolve(state, SampleBeneficiary(1));
  return state;
}

template <class A>
void Append(daybook::store::EventStore& store, daybook::store::Batch& batch, std::string_view key,
            const std::vector<typename A::Event>& events, bool last) {
  static const daybook::codec::EventCodec<typename A::Event> codec;
  daybook::store::StreamAppend append;
  append.stream = daybook::StreamId(A::kCategory, key);
  const daybook::CommandId command{daybook::NameBasedUuid(daybook::kUuidNamespaceDns, key)};
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    daybook::codec::EnvelopeFields fields;
    fields.event_id = daybook::codec::EventIdOf(command, i);
    fields.command_id = command;
    fields.event_index = i;
    fields.event_count = static_cast<std::uint32_t>(events.size());
    std::string envelope;
    daybook::codec::EncodeEnvelope(fields, envelope);
    append.events.push_back({codec.TypeOf(events[i]), std::move(envelope), codec.Encode(events[i])});
  }
  batch.appends.push_back(std::move(append));
  if (!last) return;
  DAYBOOK_CHECK(store.Append(batch).ok(), "the log takes the events");
  batch.appends.clear();
}

// A log as a first ingestion writes it: each beneficiary is registered and synced, half of them change twice later.
std::unique_ptr<daybook::store::EventStore> MakeLog() {
  auto store = daybook::store::NewMemoryEventStore();
  daybook::store::Batch batch;
  batch.epoch = *store->ClaimEpoch();
  for (int c = 0; c < kClients; ++c) {
    events::v1::ClientListed listed;
    listed.set_instance("uk");
    listed.set_client_id("EBPCLI" + std::to_string(100'000 + c));
    Append<Client>(*store, batch, "client " + std::to_string(c), {listed}, true);
  }
  for (int round = 0; round < 3; ++round) {
    for (int n = 0; n < kClients * kBeneficiariesPerClient; n += round == 0 ? 1 : 2) {
      const events::v1::BeneficiaryRegistered e = SampleBeneficiary(n);
      events::v1::SyncedFromBos synced;
      types::v1::BosImage& image = *synced.mutable_image();
      image.set_client_id(e.client_id());
      *image.mutable_details() = e.details();
      *image.mutable_address() = e.address();
      *image.mutable_bank_accounts() = e.bank_accounts();
      image.set_created_at_us(e.created_at_us());
      image.set_updated_at_us(e.updated_at_us());
      synced.set_updated_at_us(e.updated_at_us());
      events::v1::DetailsAmended amended;
      *amended.mutable_details() = e.details();
      amended.mutable_details()->set_reference_information("Round " + std::to_string(round));
      const Beneficiary::Event first = round == 0 ? Beneficiary::Event(e) : Beneficiary::Event(amended);
      Append<Beneficiary>(*store, batch, e.id(), {first, synced}, n % 64 >= 62);
    }
    if (!batch.appends.empty()) DAYBOOK_CHECK(store->Append(batch).ok(), "the log takes the events");
    batch.appends.clear();
  }
  return store;
}

// The three read models on RocksDB, filled once for all benchmarks.
class Models {
 public:
  static Models& Instance() {
    static Models models;
    return models;
  }

  daybook::store::EventStore& log() { return *log_; }
  CompatQuery Compat(CompatQuery::Options options) { return CompatQuery(Model("compat.v1"), options); }
  ListQuery List() { return ListQuery(Model("list.v1")); }
  DetailQuery Details() { return DetailQuery(Model("detail.v1")); }

  // A new directory, removed at the program's end.
  std::unique_ptr<daybook::store::KeyValue> OpenEmpty(const std::string& name) {
    std::filesystem::remove_all(path_ / name);
    auto models = daybook::store::OpenRocksKeyValue({.path = (path_ / name).string()});
    DAYBOOK_CHECK(models.ok(), "the key-value store opens");
    return *std::move(models);
  }

  void Fill(daybook::store::KeyValue& models) {
    daybook::projection::ProjectionRunner runner(*log_, models, {});
    DAYBOOK_CHECK((runner.Add<DetailProjection, Beneficiary>()).ok(), "added");
    DAYBOOK_CHECK((runner.Add<ListProjection, Beneficiary>()).ok(), "added");
    DAYBOOK_CHECK((runner.Add<CompatProjection, Beneficiary, Client>()).ok(), "added");
    runner.Start();
    const absl::Status status = runner.WaitUntil(runner.Names(), log_->DurableWatermark(), absl::Minutes(1));
    DAYBOOK_CHECK(status.ok(), std::string_view(status.message().data(), status.message().size()));
  }

 private:
  Models() : path_(std::filesystem::temp_directory_path() / ("daybook-views-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
    log_ = MakeLog();
    models_ = OpenEmpty("models");
    Fill(*models_);
  }
  ~Models() {
    models_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  daybook::projection::ReadModel Model(const char* name) {
    return *daybook::projection::ReadModel::Open(*models_, name);
  }

  const std::filesystem::path path_;
  std::unique_ptr<daybook::store::EventStore> log_;
  std::unique_ptr<daybook::store::KeyValue> models_;
};

void RenderDefinitive(benchmark::State& bench) {
  const state::v1::BeneficiaryState state = SampleState();
  std::string out;
  for (auto _ : bench) {
    out.clear();
    AppendDefinitiveJson(state, daybook::Revision(7), out);
    benchmark::DoNotOptimize(out.data());
  }
  bench.SetBytesProcessed(static_cast<std::int64_t>(bench.iterations() * out.size()));
}
BENCHMARK(RenderDefinitive);

void RenderCompat(benchmark::State& bench) {
  const state::v1::BeneficiaryState state = SampleState();
  std::string out;
  for (auto _ : bench) {
    out.clear();
    AppendCompatJson(state, out);
    benchmark::DoNotOptimize(out.data());
  }
  bench.SetBytesProcessed(static_cast<std::int64_t>(bench.iterations() * out.size()));
}
BENCHMARK(RenderCompat);

std::string PageBody(const CompatQuery& query, int client, std::uint64_t page = 1) {
  const std::string client_id = "EBPCLI" + std::to_string(100'000 + client);
  std::string body;
  const auto total = query.AppendTo({.instance = "uk", .client_id = client_id, .page = page}, body);
  DAYBOOK_CHECK(total.ok(), "the client is known");
  return body;
}

void CopyOfAPage(benchmark::State& bench) {
  const std::string page = PageBody(Models::Instance().Compat({}), 0);
  for (auto _ : bench) {
    std::string body;
    body.append(page);
    benchmark::DoNotOptimize(body.data());
  }
  bench.counters["bytes"] = static_cast<double>(page.size());
}
BENCHMARK(CopyOfAPage);

// Argument: over how many clients the requests go in turn.
void CompatPageCached(benchmark::State& bench) {
  const CompatQuery query = Models::Instance().Compat({});
  int client = 0;
  for (auto _ : bench) {
    client = (client + 1) % static_cast<int>(bench.range(0));
    benchmark::DoNotOptimize(PageBody(query, client));
  }
}
BENCHMARK(CompatPageCached)->Arg(1)->Arg(100);

void CompatPageFromRows(benchmark::State& bench) {
  const CompatQuery query = Models::Instance().Compat({.page_cache_bytes_max = 0});
  int client = 0;
  for (auto _ : bench) {
    client = (client + 1) % static_cast<int>(bench.range(0));
    benchmark::DoNotOptimize(PageBody(query, client));
  }
}
BENCHMARK(CompatPageFromRows)->Arg(1)->Arg(100);

// Argument: 0 = without a filter, 1 = with one that all items pass.
void ListPageOf50(benchmark::State& bench) {
  const ListQuery query = Models::Instance().List();
  int client = 0;
  for (auto _ : bench) {
    ListRequest request;
    request.filter.client_id = "EBPCLI" + std::to_string(100'000 + client++ % kClients);
    if (bench.range(0) == 1) request.filter.q = "acme";
    std::string out;
    DAYBOOK_CHECK(query.AppendTo(request, out).ok(), "a page");
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(ListPageOf50)->Arg(0)->Arg(1);

void DetailById(benchmark::State& bench) {
  const DetailQuery query = Models::Instance().Details();
  std::vector<std::string> ids;
  for (int n = 0; n < 1000; ++n) ids.push_back(SampleBeneficiary(n).id());
  std::size_t next = 0;
  for (auto _ : bench) benchmark::DoNotOptimize(query.Get(ids[next++ % ids.size()]));
}
BENCHMARK(DetailById);

// All three models from zero, side by side on their threads; items are events of the log.
void RebuildAllThree(benchmark::State& bench) {
  Models& models = Models::Instance();
  for (auto _ : bench) {
    bench.PauseTiming();
    auto empty = models.OpenEmpty("rebuild");
    bench.ResumeTiming();
    models.Fill(*empty);
    bench.PauseTiming();
    empty.reset();
    bench.ResumeTiming();
  }
  bench.SetItemsProcessed(static_cast<std::int64_t>(bench.iterations() * models.log().DurableWatermark().value()));
}
BENCHMARK(RebuildAllThree)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
}  // namespace beneficiary
