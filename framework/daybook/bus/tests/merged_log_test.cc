#include "daybook/bus/internal/merged_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "daybook/base/hash.h"
#include "daybook/base/reason.h"
#include "daybook/bus/tests/topic_log.h"

namespace daybook::bus::internal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr store::BatchLimits kAll{.events_max = 100'000, .bytes_max = 1 << 30};

// What a topic holds: events by position, in the order of their offsets; a repeat is one that stands there twice.
using Topic = std::vector<Position>;

std::vector<LaneMark> Fresh(const std::vector<std::string>& topics) {
  std::vector<LaneMark> marks;
  for (const std::string& topic : topics) marks.push_back({{topic, BusPartition(0)}, {}, {}});
  return marks;
}

absl::Status AddTo(MergedLog& merged, const TopicLog::Event& event, Offset offset) {
  HeaderList headers;
  const OutgoingRecord sent = TopicLog::RecordOf(event, headers);
  // Header values point into `headers`, which ends with this call; the data into the log, which does not.
  struct Memory {
    HeaderList headers;
    std::vector<Header> view;
  };
  auto memory = std::make_shared<Memory>();
  memory->headers = headers;
  const auto view = memory->headers.view();
  memory->view.assign(view.begin(), view.end());
  const Record record{.topic = sent.topic,
                      .partition = BusPartition(0),
                      .offset = offset,
                      .timestamp = Timestamp::FromMillis(1000 + offset.value()),
                      .key = sent.key,
                      .value = sent.value,
                      .headers = memory->view};
  return merged.Add(record, Timestamp::FromMillis(5), memory);
}

TopicLog TwoCategories(std::mt19937_64& random, int commands) {
  TopicLog log;
  for (int i = 0; i < commands; ++i) {
    const StreamId stream(random() % 3 == 0 ? "client" : "payee", std::to_string(random() % 5));
    std::vector<TopicLog::Payload> payloads;
    const auto count = 1 + random() % 4;
    for (std::uint64_t n = 0; n < count; ++n) payloads.push_back({"payee.Changed", std::to_string(random())});
    log.Append(stream, payloads);
  }
  return log;
}

std::map<std::string, Topic> TopicsOf(const TopicLog& log) {
  std::map<std::string, Topic> topics = {{"payees", {}}, {"clients", {}}};
  for (const TopicLog::Event& event : log.events()) topics[event.topic].push_back(event.position);
  return topics;
}

// Repeats pieces of each topic, as a publisher would that does not know where it was.
void AddRepeats(std::map<std::string, Topic>& topics, std::mt19937_64& random) {
  for (auto& [name, topic] : topics) {
    for (int i = 0; i < 3 && !topic.empty(); ++i) {
      const std::size_t end = 1 + random() % topic.size();
      const std::size_t begin = end - random() % std::min<std::size_t>(end, 6);
      const Topic piece(topic.begin() + static_cast<std::ptrdiff_t>(begin),
                        topic.begin() + static_cast<std::ptrdiff_t>(end));
      topic.insert(topic.begin() + static_cast<std::ptrdiff_t>(end), piece.begin(), piece.end());
    }
  }
}

// Feeds the topics in a random interleaving from where `merged` wants them, and checks everything that comes out.
// Gives the cursor and tip behind a random command on the way, to go on from in a second reader.
struct Stop {
  Position after;
  projection::LogTip tip = {};
  std::string cursor;
};

Stop ReadAll(MergedLog& merged, const TopicLog& log, const std::map<std::string, Topic>& topics, Position after,
             std::mt19937_64& random) {
  std::map<std::string, std::size_t> next;
  for (const Start& start : merged.Starts(MergedLog::Which::kAll)) {
    next[start.partition.topic] = static_cast<std::size_t>(start.next.value());
  }
  Stop stop;
  while (true) {
    std::vector<std::string> open;
    for (const auto& [name, topic] : topics) {
      if (next[name] < topic.size()) open.push_back(name);
    }
    if (!open.empty()) {
      const std::string& name = open[random() % open.size()];
      for (auto n = 1 + random() % 8; n > 0 && next[name] < topics.at(name).size(); --n) {
        const std::size_t offset = next[name]++;
        const absl::Status added = AddTo(merged, log.at(topics.at(name)[offset].value()), Offset(offset));
        EXPECT_TRUE(added.ok()) << added;
      }
    }
    const auto taken = merged.Take({.events_max = 1 + random() % 9, .bytes_max = 1 << 20});
    EXPECT_TRUE(taken.ok()) << taken.status();
    if (!taken.ok() || (taken->empty() && open.empty())) return stop;
    std::vector<std::size_t> command_ends;
    for (std::size_t i = 0; i < taken->size(); ++i) {
      const store::EventView& view = (*taken)[i];
      after = after.Next();
      const TopicLog::Event& expected = log.at(after.value());
      EXPECT_EQ(view.position, after);
      EXPECT_EQ(view.stream, expected.stream);
      EXPECT_EQ(view.data, expected.data);
      EXPECT_EQ(view.envelope, expected.envelope);
      if (view.index + 1 == view.count) command_ends.push_back(i + 1);
    }
    if (taken->empty()) continue;
    EXPECT_EQ(command_ends.back(), taken->size()) << "a batch ends inside a command";
    const std::size_t count = command_ends[random() % command_ends.size()];
    if (stop.cursor.empty() || random() % 3 == 0) {
      const store::EventView& last = (*taken)[count - 1];
      stop = {last.position, projection::TipOf(last), merged.CursorAfter(count)};
    }
  }
}

TEST(MergedLogTest, WhateverTheInterleavingTheLogComesOutOnceAndInOrderAlsoFromAnyCheckpoint) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const TopicLog log = TwoCategories(random, 40);
    std::map<std::string, Topic> topics = TopicsOf(log);
    AddRepeats(topics, random);

