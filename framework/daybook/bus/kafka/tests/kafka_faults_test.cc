// Brokers that are killed, owners that are stopped or killed, clients that fail for good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/base/reason.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/kafka_producer.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/kafka/tests/broker.h"
#include "daybook/bus/kafka/tests/lost_answers.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::bus {
namespace {

using testing::BrokerProcess;
using testing::ChildProcess;
using testing::kBrokerLimit;
using testing::SharedBroker;

constexpr absl::Duration kAtOnce = absl::Seconds(7);  // each closing has a patience of 5 s
constexpr absl::Duration kLeft = absl::Seconds(12);   // a group or a consumer is closed, 5 s, a client given up, 5 s

std::string NewTopic(Bus& bus) {
  const std::string topic = testing::UniqueName("topic");
  const absl::Status made = bus.admin().CreateTopic({.topic = topic}, kBrokerLimit);
  EXPECT_TRUE(made.ok()) << made;
  return topic;
}

// All values of a topic, as a reader of committed records sees them; at least `count`: what has just been committed may
// be behind the end for a moment yet.
std::vector<std::string> ValuesOf(Bus& bus, const std::string& topic, std::size_t count = 0) {
  auto consumer = *bus.NewConsumer({.name = "test"});
  const absl::Status assigned = consumer->AssignTopics({topic}, {}, kBrokerLimit);
  EXPECT_TRUE(assigned.ok()) << assigned;
  std::vector<std::string> values;
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while ((!consumer->CaughtUp() || values.size() < count) && MonotonicNow() < deadline) {
    const auto batch = consumer->Poll({});
    EXPECT_TRUE(batch.ok()) << batch.status();
    if (!batch.ok()) break;
    for (const Record& record : batch->records()) values.emplace_back(record.value.value_or("(null)"));
  }
  EXPECT_TRUE(consumer->CaughtUp());
  return values;
}

std::vector<std::string> Numbers(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(absl::StrCat(i));
  return all;
}

class KafkaFaultsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Bus> Open() { return *OpenKafkaBus({.brokers = SharedBroker().plain().bootstrap}); }

  // A worker for the topic, whose id and group are named after it.
  std::unique_ptr<ChildProcess> StartWorker(const std::string& ownership, const std::string& topic) {
    return std::make_unique<ChildProcess>(std::vector<std::string>{
        DAYBOOK_WORKER, SharedBroker().plain().bootstrap, topic + ".group", ownership, topic + ".writer", topic});
  }

  static std::string Ask(ChildProcess& worker, const std::string& line) {
    worker.WriteLine(line);
    return worker.ReadLine();
  }

  // Polls until the worker says something that begins so.
  static std::string AskUntil(ChildProcess& worker, const std::string& beginning) {
    const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
    std::string said;
    while (!(said = Ask(worker, "poll")).starts_with(beginning)) {
      EXPECT_LT(MonotonicNow(), deadline) << said;
      if (MonotonicNow() > deadline || said.empty()) break;
    }
    return said;
  }
};

