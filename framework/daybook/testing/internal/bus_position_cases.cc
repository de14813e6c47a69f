#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/reason.h"
#include "daybook/testing/internal/bus_cases.h"

// Where reading starts, goes on and ends.
namespace daybook::testing::internal {
namespace {

using bus::Offset;
using bus::PartitionProgress;
using bus::PollOptions;
using bus::ReadMark;
using bus::RecordBatch;
using bus::Start;

std::vector<std::string> Numbers(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(absl::StrCat(i));
  return all;
}

void ReadingStartsWhereTheReaderSays(BusUnderTest& bus) {
  const std::string topic = bus.Topic(2);
  const std::string other = bus.Topic();
  bus.Send(topic, {"a0", "a1", "a2"}, 0);
  bus.Send(topic, {"b0", "b1"}, 1);
  bus.Send(other, {"c0"});
  auto consumer = bus.Consumer();
  const std::vector<Start> starts = {StartAt(topic, 2, 0)};
  ASSERT_OK(consumer->AssignTopics({topic, other}, starts, kLong));
  std::vector<std::string> values;
  for (const ReadRecord& record : ReadToEnd(*consumer)) values.push_back(record.value.value_or("?"));
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<std::string>{"a2", "b0", "b1", "c0"}));

  const std::vector<Start> one = {StartAt(topic, 1, 1)};
  ASSERT_OK(consumer->Assign(one, kLong));
  EXPECT_EQ(ValuesOf(ReadToEnd(*consumer)), "b1");
  bus.Send(topic, {"a3"}, 0);
  bus.Send(topic, {"b2"}, 1);
  EXPECT_EQ(ValuesOf(Read(*consumer, 1)), "b2");
}

// One poll that is not empty: a bus may give an empty batch at any time.
RecordBatch PollSome(bus::Consumer& consumer, PollOptions options) {
  options.timeout = kLong;
  const absl::Duration deadline = MonotonicNow() + kLong;
  absl::StatusOr<RecordBatch> batch = consumer.Poll(options);
  while (batch.ok() && batch->empty() && MonotonicNow() < deadline) batch = consumer.Poll(options);
  EXPECT_TRUE(batch.ok()) << batch.status();
  return batch.ok() ? *std::move(batch) : RecordBatch();
}

void APollGivesNoMoreThanWasAskedFor(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, std::vector<std::string>(20, std::string(100, 'x')));
  auto consumer = bus.Reader({topic});
  const RecordBatch three = PollSome(*consumer, {.records_max = 3});
  EXPECT_LE(three.size(), 3u);
  EXPECT_GE(three.size(), 1u);
  const RecordBatch few = PollSome(*consumer, {.bytes_max = 450});
  EXPECT_LE(few.size(), 3u);  // 200 bytes each; the last one may go over
  EXPECT_EQ(PollSome(*consumer, {.bytes_max = 1}).size(), 1u);
}

void ABatchOutlivesItsConsumer(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, {"1", "2"});
  RecordBatch kept;
  {
    auto consumer = bus.Reader({topic});
    while (kept.empty()) {
      absl::StatusOr<RecordBatch> batch = consumer->Poll({});
      ASSERT_TRUE(batch.ok()) << batch.status();
      kept = *std::move(batch);
    }
  }
  EXPECT_EQ(CopyOf(kept)[0].value, "1");
}

void AnEmptyPollWaitsForItsTimeout(BusUnderTest& bus) {
  auto consumer = bus.Reader({bus.Topic()});
  EXPECT_EQ(ReadToEnd(*consumer).size(), 0u);
  const absl::Duration before = MonotonicNow();
  const absl::StatusOr<RecordBatch> batch = consumer->Poll({.timeout = absl::Milliseconds(50)});
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_TRUE(batch->empty());
  EXPECT_GE(MonotonicNow() - before, absl::Milliseconds(45));
}

