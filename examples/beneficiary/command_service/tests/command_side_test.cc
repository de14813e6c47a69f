// The service's aggregates between its topics, on the bus inside the process.
#include "beneficiary/command_service/command_side.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/command_service/topics.h"
#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "daybook/base/clock.h"
#include "daybook/base/uuid_source.h"
#include "daybook/bus/command_record.h"
#include "daybook/bus/event_record.h"
#include "daybook/cloudevents/binary_mode.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/forgetting_bus.h"

namespace beneficiary {
namespace {

namespace bus = daybook::bus;
using daybook::testing::Eventually;

constexpr absl::Duration kLimit = absl::Seconds(60);

class CommandSideTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    auto side = CommandSide::Start({}, *bus_);
    ASSERT_TRUE(side.ok()) << side.status();
    side_ = *std::move(side);
    EXPECT_TRUE(Eventually([&] { return side_->TopicsReadiness().ok() && side_->publisher().Readiness().ok(); }));
  }

  void Send(const std::string& topic, const daybook::StreamId& stream, const google::protobuf::Message& message,
            const std::string& source_change = "") {
    bus::BusCommand command;
    command.id = daybook::CommandId(daybook::UuidSource::System().New(daybook::Clock::System().Now()));
    command.stream = stream;
    command.type = message.GetDescriptor()->full_name();
    command.payload = message.SerializeAsString();
    command.source = "/beneficiary/gateway/uk";
    command.source_change = source_change;
    command.source_time = daybook::Timestamp::FromMillis(1'700'000'000'123);
    daybook::bus::HeaderList headers;
    const auto record = bus::EncodeCommand(topic, command, headers);
    ASSERT_TRUE(record.ok()) << record.status();
    auto producer = *bus_->NewProducer({.name = "test", .topics = {topic}});
    ASSERT_TRUE(producer->Send(*record, [](const auto&) {}).ok());
    ASSERT_TRUE(producer->Flush(kLimit).ok());
    ++sent_;
  }
  void WaitUntilPublished() {
    EXPECT_TRUE(Eventually([&] {
      if (side_->consumer().stats().answered != sent_) return false;
      const auto stats = side_->publisher().stats();  // of a moment after the last answer: nothing becomes durable now
      return stats.published == stats.durable;
    }));
  }
  bus::RecordBatch Read(const std::string& topic) {
    auto batch = bus::ReadTail(*bus_, {topic, bus::BusPartition(0)}, 1000, kLimit);
    EXPECT_TRUE(batch.ok()) << batch.status();
    return *std::move(batch);
  }
  std::vector<std::string> TypesOn(const std::string& topic) {
    std::vector<std::string> types;
    const bus::RecordBatch records = Read(topic);
    for (const bus::Record& record : records.records()) {
      const auto context = daybook::cloudevents::DecodeBinary(record.headers);
      EXPECT_TRUE(context.ok()) << context.status();
      types.push_back(context.ok() ? context->type + (record.value ? "" : " (gone)") : "");
    }
    return types;
  }

  std::unique_ptr<bus::Bus> bus_ = daybook::testing::NewForgettingMemoryBus();
  std::unique_ptr<CommandSide> side_;
  std::uint64_t sent_ = 0;
};

commands::v1::SyncFromBos Sync(const std::string& name) {
  commands::v1::SyncFromBos command;
  command.set_instance("uk");
  command.set_legacy_id("7");
  auto& image = *command.mutable_image();
  image.set_client_id("EBPCLI000042");
  image.mutable_details()->set_name(name);
  return command;
}

commands::v1::SyncClient SyncTheClient(const std::string& name) {
  commands::v1::SyncClient command;
  command.set_instance("uk");
  command.set_legacy_id("42");
  command.set_client_id("EBPCLI000042");
  command.set_name(name);
  command.set_status("active");
  return command;
}

const daybook::StreamId kBeneficiary("beneficiary", "157402e8-078d-5764-bea8-198235e56fd6");
const daybook::StreamId kClient("client", "257402e8-078d-5764-bea8-198235e56fd6");

