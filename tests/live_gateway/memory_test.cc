// The live gateway over the bus inside the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/gateway_service/gateway_metrics.h"
#include "beneficiary/gateway_service/replay.h"
#include "daybook/base/reason.h"
#include "daybook/testing/forgetting_bus.h"
#include "daybook/testing/forwarding_bus.h"
#include "daybook/testing/temporary_directory.h"
#include "live_gateway/live_kit.h"

namespace daybook::live_test {
namespace {

using beneficiary::BosSource;
using beneficiary::LiveGatewayOptions;
using beneficiary::LiveGatewayStatus;
using cdc_test::Difference;
using cdc_test::Fixture;
using cdc_test::FoldAll;
using cdc_test::GetFixture;
using ::testing::HasSubstr;

// A bus whose readers, once they read, are told a few times that a topic is not there when they ask for its end: as
// between a topic's deletion and its making anew.
class LosingBus final : public testing::ForwardingBus {
 public:
  LosingBus(bus::Bus& inner, std::string topic) : ForwardingBus(inner), topic_(std::move(topic)) {}

  static constexpr int kRefusals = 3;
  std::atomic<int> refused = 0;

  absl::StatusOr<std::unique_ptr<bus::Consumer>> NewConsumer(const bus::ConsumerOptions& options) override {
    auto consumer = ForwardingBus::NewConsumer(options);
    if (!consumer.ok()) return consumer;
    return std::make_unique<LosingConsumer>(*this, *std::move(consumer));
  }

 private:
  class LosingConsumer final : public testing::ForwardingConsumer {
   public:
    LosingConsumer(LosingBus& bus, std::unique_ptr<bus::Consumer> inner)
        : ForwardingConsumer(std::move(inner)), bus_(bus) {}
    absl::Status AssignTopics(std::vector<std::string> topics, std::span<const bus::Start> starts,
                              absl::Duration timeout) override {
      const absl::Status assigned = ForwardingConsumer::AssignTopics(std::move(topics), starts, timeout);
      reads_ = assigned.ok();
      return assigned;
    }
    absl::StatusOr<bus::OffsetRange> Offsets(const bus::TopicPartition& partition, absl::Duration timeout) override {
      if (reads_ && partition.topic == bus_.topic_ && bus_.refused < kRefusals) {
        ++bus_.refused;
        return absl::NotFoundError("no such topic");
      }
      return ForwardingConsumer::Offsets(partition, timeout);
    }

   private:
    LosingBus& bus_;
    bool reads_ = false;
  };

  const std::string topic_;
};

// A bus that takes no record of a transaction as long as it refuses them, as a broker that finds them too large.
class RefusingBus final : public testing::ForwardingBus {
 public:
  using ForwardingBus::ForwardingBus;

  std::atomic<bool> refuses = true;

  absl::StatusOr<std::unique_ptr<bus::TransactionalProducer>> NewTransactionalProducer(
      const bus::TransactionalProducerOptions& options) override {
    auto producer = ForwardingBus::NewTransactionalProducer(options);
    if (!producer.ok()) return producer;
    return std::make_unique<RefusedProducer>(*this, *std::move(producer));
  }

 private:
  class RefusedProducer final : public testing::ForwardingTransactionalProducer {
   public:
    RefusedProducer(RefusingBus& bus, std::unique_ptr<bus::TransactionalProducer> inner)
        : ForwardingTransactionalProducer(std::move(inner)), bus_(bus) {}
    absl::Status Begin() override {
      any_refused_ = false;
      return ForwardingTransactionalProducer::Begin();
    }
    absl::Status Send(const bus::OutgoingRecord& record) override {
      if (!bus_.refuses) return ForwardingTransactionalProducer::Send(record);
      any_refused_ = true;
      return absl::OkStatus();
    }
    absl::Status Flush(absl::Duration timeout) override {
      if (!any_refused_) return ForwardingTransactionalProducer::Flush(timeout);
      return WithReason(absl::AbortedError("delivery to commands: too large"), "TRANSACTION_ABORT");
    }