void ATopicMadeLaterIsReadFromItsFirstRecord(BusUnderTest& bus) {
  const std::string topic = bus.Name("later");
  auto consumer = bus.Reader({topic, bus.Topic()});
  EXPECT_EQ(ReadToEnd(*consumer).size(), 0u);
  bus.Create(topic, 2);
  bus.Send(topic, {"a"}, 0);
  bus.Send(topic, {"b"}, 1);
  EXPECT_EQ(Read(*consumer, 2).size(), 2u);
}

void PartitionsAddedLaterAreReadFromTheirFirstRecord(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  auto consumer = bus.Reader({topic});
  bus.Send(topic, {"a"}, 0);
  EXPECT_EQ(ValuesOf(Read(*consumer, 1)), "a");
  ASSERT_OK(bus->admin().AddPartitions(topic, 3, kLong));
  bus.Send(topic, {"b"}, 2);
  EXPECT_EQ(ValuesOf(Read(*consumer, 1)), "b");
  bus.Send(topic, {"c"}, 0);
  EXPECT_EQ(ValuesOf(Read(*consumer, 1)), "c");
  EXPECT_EQ(consumer->Progress().size(), 3u);
}

void CaughtUpComesWithTheEnd(BusUnderTest& bus) {
  const std::string topic = bus.Topic(2);
  bus.Send(topic, Numbers(10), 0);
  auto consumer = bus.Reader({topic});
  EXPECT_FALSE(consumer->CaughtUp());
  EXPECT_EQ(ReadToEnd(*consumer).size(), 10u);
  EXPECT_TRUE(consumer->CaughtUp());
  const std::vector<PartitionProgress> progress = consumer->Progress();
  ASSERT_EQ(progress.size(), 2u);
  EXPECT_EQ(progress[0].partition, At(topic, 0));
  EXPECT_EQ(progress[0].next, Offset(10));
  EXPECT_EQ(progress[0].end, Offset(10));
  EXPECT_TRUE(progress[0].was_at_end);
  EXPECT_EQ(progress[1].next, Offset(0));
  EXPECT_TRUE(progress[1].was_at_end);
  EXPECT_OK(consumer->health());
}

void AnOffsetThatIsGoneIsNamedAndNothingIsRead(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(10));
  ASSERT_OK(bus->admin().DeleteRecords(At(topic), Offset(5), kLong));
  auto consumer = bus.Consumer();
  for (const std::int64_t next : {3, 11}) {
    const std::vector<Start> starts = {StartAt(topic, next)};
    const absl::Status status = consumer->AssignTopics({topic}, starts, kLong);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << next;
    EXPECT_EQ(ReasonOf(status), "OFFSET_OUT_OF_RANGE");
    EXPECT_NE(status.message().find(absl::StrCat("offset ", next, ": it holds 5 to 10")), std::string::npos) << status;
    EXPECT_TRUE(consumer->Progress().empty());
  }
  for (const std::int64_t next : {0, 5, 10}) {
    const std::vector<Start> starts = {StartAt(topic, next)};
    ASSERT_OK(consumer->AssignTopics({topic}, starts, kLong));
    EXPECT_EQ(ReadToEnd(*consumer).size(), next == 10 ? 0u : 5u);
  }
}

void AReaderThatRetentionOvertakesIsToldSo(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(10));
  auto consumer = bus.Reader({topic});
  EXPECT_EQ(ReadToEnd(*consumer).size(), 10u);
  bus.Send(topic, Numbers(10));
  ASSERT_OK(bus->admin().DeleteRecords(At(topic), Offset(15), kLong));
  ASSERT_OK(consumer->Seek(At(topic), Offset(12)));
  const absl::Status status = ReadToError(*consumer);
  EXPECT_EQ(ReasonOf(status), "OFFSET_OUT_OF_RANGE") << status;
  EXPECT_EQ(consumer->Poll({}).status().code(), absl::StatusCode::kFailedPrecondition);
  const std::vector<Start> starts = {StartAt(topic, 15)};
  ASSERT_OK(consumer->AssignTopics({topic}, starts, kLong));
  EXPECT_EQ(ReadToEnd(*consumer).size(), 5u);
}

