#ifndef DAYBOOK_TESTS_CDC_FIXTURES_H_
#define DAYBOOK_TESTS_CDC_FIXTURES_H_

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/gateway/bos_mapping.h"
#include "daybook/base/clock.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/gateway.h"
#include "daybook/cdc/record.h"
#include "daybook/store/key_value.h"

namespace daybook::cdc_test {

// A record that owns its bytes.
struct OwnedRecord {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;
};

cdc::Record View(const OwnedRecord& record);
std::vector<cdc::Record> Views(const std::vector<OwnedRecord>& records);

// One recorded set of tests/fixtures.
struct Fixture {
  std::string name;
  std::string path;  // of the records
  std::string instance;
  std::vector<OwnedRecord> records;
  std::map<std::string, boost::json::value> definitive;  // by id; unknown fields null
};

// "sample", "bos-a" or "bos-b"; read once. Aborts if it cannot be read.
const Fixture& GetFixture(const std::string& name);

// Of its random cases a test tries one in so many: 1, or 10 where what it tests is compiled without optimisation, an
// order of magnitude slower. A test's own source never is optimised, so it must not ask its own compiler.
int CaseShare();

// A clock that stands still unless moved.
class StillClock final : public Clock {
 public:
  Timestamp Now() const override { return Timestamp::FromMillis(1'800'000'000'000); }
  absl::Duration Monotonic() const override { return monotonic_; }
  void Advance(absl::Duration by) { monotonic_ += by; }

 private:
  absl::Duration monotonic_ = absl::Seconds(1000);
};

// Takes every command, and acknowledges it at once unless told otherwise.
class CollectingSink final : public cdc::CommandSink {
 public:
  absl::Status Publish(const cdc::Command& command, Done done) override {
    commands.push_back(command);
    if (withhold) {
      withheld.push_back(std::move(done));
    } else {
      done(absl::OkStatus());
    }
    return absl::OkStatus();
  }

  bool withhold = false;
  std::vector<cdc::Command> commands;
  std::vector<Done> withheld;
};

// What the commands leave behind, executed in order.
struct Folded {
  std::map<std::string, beneficiary::commands::v1::SyncFromBos> beneficiaries;  // by id
  std::map<std::string, beneficiary::commands::v1::SyncClient> clients;
};
void Fold(const cdc::Command& command, Folded& folded);
Folded FoldAll(const std::vector<cdc::Command>& commands);

// The definitive JSON of an image, as the fixtures have it.
boost::json::value DefinitiveOf(const std::string& id, const beneficiary::commands::v1::SyncFromBos& command);

// "" if the beneficiaries equal the fixture's, else what differs.
std::string Difference(const Fixture& fixture, const Folded& folded);

// Opens a gateway with BOS's tables. The mappings outlive it.
absl::StatusOr<std::unique_ptr<cdc::Gateway>> OpenBos(const beneficiary::BeneficiaryMapping* beneficiaries,
                                                      const beneficiary::ClientMapping* clients, store::KeyValue* kv,
                                                      cdc::CommandSink* sink, const Clock* clock,
                                                      cdc::TransactionMode mode = cdc::TransactionMode::kMetadata);

// A gateway for BOS over `kv`, with its mappings.
class Rig {
 public:
  Rig(const Fixture& fixture, store::KeyValue* kv, CollectingSink* sink, StillClock* clock,
      cdc::TransactionMode mode = cdc::TransactionMode::kMetadata);
  cdc::Gateway& operator*() { return *gateway_; }
  cdc::Gateway* operator->() { return gateway_.get(); }

 private:
  beneficiary::BeneficiaryMapping beneficiaries_;
  beneficiary::ClientMapping clients_;
  std::unique_ptr<cdc::Gateway> gateway_;
};

// Ingests in batches of `size`; then flushes and drains.
absl::Status IngestAll(cdc::Gateway& gateway, const std::vector<cdc::Record>& records, std::size_t size = 500);

// A random order that keeps every partition's own. Different seeds also differ in how bursty they are.
std::vector<std::size_t> Interleaving(const std::vector<OwnedRecord>& records, std::uint64_t seed);

}  // namespace daybook::cdc_test

#endif  // DAYBOOK_TESTS_CDC_FIXTURES_H_
