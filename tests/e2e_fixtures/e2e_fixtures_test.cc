// From recorded change records to what the queries serve: gateway, committer, domain and read models together, judged
// by what BOS itself answered (tests/fixtures).
#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "beneficiary/app/engine.h"
#include "beneficiary/app/executor_sink.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/projections/tests/fixture_set.h"
#include "cdc/fixtures.h"
#include "daybook/base/hash.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/store/rocks/rocks_key_value.h"
#include "daybook/testing/temporary_directory.h"

namespace beneficiary {
namespace {

namespace cdc = daybook::cdc;
using daybook::cdc_test::Fixture;
using daybook::cdc_test::GetFixture;

constexpr absl::Duration kLimit = absl::Seconds(120);
constexpr std::size_t kRecordsPerBatch = 500;

// A whole service without its edges; everything in `data_dir`, or in memory if that is "".
class Service {
 public:
  Service(const std::string& data_dir, const std::string& instance) {
    absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Open({.data_dir = data_dir});
    EXPECT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    if (data_dir.empty()) {
      rows_ = daybook::store::NewMemoryKeyValue();
    } else {
      rows_ = *daybook::store::OpenRocksKeyValue({.path = data_dir + "/gateway"});
    }
    sink_ = std::make_unique<ExecutorSink>(engine_->beneficiaries(), engine_->clients());
    // Dead letters need a place, and no set has any.
    absl::StatusOr<std::unique_ptr<BosGateway>> gateway =
        BosGateway::Open({.data_dir = letters_.path(), .instance = instance}, rows_.get(), sink_.get());
    EXPECT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
  }

  Engine& engine() { return *engine_; }
  BosGateway& gateway() { return *gateway_; }

  absl::Status Ingest(const std::vector<cdc::Record>& records) {
    for (std::size_t at = 0; at < records.size(); at += kRecordsPerBatch) {
      const std::size_t size = std::min(kRecordsPerBatch, records.size() - at);
      DAYBOOK_RETURN_IF_ERROR(gateway_->engine().Ingest({records.data() + at, size}));
    }
    DAYBOOK_RETURN_IF_ERROR(gateway_->engine().Flush());
    return gateway_->engine().Drain(kLimit);
  }

  absl::Status WaitUntilShown() {
    return engine_->runner().WaitUntil(engine_->runner().Names(), engine_->store().DurableWatermark(), kLimit);
  }

 private:
  daybook::testing::TemporaryDirectory letters_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<daybook::store::KeyValue> rows_;
  std::unique_ptr<ExecutorSink> sink_;
  std::unique_ptr<BosGateway> gateway_;
};

// The definitive file knows neither versions nor when something was screened here.
std::string WithoutVersion(std::string json) {
  const std::size_t at = json.find(R"("version":)") + 10;
  return json.replace(at, json.find(',', at) - at, "null");
}

class EndToEndFixtureTest : public ::testing::TestWithParam<const char*> {
 protected:
  void ExpectServedAsBosDoes(Service& service) {
    const absl::Status shown = service.WaitUntilShown();
    ASSERT_TRUE(shown.ok()) << shown;
    ExpectDefinitive(service);
    ExpectCompat(service);
  }

  void ExpectDefinitive(Service& service) {
    std::map<std::string, std::vector<std::string>> by_client;
    for (const FixtureSet::Definitive& b : set_.definitive) {
      const absl::StatusOr<Detail> detail = service.engine().detail().Get(b.id);
      ASSERT_TRUE(detail.ok()) << detail.status();
      ASSERT_EQ(WithoutVersion(detail->json), b.json);
      if (!b.registered.removed()) by_client[b.registered.client_id()].push_back(detail->json);
    }
    for (const auto& [client_id, elements] : by_client) {
      std::string expected, listed;
      for (const std::string& element : elements) expected += (expected.empty() ? "" : ",") + element;
      ListRequest request;
      request.filter.client_id = client_id;
      request.limit = 200;
      ASSERT_TRUE(service.engine().list().AppendItemsTo(request, listed).ok());
      ASSERT_EQ(listed, expected) << "no beneficiary more and none less, by id";
    }
  }

  void ExpectCompat(Service& service) {
    for (const FixtureSet::CompatPage& page : set_.compat) {
      std::string body;
      const absl::StatusOr<std::uint64_t> total = service.engine().compat().AppendTo(
          {.instance = set_.instance, .client_id = page.client_id, .page = page.page}, body);
      ASSERT_TRUE(total.ok()) << total.status();
      ASSERT_EQ(*total, page.total);
      ASSERT_EQ(daybook::ToHex(daybook::Sha256(body)), page.sha256) << page.client_id << "\n" << body;
    }
  }

  const Fixture& fixture_ = GetFixture(GetParam());
  const FixtureSet set_ = LoadFixtureSet(GetParam());
};

TEST_P(EndToEndFixtureTest, TheFileIsServedAsBosServesItAndASecondTimeChangesNothing) {
  const daybook::testing::TemporaryDirectory directory;
  {
    Service service(directory.path(), set_.instance);
    ASSERT_EQ(service.gateway().IngestFile(fixture_.path), absl::OkStatus());
    ExpectServedAsBosDoes(service);
    const std::uint64_t commands = service.gateway().counters().commands;
    const daybook::Position end = service.engine().store().DurableWatermark();
    EXPECT_GE(commands, set_.definitive.size());

    ASSERT_EQ(service.gateway().IngestFile(fixture_.path), absl::OkStatus());
    EXPECT_EQ(service.gateway().counters().commands, commands);
    EXPECT_EQ(service.engine().store().DurableWatermark(), end);
  }
  Service again(directory.path(), set_.instance);
  ExpectServedAsBosDoes(again);
}

TEST_P(EndToEndFixtureTest, NoInterleavingAndNoRedeliveryChangesWhatIsServed) {
  const int runs = (GetParam() == std::string("sample") ? 120 : 40) / daybook::cdc_test::CaseShare();
  const std::uint32_t first_seed = std::random_device()() % 1'000'000;
  std::cout << "seeds " << first_seed << " to " << first_seed + static_cast<std::uint32_t>(runs) - 1 << std::endl;
  for (int run = 0; run < runs; ++run) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(run);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    std::vector<cdc::Record> records;
    for (const std::size_t i : daybook::cdc_test::Interleaving(fixture_.records, seed)) {
      records.push_back(daybook::cdc_test::View(fixture_.records[i]));
    }
    Service service("", set_.instance);
    ASSERT_EQ(service.Ingest(records), absl::OkStatus());
    // Any suffix twice, as after a consumer's restart.
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(random() % records.size()));
    const std::uint64_t commands = service.gateway().counters().commands;
    ASSERT_EQ(service.Ingest(records), absl::OkStatus());
    EXPECT_EQ(service.gateway().counters().commands, commands);
    ExpectServedAsBosDoes(service);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, EndToEndFixtureTest, ::testing::ValuesIn(kFixtureSets), [](const auto& set) {
  std::string name = set.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace beneficiary
