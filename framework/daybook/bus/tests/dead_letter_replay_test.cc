#include "daybook/bus/dead_letter_replay.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/bus/dead_letter.h"
#include "daybook/bus/memory/memory_bus.h"

namespace daybook::bus {
namespace {

constexpr absl::Duration kLimit = absl::Seconds(60);
constexpr char kTopic[] = "commands";

class DeadLetterReplayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Make(kTopic);
    Make(DeadLetterTopic(kTopic));
  }
  void Make(const std::string& topic) {
    ASSERT_TRUE(
        bus_->admin().CreateTopic({.topic = topic, .partitions = 1, .replication = 1, .config = {}}, kLimit).ok());
  }
  void Send(const OutgoingRecord& record) {
    auto producer = *bus_->NewProducer({.name = "test"});
    ASSERT_TRUE(producer->Send(record, [](const auto&) {}).ok());
    ASSERT_TRUE(producer->Flush(kLimit).ok());
  }
  // Writes a command, and has it set aside.
  void SendToBeSetAside(std::optional<std::string_view> key, std::string_view value) {
    HeaderList own;
    own.Add("ce_id", "7");
    own.AddNull("nothing");
    Send({.topic = kTopic, .key = key, .value = value, .headers = own.view()});
    const RecordBatch all = Read(kTopic);
    HeaderList headers;
    Send(MakeDeadLetter(all.records().back(), {"test", "TASK_PUT", absl::InternalError("out of order")},
                        DeadLetterTopic(kTopic), headers));
  }
  RecordBatch Read(const std::string& topic) {
    absl::StatusOr<RecordBatch> batch = ReadTail(*bus_, {topic, BusPartition(0)}, 1000, kLimit);
    EXPECT_TRUE(batch.ok()) << batch.status();
    return *std::move(batch);
  }
  std::string Replay() {
    const absl::StatusOr<ReplayReport> report = ReplayDeadLetters(*bus_, kTopic, kLimit);
    if (!report.ok()) return report.status().ToString();
    return absl::StrCat(report->sent, " sent, ", report->overtaken, " overtaken, ", report->without_key,
                        " without key");
  }

  std::unique_ptr<Bus> bus_ = NewMemoryBus();
};

TEST(DeadLetterTest, ALetterSaysWhereItsRecordLayAlsoIfThatWasALetterItself) {
  HeaderList headers;
  Record record;
  record.topic = "other.dlq";
  record.partition = BusPartition(3);
  record.offset = Offset(41);
  const std::vector<Header> of_the_record = {{"__connect.errors.topic", "other"}, {"__connect.errors.offset", "7"}};
  record.headers = of_the_record;
  EXPECT_FALSE(PlaceOfLetter(record).has_value()) << "it names no partition";
  const OutgoingRecord letter =
      MakeDeadLetter(record, {"test", "TASK_PUT", absl::InternalError("no")}, "other.dlq.dlq", headers);
  record.headers = letter.headers;
  const std::optional<RecordPlace> place = PlaceOfLetter(record);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->partition.ToString(), "other.dlq/3");
  EXPECT_EQ(place->offset, Offset(41));
}

TEST_F(DeadLetterReplayTest, ALetterComesBackAsItWasFirstRead) {
  SendToBeSetAside("k", "v");
  EXPECT_EQ(Replay(), "1 sent, 0 overtaken, 0 without key");
  const RecordBatch all = Read(kTopic);
  ASSERT_EQ(all.size(), 2u);
  const Record& first = all.records()[0];
  const Record& again = all.records()[1];
  EXPECT_EQ(again.key, first.key);
  EXPECT_EQ(again.value, first.value);
  ASSERT_EQ(again.headers.size(), 2u);
  EXPECT_EQ(again.headers[0].name, "ce_id");
  EXPECT_EQ(again.headers[0].value, "7");
  EXPECT_FALSE(again.headers[1].value.has_value());
}

TEST_F(DeadLetterReplayTest, NothingIsSentBackTwice) {
  SendToBeSetAside("k", "v");
  SendToBeSetAside("other", "v");
  EXPECT_EQ(Replay(), "2 sent, 0 overtaken, 0 without key");
  EXPECT_EQ(Replay(), "0 sent, 2 overtaken, 0 without key");
  EXPECT_EQ(Read(kTopic).size(), 4u);
}

TEST_F(DeadLetterReplayTest, AnOlderCommandDoesNotUndoALaterOne) {
  SendToBeSetAside("k", "old");
  Send({.topic = kTopic, .key = "k", .value = "new"});
  SendToBeSetAside("other", "v");
  EXPECT_EQ(Replay(), "1 sent, 1 overtaken, 0 without key");
  EXPECT_EQ(Read(kTopic).records().back().key, "other");
}

TEST_F(DeadLetterReplayTest, AnOlderCommandDoesNotUndoALaterOneOnATopicMadeAnew) {
  SendToBeSetAside("before", "v");
  SendToBeSetAside("k", "old");
  while (Clock::System().Now().millis() <= Read(DeadLetterTopic(kTopic)).records().back().timestamp.millis()) continue;
  ASSERT_TRUE(bus_->admin().DeleteTopic(kTopic, kLimit).ok());
  Make(kTopic);
  Send({.topic = kTopic, .key = "k", .value = "new"});
  EXPECT_EQ(Replay(), "1 sent, 1 overtaken, 0 without key");
}

TEST_F(DeadLetterReplayTest, ALetterWithoutAKeyStaysWhereItIs) {
  SendToBeSetAside(std::nullopt, "rubbish");
  EXPECT_EQ(Replay(), "0 sent, 0 overtaken, 1 without key");
}

TEST_F(DeadLetterReplayTest, ATopicWithoutDeadLettersIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(ReplayDeadLetters(*bus_, "unknown", kLimit).status()));
}

}  // namespace
}  // namespace daybook::bus
