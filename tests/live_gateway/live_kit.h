#ifndef DAYBOOK_TESTS_LIVE_GATEWAY_LIVE_KIT_H_
#define DAYBOOK_TESTS_LIVE_GATEWAY_LIVE_KIT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "cdc/fixtures.h"
#include "daybook/bus/bus.h"
#include "daybook/bus/command_record.h"
#include "daybook/store/key_value.h"
#include "daybook/testing/eventually.h"

namespace daybook::live_test {

using daybook::testing::Eventually;

// Makes the topics of a recorded set under another prefix, with as many partitions as were recorded.
void MakeTopics(bus::Bus& bus, const cdc_test::Fixture& fixture, const std::string& prefix);

// Sends records of a recorded set, [begin, end), to the topics with that prefix.
void Produce(bus::Bus& bus, const cdc_test::Fixture& fixture, const std::string& prefix, std::size_t begin = 0,
             std::size_t end = SIZE_MAX);

// Sends one record.
void Send(bus::Bus& bus, const bus::OutgoingRecord& record);

// A record that owns its bytes.
struct Stored {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;

  std::string Header(std::string_view name) const;
};

// Everything in the topics, each partition in its order. Topics that do not exist are empty.
std::vector<Stored> ReadAll(bus::Bus& bus, const std::vector<std::string>& topics,
                            bus::Isolation isolation = bus::Isolation::kReadUncommitted);

// What the gateway published for one BOS instance.
std::vector<cdc::Command> ReadCommands(bus::Bus& bus, const std::string& instance);

// Fails the test if a command id is there twice, or a stream has the same content twice in a row.
void ExpectNothingTwice(const std::vector<cdc::Command>& commands);

// The last command of each stream, without those that were forgotten; and as a gateway fed from the file leaves them.
std::map<std::string, std::string> LastContents(const std::vector<cdc::Command>& commands);
std::map<std::string, std::string> LastContentsOfTheFileFeed(const cdc_test::Fixture& fixture);

// A process's view of a store that lives on. After so many writes it is dead, and nothing it does counts; or it hangs
// in a write until it is let go.
class MortalKeyValue final : public store::KeyValue {
 public:
  enum class Death { kNever, kBeforeTheWrite, kAfterTheWrite };
  class Gate {
   public:
    void Close();
    void Open();
    void Pass();
    // Whether somebody waits.
    bool IsHolding() const;

   private:
    mutable absl::Mutex mu_;
    bool closed_ ABSL_GUARDED_BY(mu_) = false;
    int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  };

  explicit MortalKeyValue(store::KeyValue* inner, Gate* gate = nullptr) : inner_(inner), gate_(gate) {}
  MortalKeyValue(store::KeyValue* inner, int writes, Death death) : inner_(inner), left_(writes), death_(death) {}

  absl::StatusOr<store::TableId> OpenTable(std::string_view name) override { return inner_->OpenTable(name); }
  absl::Status DropTable(std::string_view name) override { return inner_->DropTable(name); }
  std::vector<std::string> TableNames() const override { return inner_->TableNames(); }
  absl::StatusOr<std::optional<std::string>> Get(store::TableId table, std::string_view key) const override {
    return inner_->Get(table, key);
  }
  absl::StatusOr<bool> AppendTo(store::TableId table, std::string_view key, std::string& out) const override {
    return inner_->AppendTo(table, key, out);
  }
  std::unique_ptr<store::KeyValueCursor> Scan(store::TableId table, std::string_view begin,
                                              std::string_view end) const override {
    return inner_->Scan(table, begin, end);
  }
  std::unique_ptr<store::KeyValueReader> Snapshot() const override { return inner_->Snapshot(); }
  std::uint64_t ChangeNumber() const override { return inner_->ChangeNumber(); }
  absl::Status Write(const store::WriteBatch& batch, store::Durability durability) override;

 private:
  store::KeyValue* inner_;
  Gate* gate_ = nullptr;
  int left_ = 0;
  const Death death_ = Death::kNever;
};

// One gateway process in this one: its stores live on when it ends.
class Instance {
 public:
  Instance(bus::Bus& bus, beneficiary::LiveGatewayOptions options) : bus_(bus), options_(std::move(options)) {}
  ~Instance() { gate_.Open(); }  // what stands before it could not end

  // Starts it; `writes` > 0: dies at that write of a store.
  absl::Status Start(int writes = 0, MortalKeyValue::Death death = MortalKeyValue::Death::kNever);
  void Stop() { live_.reset(); }

  beneficiary::LiveGateway& operator*() { return *live_; }
  beneficiary::LiveGateway* operator->() { return live_.get(); }
  beneficiary::LiveGatewayOptions& options() { return options_; }
  MortalKeyValue::Gate& gate() { return gate_; }

  bool IsActive() const { return live_->status().phase == beneficiary::LiveGatewayStatus::Phase::kActive; }
  bool IsStopped() const { return live_->status().phase == beneficiary::LiveGatewayStatus::Phase::kStopped; }
  // Has read everything that is in the topics, and has nothing to publish.
  bool IsQuiet();
  // Has read everything that is in the topics.
  bool HasReadAll();

 private:
  bus::Bus& bus_;
  beneficiary::LiveGatewayOptions options_;
  std::map<std::string, std::unique_ptr<store::KeyValue>> stores_;
  MortalKeyValue::Gate gate_;
  std::unique_ptr<bus::Consumer> asking_;
  std::unique_ptr<beneficiary::LiveGateway> live_;
};

}  // namespace daybook::live_test

#endif  // DAYBOOK_TESTS_LIVE_GATEWAY_LIVE_KIT_H_
