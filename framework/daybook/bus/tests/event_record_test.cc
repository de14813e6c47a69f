#include "daybook/bus/event_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "daybook/base/reason.h"
#include "daybook/codec/envelope.h"

namespace daybook::bus {
namespace {

using ::testing::HasSubstr;

EventMetadata SomeMetadata() {
  return {.event_id = *Uuid::Parse("157402e8-078d-5764-bea8-198235e56fd6"),
          .command_id = CommandId(*Uuid::Parse("01890a5d-ac96-774b-bcce-b302099a8057")),
          .correlation_id = "conversation",
          .causation_id = "cause",
          .actor = "Zoë",
          .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          .recorded_at = Timestamp::FromMicros(1'700'000'000'123'456),
          .source_time = Timestamp::FromMicros(1'699'999'999'000'000),
          .event_index = 1,
          .event_count = 2,
          .schema = 4,
          .source_change = "payee.blocked"};
}

// An event as a log holds it, with the memory behind it.
struct Logged {
  explicit Logged(const EventMetadata& metadata) {
    codec::EncodeEnvelope(metadata, envelope);
    view.stream = "payee/a/b";
    view.revision = Revision(2);
    view.position = Position(17);
    view.index = metadata.event_index;
    view.count = metadata.event_count;
    view.type = "payee.events.v1.Suspended";
    view.envelope = envelope;
    view.data = std::string_view("\x0a\x00\xff", 3);
  }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;

  std::string envelope;
  store::EventView view;
};

Record AsRead(const OutgoingRecord& sent) {
  return {.topic = sent.topic,
          .partition = *sent.partition,
          .offset = Offset(41),
          .timestamp = Timestamp(),
          .key = sent.key,
          .value = sent.value,
          .headers = sent.headers};
}

TEST(EventRecordTest, AReaderSeesWhatTheLogsOwnReadersSee) {
  const Logged full(SomeMetadata());
  const Logged bare({.event_id = SomeMetadata().event_id, .command_id = SomeMetadata().command_id});
  for (const Logged* logged : {&full, &bare}) {
    HeaderList headers;
    const auto sent = EncodeEvent("payee.events.v1", {&logged->view, PartitionId(3), Position(9)}, headers);
    ASSERT_TRUE(sent.ok()) << sent.status();
    const Record record = AsRead(*sent);
    const auto read = DecodeEvent(record);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->previous, Position(9));
    EXPECT_EQ(read->partition, PartitionId(3));
    EXPECT_EQ(read->stream.key(), "a/b");
    std::string envelope;
    const store::EventView view = ViewOf(*read, envelope);
    EXPECT_EQ(view.stream, logged->view.stream);
    EXPECT_EQ(view.revision, logged->view.revision);
    EXPECT_EQ(view.position, logged->view.position);
    EXPECT_EQ(view.index, logged->view.index);
    EXPECT_EQ(view.count, logged->view.count);
    EXPECT_EQ(view.type, logged->view.type);
    EXPECT_EQ(view.envelope, logged->view.envelope);
    EXPECT_EQ(view.data, logged->view.data);
  }
}

TEST(EventRecordTest, ItIsACloudEventInTheLogsPartitionKeyedByItsAggregate) {
  const Logged logged(SomeMetadata());
  HeaderList headers;
  const auto sent = EncodeEvent("payee.events.v1", {&logged.view, PartitionId(3), Position()}, headers);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->topic, "payee.events.v1");
  EXPECT_EQ(sent->partition, BusPartition(3));
  EXPECT_EQ(sent->key, "a/b");
  const auto header = [&](std::string_view name) { return cloudevents::FindHeader(sent->headers, name).value_or("-"); };
  EXPECT_EQ(header("ce_id"), "157402e8-078d-5764-bea8-198235e56fd6");
  EXPECT_EQ(header("ce_type"), "payee.events.v1.Suspended");
  EXPECT_EQ(header("ce_source"), "/daybook/payee/3");
  EXPECT_EQ(header("ce_subject"), "payee/a/b");
  EXPECT_EQ(header("ce_sequence"), "00000000000000000017");
  EXPECT_EQ(header("ce_previoussequence"), "-");
  EXPECT_EQ(header("ce_revision"), "2");
  EXPECT_EQ(header("ce_eventindex"), "1");
  EXPECT_EQ(header("ce_eventcount"), "2");
  EXPECT_EQ(header("ce_time"), "2023-11-14T22:13:19.000000Z");
  EXPECT_EQ(header("ce_recordedtime"), "2023-11-14T22:13:20.123456Z");
}

TEST(EventRecordTest, WhatIsNoEventOfTheLogIsRefusedWithItsPlace) {
  const Logged logged(SomeMetadata());
  HeaderList headers;
  const auto sent = EncodeEvent("payee.events.v1", {&logged.view, PartitionId(3), Position(9)}, headers);
  ASSERT_TRUE(sent.ok()) << sent.status();
  const auto refused = [&](const Record& record, const std::string& why) {
    const auto read = DecodeEvent(record);
    ASSERT_FALSE(read.ok()) << why;
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(read.status()), "NOT_AN_EVENT");
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("payee.events.v1/"));
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(why));
  };
  const auto without = [&](std::string_view name, std::string_view value, const std::string& why) {
    std::vector<Header> changed;
    for (const Header& header : sent->headers) {
      if (header.name != name) changed.push_back(header);
    }
    if (!value.empty()) changed.push_back({name, value});
    Record record = AsRead(*sent);
    record.headers = changed;
    refused(record, why);
  };
  without("ce_id", "", "id is missing");
  without("ce_sequence", "", "no sequence");
  without("ce_revision", "", "no revision");
  without("ce_subject", "", "is no stream");
  without("ce_subject", "payee/other", "key is not");
  without("ce_source", "/daybook/payee/4", "is not this partition");
  without("ce_dataschema", "payee.events.v1.Other#1", "its value is a payee.events.v1.Other");
  without("content-type", "text/plain", "content type is xxxx/xxxxx");
  without("ce_eventcount", "1", "eventindex");
  without("ce_previoussequence", "nine", "previoussequence is no number");
  without("ce_previoussequence", "17", "not before its sequence");
  Record tombstone = AsRead(*sent);
  tombstone.value.reset();
  refused(tombstone, "no value");
  Record elsewhere = AsRead(*sent);
  elsewhere.partition = BusPartition(0);
  refused(elsewhere, "is not this partition");
}

TEST(EventRecordTest, ADamagedEnvelopeIsNotSent) {
  Logged logged(SomeMetadata());
  logged.view.envelope = "\x0a\x05x";
  HeaderList headers;
  const auto sent = EncodeEvent("payee.events.v1", {&logged.view, PartitionId(0), Position()}, headers);
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kDataLoss) << sent.status();
  EXPECT_THAT(std::string(sent.status().message()), HasSubstr("position 17"));
}

}  // namespace
}  // namespace daybook::bus
