#include "daybook/bus/dead_letter_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/bus/dead_letter.h"
#include "daybook/bus/memory/memory_bus.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/forwarding_bus.h"

namespace daybook::bus {
namespace {

using daybook::testing::Eventually;

constexpr absl::Duration kSoon = absl::Seconds(60);
constexpr char kEvents[] = "events.v1";

// A bus to which nobody can write, as long as it is said so.
class ClosedBus final : public daybook::testing::ForwardingBus {
 public:
  using ForwardingBus::ForwardingBus;

  std::atomic<bool> is_closed = true;
  std::atomic<int> tries = 0;

  absl::StatusOr<std::unique_ptr<Producer>> NewProducer(const ProducerOptions& options) override {
    ++tries;
    if (is_closed) return absl::UnavailableError("no broker answers");
    return ForwardingBus::NewProducer(options);
  }
};

class DeadLetterWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& topic : {std::string(kEvents), DeadLetterTopic(kEvents)}) {
      ASSERT_TRUE(bus_->admin().CreateTopic({.topic = topic, .partitions = 1, .config = {}}, kSoon).ok());
    }
  }
  static DeadLetterWriterOptions Options() {
    return {.name = "reader",
            .topics = {kEvents},
            .retry_delay_min = absl::Milliseconds(1),
            .retry_delay_max = absl::Milliseconds(1)};
  }
  static void Write(DeadLetterWriter& letters, int offset) {
    Record record;
    record.topic = kEvents;
    record.offset = Offset(offset);
    const std::string value = absl::StrCat("value ", offset);
    record.value = value;
    letters.Write(record, absl::InvalidArgumentError("no event"));
  }
  // "offset: value" of the letters, in their order.
  std::vector<std::string> Letters() {
    absl::StatusOr<RecordBatch> batch = ReadTail(*bus_, {DeadLetterTopic(kEvents), BusPartition(0)}, 1000, kSoon);
    EXPECT_TRUE(batch.ok()) << batch.status();
    std::vector<std::string> letters;
    for (const Record& record : batch->records()) {
      const std::optional<RecordPlace> place = PlaceOfLetter(record);
      letters.push_back(
          absl::StrCat(place ? place->offset.value() : -1, ": ", std::string(record.value.value_or("nothing"))));
    }
    return letters;
  }

  std::unique_ptr<Bus> bus_ = NewMemoryBus();
};

TEST_F(DeadLetterWriterTest, ARecordMetAgainIsNotWrittenAgainAlsoByAnotherProcess) {
  auto first = *DeadLetterWriter::Start(Options(), *bus_);
  for (const int offset : {7, 8, 7}) Write(*first, offset);
  ASSERT_TRUE(Eventually([&] { return first->stats().waiting == 0; }));
  EXPECT_EQ(first->stats().written, 2u);
  EXPECT_EQ(first->stats().there_before, 1u);
  first.reset();
  auto second = *DeadLetterWriter::Start(Options(), *bus_);
  for (const int offset : {8, 9}) Write(*second, offset);
  ASSERT_TRUE(Eventually([&] { return second->stats().waiting == 0; }));
  EXPECT_EQ(second->stats().there_before, 1u);
  EXPECT_EQ(Letters(), (std::vector<std::string>{"7: value 7", "8: value 8", "9: value 9"}));
}

TEST_F(DeadLetterWriterTest, WhatCannotBeWrittenWaitsAndWhatFindsNoRoomIsGivenUpAndCounted) {
  ClosedBus closed(*bus_);
  DeadLetterWriterOptions options = Options();
  options.waiting_max = 3;
  auto letters = *DeadLetterWriter::Start(options, closed);
  for (int offset = 0; offset < 5; ++offset) Write(*letters, offset);
  EXPECT_EQ(letters->stats().waiting, 3u);
  EXPECT_EQ(letters->stats().given_up, 2u);
  ASSERT_TRUE(Eventually([&] { return closed.tries > 3; }));
  EXPECT_EQ(letters->stats().written, 0u);
  closed.is_closed = false;
  ASSERT_TRUE(Eventually([&] { return letters->stats().waiting == 0; }));
  EXPECT_EQ(Letters(), (std::vector<std::string>{"0: value 0", "1: value 1", "2: value 2"}));
  // There is room again.
  Write(*letters, 5);
  ASSERT_TRUE(Eventually([&] { return letters->stats().written == 4; }));
  EXPECT_EQ(letters->stats().given_up, 2u);
}

TEST_F(DeadLetterWriterTest, ItEndsThoughLettersWaitThatCannotBeWritten) {
  ClosedBus closed(*bus_);
  DeadLetterWriterOptions options = Options();
  options.retry_delay_min = options.retry_delay_max = absl::Hours(1);
  auto letters = *DeadLetterWriter::Start(options, closed);
  Write(*letters, 1);
  ASSERT_TRUE(Eventually([&] { return closed.tries > 0; }));
  letters.reset();
  EXPECT_TRUE(Letters().empty());
}

TEST_F(DeadLetterWriterTest, WithoutANameOrTopicsItDoesNotStart) {
  EXPECT_EQ(DeadLetterWriter::Start({.topics = {kEvents}}, *bus_).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DeadLetterWriter::Start({.name = "reader"}, *bus_).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace daybook::bus
