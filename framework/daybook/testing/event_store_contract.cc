#include "daybook/testing/event_store_contract.h"

#include "daybook/testing/internal/event_store_cases.h"

namespace daybook::testing {
namespace internal {

using store::Appended;
using store::Batch;
using store::Direction;
using store::EventData;
using store::ExpectedRevision;
using store::StreamAppend;

StoredEvent CopyOf(const store::EventView& view) {
  return {std::string(view.stream), view.revision.value(),      view.position.value(), view.index, view.count,
          std::string(view.type),   std::string(view.envelope), std::string(view.data)};
}

std::vector<StoredEvent> ReadToEnd(store::EventCursor& cursor) {
  std::vector<StoredEvent> events;
  while (true) {
    const absl::StatusOr<bool> more = cursor.Next();
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return events;
    events.push_back(CopyOf(cursor.event()));
  }
}

std::string DataOf(const std::vector<StoredEvent>& events) {
  std::string text;
  for (const StoredEvent& event : events) text.append(text.empty() ? "" : " ").append(event.data);
  return text;
}

EventData MakeEvent(std::string_view data) { return {"test.v1.Happened", "envelope", std::string(data)}; }

StreamAppend MakeAppend(const StreamId& stream, ExpectedRevision expected, const std::vector<std::string>& data) {
  StreamAppend append{stream, expected, {}};
  for (const std::string& text : data) append.events.push_back(MakeEvent(text));
  return append;
}

CommandId MakeCommandId(std::uint8_t number) {
  std::array<std::uint8_t, Uuid::kSize> bytes = {};
  bytes.back() = number;
  return CommandId(Uuid(bytes));
}

void StoreUnderTest::Reopen() {
  Close();
  absl::StatusOr<std::unique_ptr<store::EventStore>> store = harness_->Open();
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
}

Appended StoreUnderTest::Append(const StreamId& stream, const std::vector<std::string>& data) {
  Batch batch;
  batch.appends.push_back(MakeAppend(stream, ExpectedRevision::Any(), data));
  const absl::StatusOr<Appended> appended = store_->Append(batch);
  EXPECT_TRUE(appended.ok()) << appended.status();
  return appended.value_or(Appended{});
}

namespace {

const StreamId kA("payee", "a");
const StreamId kB("payee", "b");

void AppendGivesDensePositionsAndRevisionsFrom1(StoreUnderTest& s) {
  Batch batch;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::NoStream(), {"a1", "a2"}));
  batch.appends.push_back(MakeAppend(kB, ExpectedRevision::NoStream(), {"b1"}));
  const absl::StatusOr<Appended> first = s->Append(batch);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->first, Position(1));
  EXPECT_EQ(first->last, Position(3));
  EXPECT_EQ(first->last_revisions, (std::vector<Revision>{Revision(2), Revision(1)}));
  const Appended second = s.Append(kA, {"a3"});
  EXPECT_EQ(second.first, Position(4));
  EXPECT_EQ(second.last, Position(4));
  EXPECT_EQ(second.last_revisions, std::vector<Revision>{Revision(3)});
  EXPECT_EQ(s->DurableWatermark(), Position(4));
  EXPECT_EQ(DataOf(s.All()), "a1 a2 b1 a3");
}

void EventsComeBackAsTheyWereStored(StoreUnderTest& s) {
  const std::string binary("\0\xff\x01 \n", 5);
  StreamAppend append{kA, ExpectedRevision::Any(), {}};
  append.events = {{"", "", ""}, {"t", binary, std::string(1 << 20, 'x')}, {"test.v1.Type", "e", binary}};
  Batch batch;
  batch.appends.push_back(append);
  ASSERT_TRUE(s->Append(batch).ok());
  const std::vector<StoredEvent> events = s.All();
  ASSERT_EQ(events.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const StoredEvent expected = {
        kA.text(), i + 1ull, i + 1ull, i, 3, append.events[i].type, append.events[i].envelope, append.events[i].data};
    EXPECT_EQ(events[i], expected) << i;
  }
  EXPECT_EQ(s.Stream(kA), events);
}

void ExpectedRevisionAdmitsWhatItSays(StoreUnderTest& s) {
  struct Row {
    ExpectedRevision expected;
    bool on_missing;
    bool at_two;
  };
  const Row rows[] = {{ExpectedRevision::Any(), true, true},
                      {ExpectedRevision::NoStream(), true, false},
                      {ExpectedRevision::Exists(), false, true},
                      {ExpectedRevision::Exactly(Revision(0)), true, false},
                      {ExpectedRevision::Exactly(Revision(1)), false, false},
                      {ExpectedRevision::Exactly(Revision(2)), false, true},
                      {ExpectedRevision::Exactly(Revision(3)), false, false}};
  int number = 0;
  for (const Row& row : rows) {
    const StreamId missing("payee", "missing" + std::to_string(number));
    const StreamId at_two("payee", "two" + std::to_string(number++));
    s.Append(at_two, {"1", "2"});
    Batch batch;
    batch.appends = {MakeAppend(missing, row.expected, {"x"})};
    EXPECT_EQ(s->Append(batch).ok(), row.on_missing) << row.expected.ToString();
    batch.appends = {MakeAppend(at_two, row.expected, {"x"})};
    EXPECT_EQ(s->Append(batch).ok(), row.at_two) << row.expected.ToString();
  }
}