   private:
    RefusingBus& bus_;
    bool any_refused_ = false;
  };
};

class LiveGatewayTest : public ::testing::Test {
 protected:
  LiveGatewayOptions Options(std::vector<BosSource> sources = {{"uk", "bos-uk"}}) {
    LiveGatewayOptions options;
    options.data_dir = directory_.path();
    options.sources = std::move(sources);
    options.session_timeout = absl::Milliseconds(500);
    options.hang_timeout = absl::Seconds(2);  // the time that a busy machine may take
    options.command_partitions = 6;           // so that several are read back
    return options;
  }
  void Load(const std::string& name, const std::string& prefix) {
    MakeTopics(*bus_, GetFixture(name), prefix);
    Produce(*bus_, GetFixture(name), prefix);
  }
  void ExpectAll(const Fixture& fixture, const std::string& instance) {
    const std::vector<cdc::Command> commands = ReadCommands(*bus_, instance);
    ExpectNothingTwice(commands);
    EXPECT_EQ(Difference(fixture, FoldAll(commands)), "");
    EXPECT_TRUE(LastContents(commands) == LastContentsOfTheFileFeed(fixture));
  }
  static absl::Status ErrorOf(Instance& instance) { return instance->status().error; }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<bus::Bus> bus_ = testing::NewForgettingMemoryBus();
};

TEST_F(LiveGatewayTest, LiveTopicsGiveTheCommandsOfTheFileFeed) {
  for (const std::string name : {"sample", "bos-a"}) {
    SCOPED_TRACE(name);
    bus_ = testing::NewForgettingMemoryBus();
    Load(name, "bos-uk");
    Instance gateway(*bus_, Options());
    ASSERT_EQ(gateway.Start(), absl::OkStatus());
    ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
    EXPECT_EQ(gateway->Readiness(), absl::OkStatus());
    ExpectAll(GetFixture(name), "uk");
  }
}

TEST_F(LiveGatewayTest, ChangesThatComeLaterAreReadToo) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive(); }));
  for (std::size_t at = 0; at < fixture.records.size(); at += 50) Produce(*bus_, fixture, "bos-uk", at, at + 50);
  ASSERT_TRUE(Eventually([&] { return gateway.IsQuiet(); }));
  ExpectAll(fixture, "uk");
}

TEST_F(LiveGatewayTest, TwoInstancesWhoseKeysCollideAreTwoSetsOfBeneficiariesOverRestartsToo) {
  Load("bos-a", "bos-uk");
  Load("bos-a", "bos-eu");
  Instance gateway(*bus_, Options({{"uk", "bos-uk"}, {"eu", "bos-eu"}}));
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  ExpectAll(GetFixture("bos-a"), "uk");
  const auto uk = LastContents(ReadCommands(*bus_, "uk"));
  const auto eu = LastContents(ReadCommands(*bus_, "eu"));
  EXPECT_EQ(uk.size(), eu.size());
  for (const auto& [stream, content] : uk) EXPECT_FALSE(eu.contains(stream)) << stream;
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  EXPECT_EQ(LastContents(ReadCommands(*bus_, "uk")), uk);
  EXPECT_EQ(LastContents(ReadCommands(*bus_, "eu")), eu);
  ExpectNothingTwice(ReadCommands(*bus_, "eu"));
}

TEST_F(LiveGatewayTest, ADirectoryKeepsToItsSource) {
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  gateway.Stop();
  gateway.options().sources = {{"uk", "bos-eu"}};
  const absl::Status refused = gateway.Start();
  EXPECT_EQ(ReasonOf(refused), "SOURCE_CHANGED");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("bos-uk.*"));
}