TEST_F(KafkaFaultsTest, AStoppedOwnerIsReplacedAndItsLateCommitIsRefused) {
  const auto bus = Open();
  const std::string ownership = NewTopic(*bus);
  const std::string topic = NewTopic(*bus);
  const auto first = StartWorker(ownership, topic);
  const std::string acquired = AskUntil(*first, "acquired");
  for (const char* line : {"init", "begin", "send 1", "commit", "begin", "send never"})
    EXPECT_EQ(Ask(*first, line), "ok");
  first->Signal(SIGSTOP);

  const auto second = StartWorker(ownership, topic);
  EXPECT_GT(AskUntil(*second, "acquired"), acquired);
  for (const char* line : {"init", "begin", "send 2", "commit"}) EXPECT_EQ(Ask(*second, line), "ok");

  first->Signal(SIGCONT);
  EXPECT_EQ(Ask(*first, "commit"), "PRODUCER_FENCED");
  EXPECT_EQ(AskUntil(*first, "lost"), "lost");
  EXPECT_EQ(Ask(*first, "begin"), "PRODUCER_FENCED");
  EXPECT_EQ(Ask(*first, "send late"), "PRODUCER_FENCED");
  for (const char* line : {"begin", "send 3", "commit"}) EXPECT_EQ(Ask(*second, line), "ok");
  EXPECT_EQ(ValuesOf(*bus, topic, 3), (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(KafkaFaultsTest, AKilledOwnerIsReplacedWhenItsSessionIsOver) {
  const auto bus = Open();
  const std::string ownership = NewTopic(*bus);
  const std::string topic = NewTopic(*bus);
  const auto first = StartWorker(ownership, topic);
  AskUntil(*first, "acquired");
  for (const char* line : {"init", "begin", "send 1", "commit", "begin", "send never"})
    EXPECT_EQ(Ask(*first, line), "ok");
  const auto second = StartWorker(ownership, topic);
  EXPECT_EQ(Ask(*second, "poll"), "none");
  first->Signal(SIGKILL);
  const absl::Duration killed = MonotonicNow();
  AskUntil(*second, "acquired");
  EXPECT_LT(MonotonicNow() - killed, absl::Seconds(20));
  for (const char* line : {"init", "begin", "send 2", "commit"}) EXPECT_EQ(Ask(*second, line), "ok");
  EXPECT_EQ(ValuesOf(*bus, topic, 2), (std::vector<std::string>{"1", "2"}));
}

TEST_F(KafkaFaultsTest, AClientThatFailsForGoodIsReplacedAndNothingIsLostOrDoubled) {
  const auto bus = Open();
  const std::string topic = NewTopic(*bus);
  const KafkaOptions kafka{.brokers = SharedBroker().plain().bootstrap};
  auto producer = *internal::KafkaProducer::Make(kafka, {.name = "test", .topics = {topic}});
  auto& inside = static_cast<internal::KafkaProducer&>(*producer);
  std::map<int, absl::StatusOr<Delivery>> answers;  // by the producer's thread
  const int count = 3000;
  for (int i = 0; i < count; ++i) {
    if (i % 1000 == 500) {
      inside.FailForTests(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    absl::Status sent;
    do {
      ASSERT_TRUE(producer->WaitForRoom(10, kBrokerLimit).ok());
      sent = producer->Send({.topic = topic, .value = absl::StrCat(i)},
                            [&, i](absl::StatusOr<Delivery> delivery) { answers[i] = std::move(delivery); });
    } while (ReasonOf(sent) == "QUEUE_FULL");
    ASSERT_TRUE(sent.ok()) << sent;
  }
  ASSERT_TRUE(producer->Flush(kBrokerLimit).ok());
  ASSERT_EQ(answers.size(), static_cast<std::size_t>(count));
  const std::vector<std::string> values = ValuesOf(*bus, topic);
  const std::set<std::string> there(values.begin(), values.end());
  EXPECT_EQ(there.size(), values.size()) << "something is there twice";
  for (const auto& [i, answer] : answers) {
    const bool is_there = there.contains(absl::StrCat(i));
    if (answer.ok()) {
      EXPECT_TRUE(is_there) << i;
      continue;
    }
    EXPECT_LT(i, 2500) << "nothing failed after it: " << answer.status();
    const std::string reason = ReasonOf(answer.status());
    EXPECT_TRUE(reason == "NOT_DELIVERED" || reason == "DELIVERY_UNKNOWN") << answer.status();
    if (reason == "NOT_DELIVERED") {
      EXPECT_FALSE(is_there) << i;
    }
  }
  int last = -1;
  for (const std::string& value : values) {
    int number = 0;
    ASSERT_TRUE(absl::SimpleAtoi(value, &number));
    EXPECT_GT(number, last);
    last = number;
  }
}

TEST_F(KafkaFaultsTest, WhatHadNotGoneOutWhenTheClientFailedIsSentByTheNextOne) {
  const auto bus = Open();
  const std::string topic = NewTopic(*bus);
  const KafkaOptions kafka{.brokers = SharedBroker().plain().bootstrap};
  auto producer =
      *internal::KafkaProducer::Make(kafka, {.name = "test", .topics = {topic}, .linger = absl::Seconds(5)});
  auto& inside = static_cast<internal::KafkaProducer&>(*producer);
  for (int i = 0; i < 100; ++i) {
    const absl::Status sent =
        producer->Send({.topic = topic, .value = absl::StrCat(i)}, [i](const absl::StatusOr<Delivery>& delivery) {
          EXPECT_TRUE(delivery.ok()) << i << ": " << delivery.status();
        });
    ASSERT_TRUE(sent.ok()) << sent;
  }
  inside.FailForTests(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
  ASSERT_TRUE(producer->Flush(kBrokerLimit).ok());
  EXPECT_EQ(ValuesOf(*bus, topic), Numbers(100));
}

TEST_F(KafkaFaultsTest, AReaderSentElsewhereManyTimesInARowReadsFromTheLastPlace) {
  const auto bus = Open();
  const std::string topic = NewTopic(*bus);
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(producer->Send({.topic = topic, .value = absl::StrCat(i)}, [](const auto&) {}).ok());
  }
  ASSERT_TRUE(producer->Flush(kBrokerLimit).ok());
  auto consumer = *bus->NewConsumer({.name = "test"});
  ASSERT_TRUE(consumer->AssignTopics({topic}, {}, kBrokerLimit).ok());
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(consumer->Seek({topic, BusPartition(0)}, Offset(i % 10)).ok());
    // Sometimes it has begun to read before it is sent on.
    if (i % 100 == 0) {
      ASSERT_TRUE(consumer->Poll({.timeout = absl::Milliseconds(5)}).ok());
    }
  }
  ASSERT_TRUE(consumer->Seek({topic, BusPartition(0)}, Offset(7)).ok());
  absl::StatusOr<RecordBatch> batch = RecordBatch();
  while (batch.ok() && batch->empty() && MonotonicNow() < deadline) batch = consumer->Poll({});
  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_FALSE(batch->empty());
  EXPECT_EQ(batch->records().front().value, "7");
}

// Polls until the member owns something.
void PollUntilOwner(Membership& member) {
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while (member.owned().empty() && MonotonicNow() < deadline) ASSERT_TRUE(member.Poll(absl::Milliseconds(20)).ok());
  ASSERT_FALSE(member.owned().empty());
}

// Waits until the broker waits for the members of the group to let go of what they have.
void AwaitRebalance(const std::string& group) {
  internal::Client client({.brokers = SharedBroker().plain().bootstrap}, internal::Role::kProducer, "test");
  absl::StatusOr<internal::ConfHandle> conf = client.MakeConf({});
  ASSERT_TRUE(conf.ok()) << conf.status();
  ASSERT_TRUE(client.Start(*std::move(conf)).ok());
  std::string state;
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while (state != "PreparingRebalance" && MonotonicNow() < deadline) {
    const rd_kafka_group_list* groups = nullptr;
    if (rd_kafka_list_groups(client.get(), group.c_str(), &groups, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (groups->group_cnt == 1) state = groups->groups[0].state;
    rd_kafka_group_list_destroy(groups);
  }
  EXPECT_EQ(state, "PreparingRebalance");
}

// What `member` says to Leave(timeout) and how long it takes until it is gone, while answers are lost.
std::pair<absl::Status, absl::Duration> LeaveWithoutAnswers(std::unique_ptr<Membership> member,
                                                            absl::Duration timeout) {
  auto lost = std::make_unique<testing::LostAnswers>();
  absl::Status status;
  const absl::Duration before = MonotonicNow();
  internal::Attempt leaving([&] {
    status = member->Leave(timeout);
    member = nullptr;
  });
  EXPECT_TRUE(leaving.Await(kBrokerLimit)) << "it does not end";
  const absl::Duration taken = MonotonicNow() - before;
  lost = nullptr;
  EXPECT_TRUE(leaving.Await(kBrokerLimit));
  return {status, taken};
}

TEST_F(KafkaFaultsTest, AnOwnerThatWasNotToldYetToLetGoLeavesWithoutAnAnswer) {
  const auto bus = Open();
  const MembershipOptions options = {
      .group = testing::UniqueName("group"), .topics = {NewTopic(*bus)}, .heartbeat_interval = absl::Milliseconds(20)};
  auto owner = *bus->Join(options);
  PollUntilOwner(*owner);
  const auto other = *bus->Join(options);
  AwaitRebalance(options.group);
  // The owner's client hears of it with its next heartbeat, for which it looks once a second.
  for (int i = 0; i < 15; ++i) EXPECT_EQ(*other->Poll(absl::Milliseconds(100)), std::nullopt);
  const auto [status, taken] = LeaveWithoutAnswers(std::move(owner), absl::Seconds(5));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_LT(taken, kLeft);
  PollUntilOwner(*other);
}

TEST_F(KafkaFaultsTest, LeavingEndsInTimeThoughLettingGoIsNotAnswered) {
  const auto bus = Open();
  auto owner = *bus->Join({.group = testing::UniqueName("group"), .topics = {NewTopic(*bus)}});
  PollUntilOwner(*owner);
  const auto [status, taken] = LeaveWithoutAnswers(std::move(owner), absl::Seconds(1));
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_LT(taken, kLeft);
}

TEST(KafkaBrokerFaultsTest, AKilledBrokerCostsProducersAndReadersNothing) {
  const testing::TemporaryDirectory directory;
  BrokerProcess broker({"--dir", directory.path() + "/broker", "--session-ms", "1000"});
  const auto bus = *OpenKafkaBus({.brokers = broker.plain().bootstrap});
  const std::string topic = NewTopic(*bus);
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}, .in_flight_max = 500});
  // One that waits for records, and one that only ever looks whether there are some.
  struct Reader {
    std::unique_ptr<Consumer> consumer;
    absl::Duration patience;
    std::vector<std::string> read;
  };
  std::vector<Reader> readers;
  for (const absl::Duration patience : {absl::Milliseconds(100), absl::ZeroDuration()}) {
    readers.push_back({*bus->NewConsumer({.name = "test"}), patience, {}});
    ASSERT_TRUE(readers.back().consumer->AssignTopics({topic}, {}, kBrokerLimit).ok());
  }
  const auto read_some = [&](Reader& reader) {
    const auto batch = reader.consumer->Poll({.timeout = reader.patience});
    ASSERT_TRUE(batch.ok()) << batch.status();
    for (const Record& record : batch->records()) reader.read.emplace_back(*record.value);
  };
  const int count = 6000;
  for (int i = 0; i < count; ++i) {
    if (i == 2000 || i == 4000) {
      for (Reader& reader : readers) read_some(reader);  // what they have read is looked for afterwards
      broker.Kill();
      broker.Restart();
    }
    absl::Status sent;
    do {
      ASSERT_TRUE(producer->WaitForRoom(10, kBrokerLimit).ok());
      sent = producer->Send({.topic = topic, .value = absl::StrCat(i)}, [i](const absl::StatusOr<Delivery>& delivery) {
        EXPECT_TRUE(delivery.ok()) << i << ": " << delivery.status();
      });
    } while (ReasonOf(sent) == "QUEUE_FULL");
    ASSERT_TRUE(sent.ok()) << sent;
  }
  ASSERT_TRUE(producer->Flush(kBrokerLimit).ok());
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  for (Reader& reader : readers) {
    while (reader.read.size() < static_cast<std::size_t>(count) && MonotonicNow() < deadline) read_some(reader);
    EXPECT_EQ(reader.read, Numbers(count)) << "with a patience of " << reader.patience;
    EXPECT_TRUE(reader.consumer->health().ok()) << reader.consumer->health();
  }
  EXPECT_EQ(ValuesOf(*bus, topic), Numbers(count));
}

TEST(KafkaBrokerFaultsTest, ATopicMadeAnewWhileAReaderHadNoConnectionIsNotReadOnFromTheOldOffset) {
  const testing::TemporaryDirectory directory;
  BrokerProcess broker({"--dir", directory.path() + "/broker", "--session-ms", "1000"});
  const auto bus = *OpenKafkaBus({.brokers = broker.plain().bootstrap});
  // Its connection comes back only when the topic has been made anew.
  const auto slow =
      *OpenKafkaBus({.brokers = broker.plain().bootstrap,
                     .properties = {{"reconnect.backoff.ms", "12000"}, {"reconnect.backoff.max.ms", "12000"}}});
  const std::string topic = NewTopic(*bus);
  const auto send = [&](int count) {
    auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(producer->Send({.topic = topic, .value = absl::StrCat(i)}, [](const auto&) {}).ok());
    }
    ASSERT_TRUE(producer->Flush(kBrokerLimit).ok());
  };
  send(5);
  auto consumer = *slow->NewConsumer({.name = "test"});
  ASSERT_TRUE(consumer->AssignTopics({topic}, {}, kBrokerLimit).ok());
  std::size_t read = 0;
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while (read < 5 && MonotonicNow() < deadline) read += consumer->Poll({})->size();
  ASSERT_EQ(read, 5u);

  broker.Kill();
  broker.Restart();
  ASSERT_TRUE(bus->admin().DeleteTopic(topic, kBrokerLimit).ok());
  ASSERT_TRUE(bus->admin().CreateTopic({.topic = topic}, kBrokerLimit).ok());
  send(20);
  absl::StatusOr<RecordBatch> batch = RecordBatch();
  while (batch.ok() && batch->empty() && MonotonicNow() < deadline) batch = consumer->Poll({});
  EXPECT_EQ(ReasonOf(batch.status()), "TOPIC_RECREATED") << batch.status();
}

TEST(KafkaBrokerFaultsTest, ClosingDoesNotWaitForABrokerThatIsAway) {
  BrokerProcess broker({});
  auto bus = *OpenKafkaBus({.brokers = broker.plain().bootstrap});
  const std::string topic = NewTopic(*bus);
  auto consumer = *bus->NewConsumer({.name = "test"});
  ASSERT_TRUE(consumer->AssignTopics({topic}, {}, kBrokerLimit).ok());
  auto membership = *bus->Join({.group = "group", .topics = {topic}});
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while (membership->owned().empty() && MonotonicNow() < deadline)
    ASSERT_TRUE(membership->Poll(absl::Milliseconds(100)).ok());
  auto transactional = *bus->NewTransactionalProducer({.id = "writer", .topics = {topic}});
  ASSERT_TRUE(transactional->Init(kBrokerLimit).ok());
  ASSERT_TRUE(transactional->Begin().ok());
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  broker.Kill();
  ASSERT_TRUE(transactional->Send({.topic = topic, .value = "never"}).ok());
  int answers = 0;
  ASSERT_TRUE(producer->Send({.topic = topic, .value = "never"}, [&](const auto&) { ++answers; }).ok());

  const absl::Duration before = MonotonicNow();
  producer = nullptr;
  EXPECT_EQ(answers, 1);
  EXPECT_LT(MonotonicNow() - before, kAtOnce) << "producer";
  const absl::Duration second = MonotonicNow();
  transactional = nullptr;
  EXPECT_LT(MonotonicNow() - second, kAtOnce) << "transactional producer";
  const absl::Duration third = MonotonicNow();
  membership = nullptr;
  EXPECT_LT(MonotonicNow() - third, kLeft) << "membership";
  const absl::Duration fourth = MonotonicNow();
  consumer = nullptr;
  EXPECT_LT(MonotonicNow() - fourth, kLeft) << "consumer";
  const absl::Duration fifth = MonotonicNow();
  bus = nullptr;
  EXPECT_LT(MonotonicNow() - fifth, kAtOnce) << "bus";
}

// Writes transaction `number` and goes on until it is known to be there.
void WriteTransaction(Bus& bus, TransactionalProducer& producer, const std::string& topic, int number) {
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  absl::Status status;
  while (MonotonicNow() < deadline) {
    status = producer.Begin();
    for (int k = 0; k < 3 && status.ok(); ++k) {
      status = producer.Send({.topic = topic, .value = absl::StrCat(3 * number + k)});
    }
    if (status.ok()) {
      do {
        status = producer.Commit(absl::Seconds(10));
      } while (FailureOf(status) == TransactionFailure::kRetry && MonotonicNow() < deadline);
    }
    if (status.ok()) return;
    if (FailureOf(status) == TransactionFailure::kAbort && producer.Abort(absl::Seconds(10)).ok()) continue;
    while (!(status = producer.Init(absl::Seconds(10))).ok()) ASSERT_LT(MonotonicNow(), deadline) << status;
    const auto tail = ReadTail(bus, {topic, BusPartition(0)}, 1, kBrokerLimit);
    ASSERT_TRUE(tail.ok()) << tail.status();
    if (!tail->empty() && tail->records()[0].value == absl::StrCat(3 * number + 2)) return;  // it was committed
  }
  FAIL() << "transaction " << number << ": " << status;
}

TEST(KafkaBrokerFaultsTest, TransactionsComeOnceThroughAKilledBroker) {
  const testing::TemporaryDirectory directory;
  BrokerProcess broker({"--dir", directory.path() + "/broker", "--session-ms", "1000"});
  const auto bus = *OpenKafkaBus({.brokers = broker.plain().bootstrap});
  const std::string topic = NewTopic(*bus);
  auto producer = *bus->NewTransactionalProducer({.id = "writer", .topics = {topic}});
  ASSERT_TRUE(producer->Init(kBrokerLimit).ok());
  for (int i = 0; i < 100; ++i) {
    if (i == 50) {
      ASSERT_TRUE(producer->Begin().ok());
      ASSERT_TRUE(producer->Send({.topic = topic, .value = "never"}).ok());
      broker.Kill();
      broker.Restart();
      const absl::Status late = producer->Abort(absl::Seconds(20));
      if (!late.ok()) {
        const absl::Status again = producer->Init(kBrokerLimit);
        ASSERT_TRUE(again.ok()) << late << "; " << again;
      }
    }
    WriteTransaction(*bus, *producer, topic, i);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(ValuesOf(*bus, topic, 300), Numbers(300));
}

}  // namespace
}  // namespace daybook::bus