TEST_F(CommandSideTest, CommandsComeInAndEventsAndStatesGoOut) {
  Send(kClientCommands, kClient, SyncTheClient("Acme"));
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada"));
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada"));
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada Lovelace"));
  Send(kClientCommands, kClient, SyncTheClient("Acme Ltd"));
  commands::v1::ForgetFromBos forget;
  forget.set_instance("uk");
  forget.set_legacy_id("7");
  Send(kBeneficiaryCommands, kBeneficiary, forget);
  commands::v1::ForgetClient forget_client;
  forget_client.set_instance("uk");
  forget_client.set_legacy_id("42");
  Send(kClientCommands, kClient, forget_client);
  WaitUntilPublished();

  EXPECT_EQ(TypesOn(kBeneficiaryStates),
            (std::vector<std::string>{"beneficiary.created", "beneficiary.updated", "beneficiary.deleted (gone)"}));
  EXPECT_EQ(TypesOn(kClientStates),
            (std::vector<std::string>{"client.created", "client.updated", "client.deleted (gone)"}));

  // Every position of the log is on one of the two topics.
  std::map<std::uint64_t, std::string> positions;
  for (const char* const topic : {kBeneficiaryEvents, kClientEvents}) {
    const bus::RecordBatch records = Read(topic);
    for (const bus::Record& record : records.records()) {
      const auto event = bus::DecodeEvent(record);
      ASSERT_TRUE(event.ok()) << event.status();
      EXPECT_TRUE(positions.emplace(event->position.value(), std::string(event->type)).second);
      EXPECT_EQ(event->metadata.source_time, daybook::Timestamp::FromMillis(1'700'000'000'123));
    }
  }
  EXPECT_EQ(positions.size(), side_->store().DurableWatermark().value());
  EXPECT_EQ(positions.rbegin()->first, positions.size());
}

TEST_F(CommandSideTest, AStateIsTheWholeAggregate) {
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada"));
  WaitUntilPublished();
  const bus::RecordBatch states = Read(kBeneficiaryStates);
  ASSERT_EQ(states.size(), 1u);
  const bus::Record& record = states.records()[0];
  EXPECT_EQ(record.key, kBeneficiary.key());
  Beneficiary::State state;
  ASSERT_TRUE(state.ParseFromString(std::string(*record.value)));
  EXPECT_EQ(state.details().name(), "Ada");
  EXPECT_EQ(state.client_id(), "EBPCLI000042");
  const auto context = daybook::cloudevents::DecodeBinary(record.headers);
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_EQ(context->data_type, "beneficiary.state.v1.BeneficiaryState");
  EXPECT_EQ(context->source, "/daybook/beneficiary/0/state");
  EXPECT_EQ(context->sequence, side_->store().DurableWatermark());
}

// Compaction keeps the last record of a key: it must hold nothing of the one before, the image of BOS's row included.
TEST_F(CommandSideTest, AStateAfterAMaskingAtBosHoldsTheMaskOnly) {
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada Lovelace"));
  commands::v1::AmendBeneficiary amended;
  amended.set_name("Ada King");
  Send(kBeneficiaryCommands, kBeneficiary, amended);
  Send(kBeneficiaryCommands, kBeneficiary, Sync("masked"));
  WaitUntilPublished();
  const bus::RecordBatch states = Read(kBeneficiaryStates);
  ASSERT_EQ(states.size(), 3u);
  EXPECT_NE(states.records()[1].value->find("Ada King"), std::string_view::npos);
  const std::string_view last = *states.records()[2].value;
  EXPECT_EQ(last.find("Ada"), std::string_view::npos);
  EXPECT_NE(last.find("masked"), std::string_view::npos);
}

TEST_F(CommandSideTest, AChangeIsCalledWhatBosCallsIt) {
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada"), "beneficiary.imported");
  Send(kBeneficiaryCommands, kBeneficiary, Sync("Ada Lovelace"));
  commands::v1::ForgetFromBos forget;
  forget.set_instance("uk");
  forget.set_legacy_id("7");
  Send(kBeneficiaryCommands, kBeneficiary, forget, "beneficiary.erased");
  WaitUntilPublished();
  EXPECT_EQ(TypesOn(kBeneficiaryStates),
            (std::vector<std::string>{"beneficiary.imported", "beneficiary.updated", "beneficiary.erased (gone)"}));
}

TEST_F(CommandSideTest, TopicsThatAreOtherwiseThanTheyMustBeAreNamed) {
  side_.reset();
  bus_ = daybook::testing::NewForgettingMemoryBus();
  ASSERT_TRUE(bus_->admin()
                  .CreateTopic({.topic = kClientEvents, .partitions = 3, .replication = 1, .config = {}}, kLimit)
                  .ok());
  side_ = *CommandSide::Start({}, *bus_);
  EXPECT_TRUE(Eventually([&] { return absl::IsFailedPrecondition(side_->TopicsReadiness()); }));
  EXPECT_NE(side_->TopicsReadiness().ToString().find(kClientEvents), std::string::npos);
}

}  // namespace
}  // namespace beneficiary