TEST_F(LiveGatewayTest, KilledAtEveryWriteItRepeatsNoCommandAndLosesNone) {
  const Fixture& fixture = GetFixture("sample");
  const int stride = cdc_test::CaseShare() == 1 ? 3 : 17;
  for (const MortalKeyValue::Death death :
       {MortalKeyValue::Death::kBeforeTheWrite, MortalKeyValue::Death::kAfterTheWrite}) {
    bool died = true;
    for (int writes = 4; died; writes += stride) {
      SCOPED_TRACE(::testing::Message() << "at write " << writes);
      bus_ = testing::NewForgettingMemoryBus();
      MakeTopics(*bus_, fixture, "bos-uk");
      Instance gateway(*bus_, Options());
      ASSERT_EQ(gateway.Start(writes, death), absl::OkStatus());
      for (std::size_t at = 0; at < fixture.records.size(); at += 100) Produce(*bus_, fixture, "bos-uk", at, at + 100);
      ASSERT_TRUE(Eventually([&] { return gateway.IsStopped() || (gateway.IsActive() && gateway.IsQuiet()); }));
      died = gateway.IsStopped();
      gateway.Stop();
      ASSERT_EQ(gateway.Start(), absl::OkStatus());
      ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
      ExpectAll(fixture, "uk");
      if (HasFailure()) return;
    }
  }
}

// True when the work has been given out among both: anew, when the second of them came.
bool HaveSettled(Instance& a, Instance& b) {
  return Eventually([&] { return a->status().takeovers + b->status().takeovers >= 2 && a.IsActive() != b.IsActive(); });
}

TEST_F(LiveGatewayTest, OfTwoExactlyOnePublishesAndTheOtherTakesOverWhenItStops) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Instance a(*bus_, Options());
  Instance b(*bus_, Options());
  ASSERT_EQ(a.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return a.IsActive(); }));
  ASSERT_EQ(b.Start(), absl::OkStatus());
  const std::size_t third = fixture.records.size() / 3;
  Produce(*bus_, fixture, "bos-uk", 0, third);
  ASSERT_TRUE(Eventually([&] { return a.HasReadAll() && b.HasReadAll(); }));
  ASSERT_TRUE(HaveSettled(a, b));
  const bool a_is_first = a.IsActive();
  Instance& first = a_is_first ? a : b;
  Instance& second = a_is_first ? b : a;
  Produce(*bus_, fixture, "bos-uk", third, 2 * third);
  first.Stop();
  ASSERT_TRUE(Eventually([&] { return second.IsActive(); }));
  Produce(*bus_, fixture, "bos-uk", 2 * third);
  ASSERT_TRUE(Eventually([&] { return second.IsQuiet(); }));
  ASSERT_EQ(first.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return first.IsQuiet() && second.IsQuiet(); }));
  ExpectAll(fixture, "uk");
}

TEST_F(LiveGatewayTest, OneThatHangsIsFencedAndWhatItSendsLaterIsNeverSeen) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Instance a(*bus_, Options());
  Instance b(*bus_, Options());
  ASSERT_EQ(a.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return a.IsActive(); }));
  ASSERT_EQ(b.Start(), absl::OkStatus());
  ASSERT_TRUE(HaveSettled(a, b));
  const bool a_is_first = a.IsActive();
  Instance& first = a_is_first ? a : b;
  Instance& second = a_is_first ? b : a;
  // It hangs with commands that are durable and not sent.
  first.gate().Close();
  Produce(*bus_, fixture, "bos-uk");
  ASSERT_TRUE(Eventually([&] { return first.gate().IsHolding(); }));
  ASSERT_TRUE(Eventually([&] { return second.IsActive() && second.IsQuiet(); }));
  const auto published = ReadCommands(*bus_, "uk");
  first.gate().Open();
  ASSERT_TRUE(Eventually([&] { return first.HasReadAll() && first.IsActive() != second.IsActive(); }));
  EXPECT_EQ(ReadCommands(*bus_, "uk").size(), published.size());
  ExpectAll(fixture, "uk");
}

