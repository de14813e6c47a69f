#ifndef DAYBOOK_CDC_TESTS_GATEWAY_FIXTURE_H_
#define DAYBOOK_CDC_TESTS_GATEWAY_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daybook/cdc/gateway.h"
#include "daybook/cdc/tests/change_maker.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::cdc::test {

// A gateway of the garage over rows in memory, on a clock that the test moves. It opens at first use, so that a test
// may change options_ before; what it keeps outlives it.
class GatewayFixture : public ::testing::Test {
 protected:
  GatewayFixture() {
    options_.catalog = Garage();
    options_.mappings = {&owners_, &makes_};
    options_.clock = &clock_;
    options_.dead_letter_directory = directory_.path() + "/dead-letters";
  }

  // Anew, as after a restart.
  Gateway& Open() {
    gateway_.reset();
    auto gateway = Gateway::Open(options_, kv_.get(), &sink_);
    EXPECT_EQ(gateway.status(), absl::OkStatus());
    gateway_ = *std::move(gateway);
    return *gateway_;
  }
  absl::Status Ingest(const std::vector<Record>& records) {
    if (gateway_ == nullptr) Open();
    return gateway_->Ingest(records);
  }
  // What was sent for these records once everything is quiet.
  std::vector<std::string> Sent(const std::vector<Record>& records) {
    EXPECT_EQ(Ingest(records), absl::OkStatus());
    return Quiet();
  }
  std::vector<std::string> Quiet() {
    clock_.Advance(options_.quiet_period);
    EXPECT_EQ(gateway_->Tick(), absl::OkStatus());
    EXPECT_EQ(gateway_->Tick(), absl::OkStatus());
    return sink_.Take();
  }
  GatewayCounters counters() const { return gateway_->counters(); }

  ChangeMaker make_;
  ManualClock clock_;
  TextMapping owners_{"owner"};
  TextMapping makes_{"make"};
  ListingSink sink_;
  std::unique_ptr<store::KeyValue> kv_ = store::NewMemoryKeyValue();
  testing::TemporaryDirectory directory_;
  GatewayOptions options_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace daybook::cdc::test

#endif  // DAYBOOK_CDC_TESTS_GATEWAY_FIXTURE_H_