    MergedLog merged(Fresh({"payees", "clients"}), Position(), {});
    const Stop stop = ReadAll(merged, log, topics, Position(), random);
    EXPECT_EQ(merged.highest(), log.end());
    EXPECT_EQ(merged.held_bytes(), 0u);

    const auto kept = DecodeMarks(stop.cursor, PartitionId(0));
    ASSERT_TRUE(kept.ok()) << kept.status();
    std::vector<LaneMark> marks = Fresh({"payees", "clients"});
    for (LaneMark& mark : marks) {
      for (const LaneMark& old : *kept) {
        if (old.partition == mark.partition) mark = old;
      }
    }
    MergedLog again(marks, stop.after, stop.tip);
    ReadAll(again, log, topics, stop.after, random);
    EXPECT_EQ(again.CursorAfter(0), merged.CursorAfter(0)) << "the cursor depends on more than the position";
    if (::testing::Test::HasFailure()) return;
  }
}

class MergedLogErrorTest : public ::testing::Test {
 protected:
  MergedLogErrorTest() {
    for (const char* const category : {"payee", "payee", "client", "payee", "client"}) {
      log_.Append(StreamId(category, "a"), {{"payee.Changed", "x"}});
    }
  }
  absl::Status Add(std::uint64_t position) { return AddTo(merged_, log_.at(position), Offset(next_offset_++)); }
  std::size_t Take() {
    const auto taken = merged_.Take(kAll);
    EXPECT_TRUE(taken.ok()) << taken.status();
    return taken.ok() ? taken->size() : 0;
  }

  TopicLog log_;  // payees 1 2 4, clients 3 5
  MergedLog merged_{Fresh({"payees", "clients"}), Position(), {}};
  std::int64_t next_offset_ = 0;
};

TEST_F(MergedLogErrorTest, AGapInATopicIsNamedAtOnce) {
  ASSERT_TRUE(Add(1).ok());
  const absl::Status gap = Add(4);
  EXPECT_EQ(gap.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(gap), "EVENTS_MISSING");
  EXPECT_THAT(std::string(gap.message()), AllOf(HasSubstr("payees/0@1"), HasSubstr("position 4"),
                                                HasSubstr("follows on position 2"), HasSubstr("published again")));
}

TEST_F(MergedLogErrorTest, ATopicWhoseBeginningIsGoneIsNamed) { EXPECT_EQ(ReasonOf(Add(2)), "EVENTS_MISSING"); }

TEST_F(MergedLogErrorTest, AnEventThatIsOnNoTopicIsNamedOnceAllTopicsAreBehindIt) {
  ASSERT_TRUE(Add(1).ok());
  ASSERT_TRUE(Add(2).ok());
  EXPECT_EQ(Take(), 2u);
  ASSERT_TRUE(Add(4).ok());
  EXPECT_EQ(Take(), 0u) << "position 3 may still come";
  EXPECT_EQ(merged_.missing(), Position(3));

  // A log in which position 3 was never published, with the links as if nothing were missing.
  TopicLog::Event five = log_.at(5);
  five.previous = Position();
  ASSERT_TRUE(AddTo(merged_, five, Offset(0)).ok());
  const auto taken = merged_.Take(kAll);
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(taken.status()), "EVENTS_MISSING");
  EXPECT_THAT(std::string(taken.status().message()), HasSubstr("position 3"));
}