TEST_F(LiveGatewayTest, WhatIsNotUnderstoodGoesToItsDeadLetterTopicOnceAndTheRestGoesOn) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Instance a(*bus_, Options());
  Instance b(*bus_, Options());
  ASSERT_EQ(a.Start(), absl::OkStatus());
  ASSERT_EQ(b.Start(), absl::OkStatus());
  const std::string topic = "bos-uk.public.core_bank";
  const std::string rubbish("\xff{not json\0", 11);
  bus::HeaderList headers;
  headers.Add("tenant", "uk");
  Send(*bus_,
       {.topic = topic, .partition = bus::BusPartition(1), .key = "k", .value = rubbish, .headers = headers.view()});
  Produce(*bus_, fixture, "bos-uk");
  ASSERT_TRUE(Eventually([&] { return a.IsQuiet() && b.IsQuiet() && (a.IsActive() || b.IsActive()); }));
  ExpectAll(fixture, "uk");
  const std::vector<Stored> letters = ReadAll(*bus_, {topic + ".dlq"});
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].value, rubbish);
  EXPECT_EQ(letters[0].key, "k");
  EXPECT_EQ(letters[0].Header("tenant"), "uk");
  EXPECT_EQ(letters[0].Header("__connect.errors.topic"), topic);
  EXPECT_EQ(letters[0].Header("__connect.errors.partition"), "1");
  EXPECT_EQ(letters[0].Header("__connect.errors.offset"), "0");
  EXPECT_EQ(letters[0].Header("__connect.errors.stage"), "VALUE_CONVERTER");
  EXPECT_THAT(letters[0].Header("__connect.errors.exception.message"), HasSubstr(topic));
  EXPECT_EQ(a->status().instances[0].counters.dead_letters, 1u);
  EXPECT_EQ(b->status().instances[0].counters.dead_letters, 1u);
  // The other one takes over and does not send it again.
  const bool a_is_first = a.IsActive();
  Instance& first = a_is_first ? a : b;
  Instance& second = a_is_first ? b : a;
  first.Stop();
  ASSERT_TRUE(Eventually([&] { return second.IsActive() && second.IsQuiet(); }));
  EXPECT_EQ(ReadAll(*bus_, {topic + ".dlq"}).size(), 1u);
}

TEST_F(LiveGatewayTest, DeadLettersAreSentBackOnceAndWhatIsUnderstoodThenIsApplied) {
  const Fixture& fixture = GetFixture("sample");
  MakeTopics(*bus_, fixture, "bos-uk");
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  const std::string topic = "bos-uk.public.clients_client";
  Send(*bus_, {.topic = topic, .partition = bus::BusPartition(0), .key = "k", .value = "rubbish"});
  ASSERT_TRUE(Eventually([&] { return ReadAll(*bus_, {topic + ".dlq"}).size() == 1; }));
  // A letter of an older gateway, which did not understand what this one does.
  const std::string client =
      R"({"before":null,"after":{"id":7,"client_ref":"EBPCLI000007","name":"Ann","status":"active",)"
      R"("created":"2026-01-02T03:04:05Z","modified":"2026-01-02T03:04:05Z"},"source":{"ts_ms":1700000000000,)"
      R"("snapshot":"false","schema":"public","table":"clients_client","txId":1,"lsn":10},"op":"c"})";
  bus::HeaderList headers;
  headers.Add("__connect.errors.topic", topic);
  headers.Add("daybook.dead_letter.id", "00000000-0000-4000-8000-000000000001");
  headers.Add("daybook.dead_letter.writer", "an older one");
  Send(*bus_, {.topic = topic + ".dlq", .key = R"({"id":7})", .value = client, .headers = headers.view()});

  const auto report = beneficiary::ReplayDeadLetters(*bus_, {"uk", "bos-uk"}, topic, absl::Seconds(30));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->sent, 2u);
  ASSERT_TRUE(Eventually(
      [&] { return ReadCommands(*bus_, "uk").size() == 1 && ReadAll(*bus_, {topic + ".dlq"}).size() == 3; }));
  // What was not understood again is a new letter, with the place where it was first read.
  const std::vector<Stored> letters = ReadAll(*bus_, {topic + ".dlq"});
  EXPECT_EQ(letters[2].value, "rubbish");
  EXPECT_EQ(letters[2].Header("__connect.errors.topic"), topic);
  EXPECT_EQ(letters[2].Header("__connect.errors.offset"), "0");
  const auto again = beneficiary::ReplayDeadLetters(*bus_, {"uk", "bos-uk"}, topic, absl::Seconds(30));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->sent, 1u);
  EXPECT_EQ(again->sent_before, 2u);
  EXPECT_TRUE(absl::IsNotFound(
      beneficiary::ReplayDeadLetters(*bus_, {"uk", "bos-uk"}, "bos-uk.public.other", absl::Seconds(30)).status()));
}