void ConflictIsAbortedAndNamesStreamExpectedAndActual(StoreUnderTest& s) {
  s.Append(kA, {"a1", "a2"});
  Batch batch;
  batch.appends = {MakeAppend(kA, ExpectedRevision::Exactly(Revision(7)), {"x"})};
  const absl::Status status = s->Append(batch).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  for (const char* part : {"payee/a", "revision 7", "revision 2"}) {
    EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status;
  }
}

void LaterAppendsOfABatchSeeTheEarlierOnes(StoreUnderTest& s) {
  Batch batch;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::NoStream(), {"1"}));
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Exactly(Revision(1)), {"2", "3"}));
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Exactly(Revision(3)), {"4"}));
  const absl::StatusOr<Appended> appended = s->Append(batch);
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(appended->last_revisions, (std::vector<Revision>{Revision(1), Revision(3), Revision(4)}));
  EXPECT_EQ(DataOf(s.Stream(kA)), "1 2 3 4");
}

void ARefusedBatchLeavesNothingBehind(StoreUnderTest& s) {
  s.Append(kA, {"a1"});
  Batch batch;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Exactly(Revision(1)), {"a2"}));
  batch.appends.push_back(MakeAppend(kB, ExpectedRevision::NoStream(), {"b1"}));
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Exactly(Revision(1)), {"never"}));
  batch.outcomes.push_back({MakeCommandId(1), Timestamp::FromMillis(5), "outcome"});
  batch.inputs.push_back({"topic/0", "17"});
  EXPECT_EQ(s->Append(batch).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(DataOf(s.All()), "a1");
  EXPECT_EQ(s->Head(kA)->revision, Revision(1));
  EXPECT_EQ(s->Head(kB)->revision, Revision(0));
  EXPECT_FALSE(s->FindOutcome(MakeCommandId(1), Timestamp())->has_value());
  EXPECT_FALSE(s->FindInputPosition("topic/0")->has_value());
  EXPECT_EQ(s->DurableWatermark(), Position(1));
  // And the store goes on as if it had not been.
  batch.appends.pop_back();
  const absl::StatusOr<Appended> again = s->Append(batch);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->first, Position(2));
  EXPECT_EQ(DataOf(s.All()), "a1 a2 b1");
}

void InvalidBatchesAreRefusedWhole(StoreUnderTest& s) {
  Batch good;
  good.appends.push_back(MakeAppend(kA, ExpectedRevision::Any(), {"x"}));
  std::vector<Batch> bad(6, good);
  bad[0].appends.push_back(MakeAppend(StreamId("Payee", "a"), ExpectedRevision::Any(), {"x"}));
  bad[1].appends.push_back(MakeAppend(StreamId("payee", std::string("a\0b", 3)), ExpectedRevision::Any(), {"x"}));
  bad[2].appends.push_back(MakeAppend(kB, ExpectedRevision::Any(), {}));
  bad[3].appends.push_back(
      MakeAppend(kB, ExpectedRevision::Any(), std::vector<std::string>(store::kAppendEventsMax + 1)));
  bad[4].appends.push_back(MakeAppend(kB, ExpectedRevision::Any(), {std::string(store::kEventBytesMax, 'x')}));
  bad[5].snapshots.push_back({kA, Revision(), Position(), 1, "state"});
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(s->Append(bad[i]).status().code(), absl::StatusCode::kInvalidArgument) << i;
  }
  EXPECT_TRUE(s.All().empty());
}

void FirstPositionMustBeTheNextOne(StoreUnderTest& s) {
  s.Append(kA, {"a1", "a2"});
  Batch batch;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Any(), {"a3"}));
  for (const std::uint64_t wrong : {1, 2, 4}) {
    batch.first_position = Position(wrong);
    EXPECT_EQ(s->Append(batch).status().code(), absl::StatusCode::kInternal) << wrong;
  }
  batch.first_position = Position(3);
  EXPECT_TRUE(s->Append(batch).ok());
  EXPECT_EQ(DataOf(s.All()), "a1 a2 a3");
}

void ABatchWithoutEventsStoresItsRows(StoreUnderTest& s) {
  s.Append(kA, {"a1"});
  Batch batch;
  batch.outcomes.push_back({MakeCommandId(2), Timestamp::FromMillis(9), "rejected"});
  const absl::StatusOr<Appended> appended = s->Append(batch);
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(appended->first, Position());
  EXPECT_EQ(appended->last, Position(1));
  EXPECT_EQ((*s->FindOutcome(MakeCommandId(2), Timestamp()))->value, "rejected");
  EXPECT_TRUE(s->Append(Batch()).ok());
}

