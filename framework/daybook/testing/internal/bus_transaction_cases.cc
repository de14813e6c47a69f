#include "daybook/base/clock.h"
#include "daybook/base/reason.h"
#include "daybook/testing/internal/bus_cases.h"

// Transactions, fencing, and what readers see of them.
namespace daybook::testing::internal {
namespace {

using bus::FailureOf;
using bus::Generation;
using bus::GroupMetadata;
using bus::GroupOffset;
using bus::Isolation;
using bus::Offset;
using bus::TransactionalProducer;
using bus::TransactionFailure;

absl::Status SendValue(TransactionalProducer& producer, const std::string& topic, std::string_view value) {
  return producer.Send({.topic = topic, .key = value, .value = value});
}

// Calls again as long as the failure says so.
template <class Call>
absl::Status Persistently(Call call) {
  absl::Status status;
  do {
    status = call();
  } while (FailureOf(status) == TransactionFailure::kRetry);
  return status;
}

void Init(TransactionalProducer& producer) {
  ASSERT_OK(Persistently([&] { return producer.Init(kLong); }));
}

// Brings a producer back from a transaction that failed.
void Recover(TransactionalProducer& producer, const absl::Status& why) {
  ASSERT_NE(FailureOf(why), TransactionFailure::kOther) << why;
  if (FailureOf(why) == TransactionFailure::kAbort && Persistently([&] { return producer.Abort(kLong); }).ok()) return;
  Init(producer);
}

// What it comes to that another one took over while this one was writing: it may hear first that its transaction is
// over, and by whom only when it aborts it.
absl::Status FenceOf(TransactionalProducer& producer, const absl::Status& late) {
  if (FailureOf(late) != TransactionFailure::kAbort) return late;
  return Persistently([&] { return producer.Abort(kLong); });
}

// The first error of writing one value in a transaction of its own.
absl::Status WriteOne(TransactionalProducer& producer, const std::string& topic, std::string_view value) {
  if (absl::Status status = producer.Begin(); !status.ok()) return status;
  if (absl::Status status = SendValue(producer, topic, value); !status.ok()) return status;
  return Persistently([&] { return producer.Commit(kLong); });
}

void ReadersSeeCommittedTransactionsOnly(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = bus.Transactional(bus.Name("writer"));
  Init(*producer);
  ASSERT_OK(producer->Begin());
  ASSERT_OK(SendValue(*producer, topic, "a1"));
  ASSERT_OK(SendValue(*producer, topic, "a2"));
  auto uncommitted = bus.Reader({topic}, Isolation::kReadUncommitted);
  EXPECT_EQ(ValuesOf(Read(*uncommitted, 2)), "a1 a2");  // so they are in the topic
  ASSERT_OK(producer->Abort(kLong));
  ASSERT_OK(WriteOne(*producer, topic, "b"));
  ASSERT_OK(producer->Begin());
  ASSERT_OK(producer->Abort(kLong));  // an empty one
  ASSERT_OK(producer->Begin());
  ASSERT_OK(SendValue(*producer, topic, "c1"));
  ASSERT_OK(SendValue(*producer, topic, "c2"));
  ASSERT_OK(Persistently([&] { return producer->Commit(kLong); }));
  bus.Send(topic, {"d"});
  EXPECT_EQ(ValuesOf(ReadAll(bus, {topic}, 4)), "b c1 c2 d");
  EXPECT_EQ(ValuesOf(Read(*uncommitted, 4)), "b c1 c2 d");
}

void AnOpenTransactionHoldsReadersBack(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = bus.Transactional(bus.Name("writer"));
  Init(*producer);
  auto committed = bus.Reader({topic});
  auto uncommitted = bus.Reader({topic}, Isolation::kReadUncommitted);
  bus.Send(topic, {"before"});
  ASSERT_OK(producer->Begin());
  ASSERT_OK(SendValue(*producer, topic, "inside"));
  EXPECT_EQ(ValuesOf(Read(*uncommitted, 2)), "before inside");  // so the broker has it
  bus.Send(topic, {"after"});
  EXPECT_EQ(ValuesOf(Read(*committed, 1)), "before");
  EXPECT_EQ(ReadToEnd(*committed).size(), 0u);
  EXPECT_TRUE(committed->Poll({.timeout = absl::Milliseconds(200)})->empty());
  EXPECT_EQ(committed->Offsets(At(topic), kLong)->end, Offset(1));
  ASSERT_OK(Persistently([&] { return producer->Commit(kLong); }));
  EXPECT_EQ(ValuesOf(Read(*committed, 2)), "inside after");
}

void WhatIsFlushedIsSeenByReadersOfUncommittedRecordsWhateverComesAfter(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  const std::string id = bus.Name("writer");
  auto old = bus.Transactional(id);
  Init(*old);
  EXPECT_FALSE(old->Flush(kLong).ok());  // nothing is open
  ASSERT_OK(old->Begin());
  ASSERT_OK(old->Flush(kLong));  // an empty one
  ASSERT_OK(SendValue(*old, topic, "1"));
  ASSERT_OK(Persistently([&] { return old->Flush(kLong); }));
  auto uncommitted = bus.Reader({topic}, Isolation::kReadUncommitted);
  EXPECT_EQ(ValuesOf(ReadToEnd(*uncommitted)), "1");
  EXPECT_EQ(ReadToEnd(*bus.Reader({topic})).size(), 0u);
  ASSERT_OK(SendValue(*old, topic, "2"));
  ASSERT_OK(Persistently([&] { return old->Flush(kLong); }));

  auto rival = bus.Transactional(id);
  Init(*rival);
  // Whoever reads to the end now has seen all that the older one will ever have written.
  EXPECT_EQ(ValuesOf(ReadToEnd(*bus.Reader({topic}, Isolation::kReadUncommitted))), "1 2");
  absl::Status late = SendValue(*old, topic, "late");
  if (late.ok()) late = Persistently([&] { return old->Flush(kLong); });
  const absl::Status fence = FenceOf(*old, late);
  EXPECT_EQ(FailureOf(fence), TransactionFailure::kFenced) << late << ", then " << fence;
  ASSERT_OK(WriteOne(*rival, topic, "3"));
  EXPECT_EQ(ValuesOf(ReadToEnd(*bus.Reader({topic}, Isolation::kReadUncommitted))), "1 2 3");
  EXPECT_EQ(ValuesOf(ReadAll(bus, {topic}, 1)), "3");
}

void ATransactionIsOneOverSeveralTopics(BusUnderTest& bus) {
  const std::string one = bus.Topic(3);
  const std::string two = bus.Topic();
  auto producer = bus.Transactional(bus.Name("writer"));
  Init(*producer);
  for (const char* fate : {"lost", "kept"}) {
    ASSERT_OK(producer->Begin());
    for (std::int32_t i = 0; i < 3; ++i) {
      ASSERT_OK(producer->Send({.topic = one, .partition = bus::BusPartition(i), .value = fate}));
    }
    ASSERT_OK(SendValue(*producer, two, fate));
    if (std::string_view(fate) == "lost") {
      ASSERT_OK(producer->Abort(kLong));
    } else {
      ASSERT_OK(Persistently([&] { return producer->Commit(kLong); }));
    }
  }
  EXPECT_EQ(ValuesOf(ReadAll(bus, {one, two}, 4)), "kept kept kept kept");
}

void TheOlderProducerOfAnIdIsFenced(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  const std::string id = bus.Name("writer");
  auto old = bus.Transactional(id);
  Init(*old);
  ASSERT_OK(WriteOne(*old, topic, "1"));
  ASSERT_OK(old->Begin());
  ASSERT_OK(SendValue(*old, topic, "never"));

  auto rival = bus.Transactional(id);
  Init(*rival);
  ASSERT_OK(WriteOne(*rival, topic, "2"));

  absl::Status late = SendValue(*old, topic, "late");
  if (late.ok()) late = Persistently([&] { return old->Commit(kLong); });
  const absl::Status fence = FenceOf(*old, late);
  EXPECT_EQ(FailureOf(fence), TransactionFailure::kFenced) << late << ", then " << fence;
  EXPECT_EQ(ReasonOf(fence), "PRODUCER_FENCED");
  EXPECT_EQ(FailureOf(WriteOne(*old, topic, "later")), TransactionFailure::kFenced);
  ASSERT_OK(WriteOne(*rival, topic, "3"));
  EXPECT_EQ(ValuesOf(ReadAll(bus, {topic}, 3)), "1 2 3");

  Init(*old);  // takes the id back
  ASSERT_OK(WriteOne(*old, topic, "4"));
  EXPECT_EQ(FailureOf(WriteOne(*rival, topic, "no more")), TransactionFailure::kFenced);
  EXPECT_EQ(ValuesOf(ReadAll(bus, {topic}, 4)), "1 2 3 4");
}

void ATransactionThatTakesTooLongIsAborted(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = bus.Transactional(bus.Name("writer"), absl::Seconds(1));
  Init(*producer);
  const auto begin = [&]() -> absl::Status {
    if (absl::Status status = producer->Begin(); !status.ok()) return status;
    if (absl::Status status = SendValue(*producer, topic, "never"); !status.ok()) return status;
    return Persistently([&] { return producer->Flush(kLong); });
  };
  const absl::Duration begun_by = MonotonicNow() + kLong;
  // On a slow machine the time may be over before the record is there.
  for (absl::Status status = begin(); !status.ok(); status = begin()) {
    ASSERT_LT(MonotonicNow(), begun_by) << status;
    Recover(*producer, status);
  }
  bus.Send(topic, {"after"});
  EXPECT_EQ(ValuesOf(Read(*bus.Reader({topic}), 1)), "after");
  const absl::Duration deadline = MonotonicNow() + kLong;
  absl::Status late = SendValue(*producer, topic, "late");
  if (late.ok()) late = Persistently([&] { return producer->Commit(kLong); });
  EXPECT_FALSE(late.ok());
  EXPECT_NE(FailureOf(late), TransactionFailure::kOther) << late;
  for (absl::Status status = late; !status.ok(); status = WriteOne(*producer, topic, "again")) {
    ASSERT_LT(MonotonicNow(), deadline) << status;
    Recover(*producer, status);
  }
  EXPECT_EQ(ValuesOf(ReadAll(bus, {topic}, 2)), "after again");
}

void CallsOutOfOrderAreErrors(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = bus.Transactional(bus.Name("writer"));
  EXPECT_FALSE(producer->Begin().ok());
  Init(*producer);
  EXPECT_FALSE(producer->Commit(kLong).ok());
  EXPECT_FALSE(SendValue(*producer, topic, "outside").ok());
  ASSERT_OK(WriteOne(*producer, topic, "1"));
  EXPECT_EQ(ValuesOf(ReadAll(bus, {topic}, 1)), "1");
}

// The partition of a member that has just acquired it.
GroupMetadata AwaitAcquired(bus::Membership& member) {
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (member.owned().empty() && MonotonicNow() < deadline) {
    EXPECT_TRUE(member.Poll(absl::Milliseconds(100)).ok());
  }
  EXPECT_FALSE(member.owned().empty());
  return member.metadata();
}

void AGroupsOffsetsCommitWithTheTransaction(BusUnderTest& bus) {
  const std::string input = bus.Topic();
  const std::string output = bus.Topic();
  auto member = bus.Join(bus.Name("group"), input);
  const GroupMetadata metadata = AwaitAcquired(*member);
  EXPECT_GE(metadata.generation, Generation(0));
  auto producer = bus.Transactional(bus.Name("writer"));
  Init(*producer);
  const std::vector<bus::TopicPartition> partitions = {At(input)};
  const auto committed = [&] {
    const auto offsets = member->Committed(partitions, kLong);
    EXPECT_TRUE(offsets.ok()) << offsets.status();
    return offsets.ok() ? (*offsets)[0] : std::nullopt;
  };
  EXPECT_EQ(committed(), std::nullopt);
  const auto with_offset = [&](std::int64_t next) {
    const std::vector<GroupOffset> offsets = {{At(input), Offset(next)}};
    return Persistently([&] { return producer->SendOffsets(offsets, metadata, kLong); });
  };
  ASSERT_OK(producer->Begin());
  ASSERT_OK(SendValue(*producer, output, "1"));
  ASSERT_OK(with_offset(7));
  ASSERT_OK(Persistently([&] { return producer->Commit(kLong); }));
  EXPECT_EQ(committed(), Offset(7));
  ASSERT_OK(producer->Begin());
  ASSERT_OK(with_offset(9));
  ASSERT_OK(producer->Abort(kLong));
  EXPECT_EQ(committed(), Offset(7));
}

void OffsetsOfAnOlderGenerationAreRefused(BusUnderTest& bus) {
  const std::string input = bus.Topic();
  const std::string group = bus.Name("group");
  auto member = bus.Join(group, input);
  const GroupMetadata old = AwaitAcquired(*member);
  ASSERT_OK(member->Leave(kLong));
  auto successor = bus.Join(group, input);
  const GroupMetadata present = AwaitAcquired(*successor);
  EXPECT_GT(present.generation, old.generation);

  auto producer = bus.Transactional(bus.Name("writer"));
  Init(*producer);
  const std::vector<GroupOffset> offsets = {{At(input), Offset(3)}};
  ASSERT_OK(producer->Begin());
  const absl::Status stale = Persistently([&] { return producer->SendOffsets(offsets, old, kLong); });
  EXPECT_EQ(FailureOf(stale), TransactionFailure::kAbort) << stale;
  EXPECT_FALSE(Persistently([&] { return producer->Commit(kLong); }).ok());
  ASSERT_OK(Persistently([&] { return producer->Abort(kLong); }));
  GroupMetadata nobody = present;
  nobody.generation = Generation(-1);
  ASSERT_OK(producer->Begin());
  EXPECT_EQ(producer->SendOffsets(offsets, nobody, kLong).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_OK(Persistently([&] { return producer->SendOffsets(offsets, present, kLong); }));
  ASSERT_OK(Persistently([&] { return producer->Commit(kLong); }));
}

}  // namespace

std::vector<BusCase> BusTransactionCases() {
  return {{"ReadersSeeCommittedTransactionsOnly", ReadersSeeCommittedTransactionsOnly},
          {"AnOpenTransactionHoldsReadersBack", AnOpenTransactionHoldsReadersBack},
          {"WhatIsFlushedIsSeenByReadersOfUncommittedRecordsWhateverComesAfter",
           WhatIsFlushedIsSeenByReadersOfUncommittedRecordsWhateverComesAfter},
          {"ATransactionIsOneOverSeveralTopics", ATransactionIsOneOverSeveralTopics},
          {"TheOlderProducerOfAnIdIsFenced", TheOlderProducerOfAnIdIsFenced},
          {"ATransactionThatTakesTooLongIsAborted", ATransactionThatTakesTooLongIsAborted},
          {"CallsOutOfOrderAreErrors", CallsOutOfOrderAreErrors},
          {"AGroupsOffsetsCommitWithTheTransaction", AGroupsOffsetsCommitWithTheTransaction},
          {"OffsetsOfAnOlderGenerationAreRefused", OffsetsOfAnOlderGenerationAreRefused}};
}

}  // namespace daybook::testing::internal