TEST_F(LiveGatewayTest, ADeletedPieceOfATopicStopsItByNameAndTheAdviceHelps) {
  const Fixture& fixture = GetFixture("sample");
  Load("sample", "bos-uk");
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  gateway.Stop();
  const std::string topic = "bos-uk.public.core_bank";
  const std::int64_t end = static_cast<std::int64_t>(
      std::count_if(fixture.records.begin(), fixture.records.end(), [](const cdc_test::OwnedRecord& record) {
        return record.topic == "bos.public.core_bank" && record.partition == 0;
      }));
  for (int i = 0; i < 3; ++i) Send(*bus_, {.topic = topic, .partition = bus::BusPartition(0), .key = "{\"id\":0}"});
  ASSERT_EQ(bus_->admin().DeleteRecords({topic, bus::BusPartition(0)}, bus::Offset(end + 2), absl::Seconds(5)),
            absl::OkStatus());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsStopped(); }));
  EXPECT_EQ(ReasonOf(ErrorOf(gateway)), "OFFSET_OUT_OF_RANGE");
  EXPECT_THAT(std::string(ErrorOf(gateway).message()), HasSubstr("--forget_positions"));
  EXPECT_FALSE(gateway->Readiness().ok());
  gateway.options().forget_positions = {topic};
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  ExpectAll(fixture, "uk");
}

TEST_F(LiveGatewayTest, ATopicThatWasMadeAnewStopsItByName) {
  const Fixture& fixture = GetFixture("sample");
  Load("sample", "bos-uk");
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  gateway.Stop();
  const std::string topic = "bos-uk.public.core_bank";
  ASSERT_EQ(bus_->admin().DeleteTopic(topic, absl::Seconds(5)), absl::OkStatus());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsStopped(); }));
  EXPECT_EQ(ReasonOf(ErrorOf(gateway)), "PARTITION_GONE");
  MakeTopics(*bus_, fixture, "bos-uk");
  Send(*bus_, {.topic = topic, .partition = bus::BusPartition(0), .key = "k", .value = "{}"});
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsStopped(); }));
  EXPECT_THAT(ReasonOf(ErrorOf(gateway)), ::testing::AnyOf("TOPIC_RECREATED", "OFFSET_OUT_OF_RANGE"));
}

TEST_F(LiveGatewayTest, ATopicThatIsNotThereWhileItTakesOverDoesNotStopIt) {
  Load("sample", "bos-uk");
  LosingBus losing(*bus_, "bos-uk.public.core_bank");
  Instance gateway(losing, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() || gateway.IsStopped(); }));
  EXPECT_EQ(ErrorOf(gateway), absl::OkStatus());
  EXPECT_EQ(losing.refused, LosingBus::kRefusals);
  ASSERT_TRUE(Eventually([&] { return gateway.IsQuiet(); }));
  ExpectAll(GetFixture("sample"), "uk");
}

TEST_F(LiveGatewayTest, WhatTheBrokerRefusesIsTriedAgainAndReadinessNamesIt) {
  Load("sample", "bos-uk");
  RefusingBus refusing(*bus_);
  Instance gateway(refusing, Options());
  gateway.options().hang_timeout = absl::Seconds(60);  // who hangs loses the work, and forgets why it could not do it
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  const auto says_why = [&] {
    return absl::StrContains(std::string(gateway->Readiness().message()), "delivery to commands: too large");
  };
  ASSERT_TRUE(Eventually(says_why)) << gateway->Readiness();
  // Trying again does not hide it meanwhile.
  ASSERT_TRUE(Eventually([&] { return gateway->status().takeovers >= 2; }));
  EXPECT_TRUE(says_why()) << gateway->Readiness();
  refusing.refuses = false;
  ASSERT_TRUE(Eventually([&] { return gateway->Readiness().ok() && gateway.IsActive() && gateway.IsQuiet(); }));
  ExpectAll(GetFixture("sample"), "uk");
}