void ATopicMadeAnewIsNotTakenForTheOldOne(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(5));
  const std::vector<ReadRecord> read = Read(*bus.Reader({topic}), 5);
  std::vector<Start> starts = {StartAt(topic, 5)};
  starts[0].last = ReadMark{Offset(4), Timestamp::FromMillis(read[4].time_ms)};
  auto consumer = bus.Consumer();
  ASSERT_OK(consumer->AssignTopics({topic}, starts, kLong));
  bus.Send(topic, {"5"});
  EXPECT_EQ(ValuesOf(Read(*consumer, 1)), "5");

  ASSERT_OK(bus->admin().DeleteTopic(topic, kLong));
  const absl::Status gone = bus.Consumer()->AssignTopics({topic}, starts, kLong);
  EXPECT_EQ(gone.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(gone), "PARTITION_GONE");

  while (Clock::System().Now().millis() <= read[4].time_ms) continue;  // it takes more than a millisecond elsewhere
  bus.Create(topic, 1);
  bus.Send(topic, Numbers(2));
  const absl::Status shorter = bus.Consumer()->AssignTopics({topic}, starts, kLong);
  EXPECT_EQ(ReasonOf(shorter), "OFFSET_OUT_OF_RANGE") << shorter;
  bus.Send(topic, Numbers(8));
  const absl::Status longer = bus.Consumer()->AssignTopics({topic}, starts, kLong);
  EXPECT_EQ(longer.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(longer), "TOPIC_RECREATED") << longer;
}

void ATransactionsEndIsNotTakenForTheRecordThatWasRead(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(3));
  const std::vector<ReadRecord> read = Read(*bus.Reader({topic}), 3);
  std::vector<Start> starts = {StartAt(topic, 2)};
  starts[0].last = ReadMark{Offset(1), Timestamp::FromMillis(read[1].time_ms)};
  ASSERT_OK(bus.Consumer()->AssignTopics({topic}, starts, kLong));
  ASSERT_OK(bus->admin().DeleteTopic(topic, kLong));
  bus.Create(topic, 1);
  auto producer = bus.Transactional(bus.Name("writer"));
  ASSERT_OK(producer->Init(kLong));
  for (const char* const value : {"a", "b"}) {  // with their ends: offsets 0 to 3
    ASSERT_OK(producer->Begin());
    ASSERT_OK(producer->Send({.topic = topic, .partition = bus::BusPartition(0), .value = value}));
    ASSERT_OK(producer->Commit(kLong));
  }
  EXPECT_EQ(ValuesOf(Read(*bus.Reader({topic}), 2)), "a b");
  EXPECT_EQ(ReasonOf(bus.Consumer()->AssignTopics({topic}, starts, kLong)), "TOPIC_RECREATED");
}

void AMarkWhoseRecordIsGoneSaysNothing(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(6));
  ASSERT_OK(bus->admin().DeleteRecords(At(topic), Offset(5), kLong));
  std::vector<Start> starts = {StartAt(topic, 5)};
  starts[0].last = ReadMark{Offset(4), Timestamp::FromMillis(1)};
  auto consumer = bus.Consumer();
  ASSERT_OK(consumer->AssignTopics({topic}, starts, kLong));
  EXPECT_EQ(ValuesOf(ReadToEnd(*consumer)), "5");
}

void AReaderOfATopicThatIsDeletedIsToldSo(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(5));
  auto consumer = bus.Reader({topic});
  EXPECT_EQ(ReadToEnd(*consumer).size(), 5u);
  ASSERT_OK(bus->admin().DeleteTopic(topic, kLong));
  bus.Create(topic, 1);
  const absl::Status status = ReadToError(*consumer);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_NE(status.message().find(topic), std::string::npos) << status;
}

void SeekGoesBackAndForth(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  bus.Send(topic, Numbers(100));
  auto consumer = bus.Reader({topic});
  EXPECT_EQ(Read(*consumer, 50).back().offset, 49);
  for (const std::int64_t next : {20, 90, 0}) {
    ASSERT_OK(consumer->Seek(At(topic), Offset(next)));
    EXPECT_EQ(Read(*consumer, 5).front().offset, next);
  }
  EXPECT_EQ(consumer->Seek(At(topic, 1), Offset(0)).code(), absl::StatusCode::kNotFound);
}