void ACommandOfManyEventsKeepsTheirOrderAndCount(StoreUnderTest& s) {
  std::vector<std::string> data;
  for (int i = 0; i < 3000; ++i) data.push_back(std::to_string(i));
  s.Append(kB, {"before"});
  s.Append(kA, data);
  const std::vector<StoredEvent> events = s.Stream(kA);
  ASSERT_EQ(events.size(), data.size());
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].data, data[i]);
    ASSERT_EQ(events[i].index, i);
    ASSERT_EQ(events[i].count, data.size());
    ASSERT_EQ(events[i].position, i + 2u);
  }
}

void ClaimedEpochsFenceOlderWriters(StoreUnderTest& s) {
  const absl::StatusOr<WriterEpoch> first = s->ClaimEpoch();
  ASSERT_TRUE(first.ok()) << first.status();
  Batch batch;
  batch.epoch = *first;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Any(), {"first"}));
  EXPECT_TRUE(s->Append(batch).ok());
  const absl::StatusOr<WriterEpoch> second = s->ClaimEpoch();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(*second, *first);
  EXPECT_EQ(s->Append(batch).status().code(), absl::StatusCode::kFailedPrecondition);
  batch.epoch = *second;
  EXPECT_TRUE(s->Append(batch).ok());
  EXPECT_EQ(DataOf(s.All()), "first first");
}

void ABatchOfANewerEpochFencesTheOlderOne(StoreUnderTest& s) {
  Batch batch;
  batch.epoch = WriterEpoch(5);
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Any(), {"x"}));
  EXPECT_TRUE(s->Append(batch).ok());
  batch.epoch = WriterEpoch(4);
  EXPECT_EQ(s->Append(batch).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_GT(*s->ClaimEpoch(), WriterEpoch(5));
}

void AHealthyStoreSaysSo(StoreUnderTest& s) {
  s.Append(kA, {"a1"});
  EXPECT_TRUE(s->health().ok());
}

// One test of the contract, as GoogleTest runs it.
class CaseTest : public ::testing::Test {
 public:
  CaseTest(EventStoreCase test, EventStoreHarnessFactory factory) : case_(test), factory_(std::move(factory)) {}
  void TestBody() override {
    StoreUnderTest store(factory_);
    if (!HasFatalFailure()) case_.run(store);
  }

 private:
  const EventStoreCase case_;
  const EventStoreHarnessFactory factory_;
};

void Register(const std::string& suite, const EventStoreHarnessFactory& factory,
              const std::vector<EventStoreCase>& cases) {
  for (const EventStoreCase& test : cases) {
    ::testing::RegisterTest(suite.c_str(), test.name, nullptr, nullptr, __FILE__, __LINE__,
                            [=]() -> ::testing::Test* { return new CaseTest(test, factory); });
  }
}

}  // namespace

std::vector<EventStoreCase> AppendCases() {
  return {{"AppendGivesDensePositionsAndRevisionsFrom1", AppendGivesDensePositionsAndRevisionsFrom1},
          {"EventsComeBackAsTheyWereStored", EventsComeBackAsTheyWereStored},
          {"ExpectedRevisionAdmitsWhatItSays", ExpectedRevisionAdmitsWhatItSays},
          {"ConflictIsAbortedAndNamesStreamExpectedAndActual", ConflictIsAbortedAndNamesStreamExpectedAndActual},
          {"LaterAppendsOfABatchSeeTheEarlierOnes", LaterAppendsOfABatchSeeTheEarlierOnes},
          {"ARefusedBatchLeavesNothingBehind", ARefusedBatchLeavesNothingBehind},
          {"InvalidBatchesAreRefusedWhole", InvalidBatchesAreRefusedWhole},
          {"FirstPositionMustBeTheNextOne", FirstPositionMustBeTheNextOne},
          {"ABatchWithoutEventsStoresItsRows", ABatchWithoutEventsStoresItsRows},
          {"ACommandOfManyEventsKeepsTheirOrderAndCount", ACommandOfManyEventsKeepsTheirOrderAndCount},
          {"ClaimedEpochsFenceOlderWriters", ClaimedEpochsFenceOlderWriters},
          {"ABatchOfANewerEpochFencesTheOlderOne", ABatchOfANewerEpochFencesTheOlderOne},
          {"AHealthyStoreSaysSo", AHealthyStoreSaysSo}};
}

}  // namespace internal

bool RegisterEventStoreContract(const std::string& suite, const EventStoreHarnessFactory& factory) {
  internal::Register(suite, factory, internal::AppendCases());
  internal::Register(suite, factory, internal::ReadCases());
  internal::Register(suite, factory, internal::SubscriptionCases());
  internal::Register(suite, factory, internal::RowCases());
  if (factory()->kind() == EventStoreHarness::Kind::kDurable) {
    internal::Register(suite, factory, internal::RestartCases());
  }
  return true;
}

}  // namespace daybook::testing