TEST_F(MergedLogErrorTest, AnotherEventAtAPositionReadBeforeIsNoRepeat) {
  for (const std::uint64_t position : {1, 2}) ASSERT_TRUE(Add(position).ok());
  EXPECT_EQ(Take(), 2u);
  TopicLog other;
  other.StartIdsAt(1000);
  other.Append(StreamId("payee", "a"), {{"payee.Changed", "y"}});
  EXPECT_EQ(ReasonOf(AddTo(merged_, other.at(1), Offset(2))), "EVENT_REPLACED");
  ASSERT_TRUE(Add(1).ok()) << "a true repeat is dropped";
  EXPECT_EQ(merged_.repeats(), 2u);
}

TEST_F(MergedLogErrorTest, TheEventAtTheCheckpointIsRecognisedAfterARestart) {
  std::vector<LaneMark> marks = Fresh({"payees", "clients"});
  marks[0].record = {Offset(1), Timestamp()};
  marks[0].position = Position(2);
  MergedLog resumed(marks, Position(2), projection::TipOf(TopicLog::ViewOf(log_.at(2))));
  EXPECT_TRUE(AddTo(resumed, log_.at(2), Offset(2)).ok());
  TopicLog other;
  other.StartIdsAt(1000);
  other.Append(StreamId("payee", "a"), {{"payee.Changed", "y"}, {"payee.Changed", "z"}});
  EXPECT_EQ(ReasonOf(AddTo(resumed, other.at(2), Offset(3))), "EVENT_REPLACED");
}

TEST_F(MergedLogErrorTest, HalfACommandWaitsForItsOtherHalf) {
  TopicLog log;
  log.Append(StreamId("payee", "a"), {{"payee.Changed", "x"}, {"payee.Changed", "y"}});
  ASSERT_TRUE(AddTo(merged_, log.at(1), Offset(0)).ok());
  EXPECT_EQ(Take(), 0u);
  EXPECT_EQ(merged_.missing(), Position()) << "nothing has overtaken it";
  const std::vector<Start> needed = merged_.Starts(MergedLog::Which::kNeeded);
  EXPECT_EQ(needed.size(), 2u);
  ASSERT_TRUE(AddTo(merged_, log.at(2), Offset(1)).ok());
  EXPECT_EQ(Take(), 2u);
}

TEST_F(MergedLogErrorTest, OnlyTopicsThatCanHoldTheNextEventAreNeeded) {
  for (const std::uint64_t position : {1, 2, 4}) ASSERT_TRUE(Add(position).ok());
  EXPECT_EQ(Take(), 2u);
  EXPECT_GT(merged_.held_bytes(), 0u);
  const std::vector<Start> needed = merged_.Starts(MergedLog::Which::kNeeded);
  ASSERT_EQ(needed.size(), 1u);
  EXPECT_EQ(needed[0].partition.topic, "clients");
  EXPECT_EQ(needed[0].next, Offset(0));
  EXPECT_FALSE(needed[0].last.has_value());
  const std::vector<Start> all = merged_.Starts(MergedLog::Which::kAll);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].next, Offset(3)) << "behind what is held";
  EXPECT_EQ(all[0].last->offset, Offset(2));
}

TEST(MergedLogCursorTest, HasTheseBytes) {
  std::vector<LaneMark> marks = Fresh({"payees", "clients", "unread"});
  marks[0].record = {Offset(300), Timestamp::FromMicros(0x0102)};
  marks[0].position = Position(7);
  marks[1].record = {Offset(0), Timestamp::FromMicros(0x03)};
  marks[1].position = Position(5);
  const std::string bytes = EncodeMarks(marks);
  EXPECT_EQ(ToHex(bytes),
            "02"
            "07636c69656e7473"
            "00"
            "0000000000000003"
            "05"
            "06706179656573"
            "ac02"
            "0000000000000102"
            "07");
  const auto back = DecodeMarks(bytes, PartitionId(0));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(EncodeMarks(*back), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeMarks(bytes.substr(0, size), PartitionId(0)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(DecodeMarks(bytes + "x", PartitionId(0)).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace daybook::bus::internal