void OffsetsAndPartitionsAreTold(BusUnderTest& bus) {
  const std::string topic = bus.Topic(2);
  bus.Send(topic, Numbers(4), 1);
  auto consumer = bus.Consumer();
  EXPECT_EQ(consumer->PartitionCount(topic, kLong).value_or(-1), 2);
  EXPECT_EQ(consumer->PartitionCount(bus.Name("none"), kLong).status().code(), absl::StatusCode::kNotFound);
  const absl::StatusOr<bus::OffsetRange> range = consumer->Offsets(At(topic, 1), kLong);
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->begin, Offset(0));
  EXPECT_EQ(range->end, Offset(4));
  EXPECT_EQ(consumer->Offsets(At(topic, 2), kLong).status().code(), absl::StatusCode::kNotFound);
}

void TheTailIsTheLastRecords(BusUnderTest& bus) {
  const std::string topic = bus.Topic(2);
  const auto tail = [&](std::size_t count, std::int32_t number = 0) {
    const absl::StatusOr<RecordBatch> batch = ReadTail(*bus, At(topic, number), count, kLong);
    EXPECT_TRUE(batch.ok()) << batch.status();
    return batch.ok() ? ValuesOf(CopyOf(*batch)) : "(error)";
  };
  EXPECT_EQ(tail(3), "");
  bus.Send(topic, Numbers(5), 0);
  EXPECT_EQ(tail(3), "2 3 4");
  EXPECT_EQ(tail(9), "0 1 2 3 4");
  auto producer = bus.Transactional(bus.Name("writer"));
  ASSERT_OK(producer->Init(kLong));
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(producer->Begin());
    ASSERT_OK(producer->Send({.topic = topic, .partition = bus::BusPartition(0), .value = "aborted"}));
    ASSERT_OK(producer->Abort(kLong));
  }
  EXPECT_EQ(tail(2), "3 4");
  EXPECT_EQ(tail(3, 1), "");
  EXPECT_EQ(ReadTail(*bus, At(topic, 7), 1, kLong).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace

std::vector<BusCase> BusPositionCases() {
  return {{"ReadingStartsWhereTheReaderSays", ReadingStartsWhereTheReaderSays},
          {"APollGivesNoMoreThanWasAskedFor", APollGivesNoMoreThanWasAskedFor},
          {"ABatchOutlivesItsConsumer", ABatchOutlivesItsConsumer},
          {"AnEmptyPollWaitsForItsTimeout", AnEmptyPollWaitsForItsTimeout},
          {"ATopicMadeLaterIsReadFromItsFirstRecord", ATopicMadeLaterIsReadFromItsFirstRecord},
          {"PartitionsAddedLaterAreReadFromTheirFirstRecord", PartitionsAddedLaterAreReadFromTheirFirstRecord},
          {"CaughtUpComesWithTheEnd", CaughtUpComesWithTheEnd},
          {"AnOffsetThatIsGoneIsNamedAndNothingIsRead", AnOffsetThatIsGoneIsNamedAndNothingIsRead},
          {"AReaderThatRetentionOvertakesIsToldSo", AReaderThatRetentionOvertakesIsToldSo},
          {"ATopicMadeAnewIsNotTakenForTheOldOne", ATopicMadeAnewIsNotTakenForTheOldOne},
          {"ATransactionsEndIsNotTakenForTheRecordThatWasRead", ATransactionsEndIsNotTakenForTheRecordThatWasRead},
          {"AMarkWhoseRecordIsGoneSaysNothing", AMarkWhoseRecordIsGoneSaysNothing},
          {"AReaderOfATopicThatIsDeletedIsToldSo", AReaderOfATopicThatIsDeletedIsToldSo},
          {"SeekGoesBackAndForth", SeekGoesBackAndForth},
          {"OffsetsAndPartitionsAreTold", OffsetsAndPartitionsAreTold},
          {"TheTailIsTheLastRecords", TheTailIsTheLastRecords}};
}

}  // namespace daybook::testing::internal