TEST_F(LiveGatewayTest, ATopicWithoutItsBeginningIsRefusedUnlessTheOperatorSaysSo) {
  Load("sample", "bos-uk");
  ASSERT_EQ(bus_->admin().DeleteRecords({"bos-uk.public.clients_client", bus::BusPartition(0)}, bus::Offset(1),
                                        absl::Seconds(5)),
            absl::OkStatus());
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsStopped(); }));
  EXPECT_EQ(ReasonOf(ErrorOf(gateway)), "HISTORY_MISSING");
  gateway.options().missing_history = LiveGatewayOptions::MissingHistory::kAccept;
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway->status().caught_up; }));
}

TEST_F(LiveGatewayTest, ARowThatASnapshotLacksIsNamedCausesNoCommandAndIsForgottenOnDemand) {
  const std::string topic = "bos-uk.public.clients_client";
  for (const std::string& name : {topic, std::string("bos-uk.replay")}) {
    ASSERT_EQ(bus_->admin().CreateTopic({.topic = name, .partitions = 2}, absl::Seconds(5)), absl::OkStatus());
  }
  const auto send = [&](int id, int lsn, const std::string& phase) {
    const std::string row =
        absl::StrCat(R"({"id":)", id, R"(,"client_ref":"EBPCLI00000)", id, R"(","name":"Ann","status":"active",)",
                     R"("created":"2026-01-02T03:04:05Z","modified":"2026-01-02T03:04:05Z"})");
    const std::string value =
        absl::StrCat(R"({"before":null,"after":)", row, R"(,"source":{"ts_ms":1700000000000,"snapshot":")", phase,
                     R"(","schema":"public","table":"clients_client","txId":1,"lsn":)", lsn, R"(},"op":"r"})");
    const std::string key = absl::StrCat(R"({"id":)", id, "}");
    Send(*bus_, {.topic = topic, .partition = bus::BusPartition(id % 2), .key = key, .value = value});
  };
  Instance gateway(*bus_, Options());
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  send(7, 10, "first");
  send(8, 10, "true");
  send(9, 10, "last");
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && ReadCommands(*bus_, "uk").size() == 3; }));
  send(7, 20, "first");
  send(9, 20, "last");
  const auto is_named = [&] {
    const LiveGatewayStatus::Instance uk = gateway->status().instances[0];
    return uk.snapshot.rows == std::vector<std::string>{"public.clients_client 8"} &&
           uk.counters.rows_missing_from_snapshot == 1;
  };
  ASSERT_TRUE(Eventually(is_named));
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return is_named() && gateway.IsActive() && gateway.IsQuiet(); }));
  EXPECT_EQ(ReadCommands(*bus_, "uk").size(), 3u);
  const std::string page = beneficiary::StatusJson(gateway->status());
  EXPECT_THAT(page, HasSubstr(R"("rows_missing":1,"rows":["public.clients_client 8"])"));
  // What docs/how-to/run-the-gateway.md says to do about it.
  Send(*bus_, {.topic = "bos-uk.replay",
               .key = R"({"id":8})",
               .value = R"({"op":"d","before":null,"after":null,"source":{"schema":"public",)"
                        R"("table":"clients_client","snapshot":"false","lsn":20}})"});
  ASSERT_TRUE(Eventually([&] { return ReadCommands(*bus_, "uk").size() == 4; }));
  EXPECT_EQ(LastContents(ReadCommands(*bus_, "uk")).size(), 2u);
  EXPECT_EQ(gateway->status().instances[0].counters.rows_missing_from_snapshot, 0u);
}

TEST_F(LiveGatewayTest, WithASinkOfItsOwnItTakesPartInNoGroup) {
  const Fixture& fixture = GetFixture("sample");
  Load("sample", "bos-uk");
  cdc_test::CollectingSink sink;
  LiveGatewayOptions options = Options();
  options.sink = &sink;
  Instance gateway(*bus_, options);
  ASSERT_EQ(gateway.Start(), absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return gateway.IsActive() && gateway.IsQuiet(); }));
  gateway.Stop();
  EXPECT_EQ(Difference(fixture, FoldAll(sink.commands)), "");
  EXPECT_TRUE(ReadCommands(*bus_, "uk").empty());
}

}  // namespace
}  // namespace daybook::live_test
