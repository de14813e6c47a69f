#include <algorithm>
#include <atomic>
#include <thread>

#include "daybook/testing/internal/event_store_cases.h"

namespace daybook::testing::internal {
namespace {

using store::Batch;
using store::BatchLimits;
using store::Direction;
using store::EventView;
using store::ExpectedRevision;
using store::Subscription;

constexpr absl::Duration kSoon = absl::Seconds(20);  // reached only by a test that fails

std::vector<std::string> Numbers(int from, int to) {
  std::vector<std::string> numbers;
  for (int i = from; i <= to; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

std::string Joined(std::vector<std::string> texts) {
  std::string joined;
  for (const std::string& text : texts) joined.append(joined.empty() ? "" : " ").append(text);
  return joined;
}

void AStreamReadsForwardsFromAnyRevision(StoreUnderTest& s) {
  s.Append(kA, {"1", "2"});
  s.Append(kB, {"other"});
  s.Append(kA, {"3"});
  EXPECT_EQ(DataOf(s.Stream(kA, Revision(0))), "1 2 3");
  EXPECT_EQ(DataOf(s.Stream(kA, Revision(1))), "1 2 3");
  EXPECT_EQ(DataOf(s.Stream(kA, Revision(3))), "3");
  EXPECT_EQ(DataOf(s.Stream(kA, Revision(4))), "");
  const std::vector<StoredEvent> events = s.Stream(kA);
  EXPECT_EQ(events[2].position, 4u);
  EXPECT_EQ(events[2].revision, 3u);
}

// In what lies in memory, too, where some tables cannot be read downwards.
void AStreamReadsBackwardsFromAnyRevision(StoreUnderTest& s) {
  for (int i = 1; i <= 200; i += 4) {
    s.Append(kA, Numbers(i, i + 3));
    s.Append(kB, {"other"});
  }
  for (const int from : {0, 1, 2, 63, 64, 65, 128, 129, 199, 200, 500}) {
    const int last = from == 0 ? 200 : std::min(from, 200);
    std::vector<std::string> expected = Numbers(1, last);
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(DataOf(s.Stream(kA, Revision(from), Direction::kBackwards)), Joined(expected)) << from;
  }
}

void AnUnknownStreamHasNoEvents(StoreUnderTest& s) {
  s.Append(kA, {"1"});
  for (const StreamId& stream : {kB, StreamId("payee", "aa"), StreamId("paye", "a"), StreamId()}) {
    EXPECT_TRUE(s.Stream(stream).empty()) << stream.text();
    EXPECT_TRUE(s.Stream(stream, Revision(), Direction::kBackwards).empty()) << stream.text();
    EXPECT_EQ(s->Head(stream)->revision, Revision()) << stream.text();
  }
}

void StreamsWhoseNamesBeginAlikeAreKeptApart(StoreUnderTest& s) {
  const std::vector<std::string> keys = {"a", "ab", "a/b", "a!", "\xff\xff", "a\xff", std::string(255, 'a')};
  for (int round = 1; round <= 3; ++round) {
    for (const std::string& key : keys) s.Append(StreamId("payee", key), {key + std::to_string(round)});
  }
  for (const std::string& key : keys) {
    EXPECT_EQ(DataOf(s.Stream(StreamId("payee", key))), key + "1 " + key + "2 " + key + "3");
    EXPECT_EQ(DataOf(s.Stream(StreamId("payee", key), Revision(2), Direction::kBackwards)), key + "2 " + key + "1");
  }
}

void TheLogReadsFromAnyPosition(StoreUnderTest& s) {
  EXPECT_TRUE(s.All().empty());
  for (int i = 1; i <= 100; i += 5) s.Append(i % 2 == 0 ? kA : kB, Numbers(i, i + 4));
  for (const int from : {0, 1, 3, 6, 99, 100}) {
    EXPECT_EQ(DataOf(s.All(Position(from))), Joined(Numbers(std::max(from, 1), 100))) << from;
  }
  EXPECT_TRUE(s.All(Position(101)).empty());
}

void ACursorEndsAtTheWatermarkOfItsCall(StoreUnderTest& s) {
  s.Append(kA, {"1", "2"});
  const std::unique_ptr<store::EventCursor> log = s->ReadAll(Position());
  const std::unique_ptr<store::EventCursor> stream = s->ReadStream(kA, Revision(1), Direction::kForwards);
  s.Append(kA, {"3"});
  EXPECT_EQ(DataOf(ReadToEnd(*log)), "1 2");
  EXPECT_EQ(DataOf(ReadToEnd(*stream)), "1 2");
  EXPECT_FALSE(*log->Next());
}

void HeadGivesRevisionAndPosition(StoreUnderTest& s) {
  s.Append(kB, {"x"});
  s.Append(kA, {"1", "2"});
  s.Append(kB, {"y"});
  EXPECT_EQ(s->Head(kA)->revision, Revision(2));
  EXPECT_EQ(s->Head(kA)->position, Position(3));
  EXPECT_EQ(s->Head(kB)->position, Position(4));
}

// --- Subscriptions ---------------------------------------------------------------------------------------------------

std::string NextData(Subscription& subscription, const BatchLimits& limits = {}, absl::Duration timeout = kSoon) {
  const absl::StatusOr<std::vector<EventView>> events = subscription.NextBatch(limits, timeout);
  EXPECT_TRUE(events.ok()) << events.status();
  std::vector<StoredEvent> copies;
  if (events.ok()) {
    for (const EventView& event : *events) copies.push_back(CopyOf(event));
  }
  return DataOf(copies);
}

void ASubscriptionCatchesUpAndThenFollows(StoreUnderTest& s) {
  s.Append(kA, {"1", "2"});
  const std::unique_ptr<Subscription> subscription = s->Subscribe(Position());
  EXPECT_EQ(NextData(*subscription), "1 2");
  s.Append(kB, {"3"});
  EXPECT_EQ(NextData(*subscription), "3");
  std::jthread later([&] { s.Append(kB, {"4"}); });
  EXPECT_EQ(NextData(*subscription), "4");
}

void ASubscriptionStartsAtItsPosition(StoreUnderTest& s) {
  s.Append(kA, {"1", "2", "3"});
  s.Append(kA, {"4"});
  EXPECT_EQ(NextData(*s->Subscribe(Position(2))), "2 3 4");
  EXPECT_EQ(NextData(*s->Subscribe(Position(4))), "4");
  const std::unique_ptr<Subscription> ahead = s->Subscribe(Position(5));
  EXPECT_EQ(NextData(*ahead, {}, absl::ZeroDuration()), "");
  s.Append(kA, {"5"});
  EXPECT_EQ(NextData(*ahead), "5");
}

void ASubscriptionNeverDividesACommand(StoreUnderTest& s) {
  s.Append(kA, Numbers(1, 3));
  s.Append(kB, Numbers(4, 8));
  s.Append(kA, Numbers(9, 9));
  const std::unique_ptr<Subscription> one = s->Subscribe(Position());
  BatchLimits limits;
  limits.events_max = 1;
  EXPECT_EQ(NextData(*one, limits), "1 2 3");
  EXPECT_EQ(NextData(*one, limits), "4 5 6 7 8");
  EXPECT_EQ(NextData(*one, limits), "9");
  const std::unique_ptr<Subscription> four = s->Subscribe(Position());
  limits.events_max = 4;
  EXPECT_EQ(NextData(*four, limits), "1 2 3 4 5 6 7 8");
  limits = BatchLimits();
  limits.bytes_max = 1;
  const std::unique_ptr<Subscription> bytes = s->Subscribe(Position());
  EXPECT_EQ(NextData(*bytes, limits), "1 2 3");
}

void ASubscriptionTimesOutWithNothing(StoreUnderTest& s) {
  const std::unique_ptr<Subscription> subscription = s->Subscribe(Position());
  EXPECT_EQ(NextData(*subscription, {}, absl::Milliseconds(1)), "");
  s.Append(kA, {"1"});
  EXPECT_EQ(NextData(*subscription), "1");
}

void CancelEndsAWaitingSubscription(StoreUnderTest& s) {
  const std::unique_ptr<Subscription> subscription = s->Subscribe(Position());
  std::jthread canceller([&] { subscription->Cancel(); });
  EXPECT_EQ(subscription->NextBatch({}, kSoon).status().code(), absl::StatusCode::kCancelled);
  s.Append(kA, {"1"});
  EXPECT_EQ(subscription->NextBatch({}, kSoon).status().code(), absl::StatusCode::kCancelled);
}

void ClosingTheStoreEndsAWaitingSubscription(StoreUnderTest& s) {
  const std::unique_ptr<Subscription> subscription = s->Subscribe(Position());
  std::atomic<bool> waiting{false};
  absl::Status status;
  std::jthread waiter([&] {
    waiting = true;
    status = subscription->NextBatch({}, kSoon).status();
  });
  while (!waiting) std::this_thread::yield();
  s.Close();
  waiter.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(subscription->NextBatch({}, kSoon).status().code(), absl::StatusCode::kCancelled);
}

// The same numbers in every run and on every machine.
class Numbered {
 public:
  std::uint64_t Below(std::uint64_t end) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return (state_ >> 33) % end;
  }

 private:
  std::uint64_t state_ = 1;
};

// Trap 2: what readers see has no gap and no step back, while a writer appends and is refused now and then.
void ReadersSeeADenseLogWhileTheWriterAppends(StoreUnderTest& s) {
  constexpr std::uint64_t kEvents = 3000;
  const auto read = [&] {
    const std::unique_ptr<Subscription> subscription = s->Subscribe(Position());
    std::uint64_t seen = 0;
    while (seen < kEvents) {
      const absl::StatusOr<std::vector<EventView>> events = subscription->NextBatch({}, kSoon);
      ASSERT_TRUE(events.ok()) << events.status();
      ASSERT_FALSE(events->empty()) << "nothing came after position " << seen;
      for (const EventView& event : *events) ASSERT_EQ(event.position.value(), ++seen);
      ASSERT_LE(seen, s->DurableWatermark().value());
      ASSERT_EQ(events->back().index + 1, events->back().count);
    }
  };
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  Numbered random;
  for (std::uint64_t written = 0; written < kEvents;) {
    const StreamId stream("payee", std::to_string(random.Below(20)));
    if (random.Below(4) == 0) {
      Batch refused;
      refused.appends.push_back(MakeAppend(stream, ExpectedRevision::Any(), {"x"}));
      refused.appends.push_back(MakeAppend(stream, ExpectedRevision::NoStream(), {"x"}));
      ASSERT_EQ(s->Append(refused).status().code(), absl::StatusCode::kAborted);
    }
    const int count = static_cast<int>(std::min<std::uint64_t>(1 + random.Below(40), kEvents - written));
    written = s.Append(stream, Numbers(1, count)).last.value();
  }
}

}  // namespace

std::vector<EventStoreCase> ReadCases() {
  return {{"AStreamReadsForwardsFromAnyRevision", AStreamReadsForwardsFromAnyRevision},
          {"AStreamReadsBackwardsFromAnyRevision", AStreamReadsBackwardsFromAnyRevision},
          {"AnUnknownStreamHasNoEvents", AnUnknownStreamHasNoEvents},
          {"StreamsWhoseNamesBeginAlikeAreKeptApart", StreamsWhoseNamesBeginAlikeAreKeptApart},
          {"TheLogReadsFromAnyPosition", TheLogReadsFromAnyPosition},
          {"ACursorEndsAtTheWatermarkOfItsCall", ACursorEndsAtTheWatermarkOfItsCall},
          {"HeadGivesRevisionAndPosition", HeadGivesRevisionAndPosition}};
}

std::vector<EventStoreCase> SubscriptionCases() {
  return {{"ASubscriptionCatchesUpAndThenFollows", ASubscriptionCatchesUpAndThenFollows},
          {"ASubscriptionStartsAtItsPosition", ASubscriptionStartsAtItsPosition},
          {"ASubscriptionNeverDividesACommand", ASubscriptionNeverDividesACommand},
          {"ASubscriptionTimesOutWithNothing", ASubscriptionTimesOutWithNothing},
          {"CancelEndsAWaitingSubscription", CancelEndsAWaitingSubscription},
          {"ClosingTheStoreEndsAWaitingSubscription", ClosingTheStoreEndsAWaitingSubscription},
          {"ReadersSeeADenseLogWhileTheWriterAppends", ReadersSeeADenseLogWhileTheWriterAppends}};
}

}  // namespace daybook::testing::internal
