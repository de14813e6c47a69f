#include "daybook/codec/envelope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "daybook/v1/envelope.pb.h"

namespace daybook::codec {
namespace {

using ::testing::HasSubstr;

Uuid RandomUuid(std::mt19937_64& random) {
  std::array<std::uint8_t, 16> bytes;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return Uuid(bytes);
}

std::string RandomText(std::mt19937_64& random) {
  static constexpr const char* kPieces[] = {"a", "Z", "-", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "0"};
  std::string text;
  for (std::uint64_t n = random() % 4 == 0 ? 0 : random() % 200; n > 0; --n) text += kPieces[random() % 7];
  return text;
}

EventMetadata RandomMetadata(std::mt19937_64& random) {
  EventMetadata m;
  m.event_id = random() % 8 == 0 ? Uuid() : RandomUuid(random);
  m.command_id = random() % 8 == 0 ? CommandId() : CommandId(RandomUuid(random));
  m.correlation_id = RandomText(random);
  m.causation_id = RandomText(random);
  m.actor = RandomText(random);
  m.traceparent = RandomText(random);
  m.recorded_at = Timestamp::FromMicros(static_cast<std::int64_t>(random() >> (random() % 64)));
  if (random() % 2 == 0) m.source_time = Timestamp::FromMicros(-static_cast<std::int64_t>(random() % 100));
  m.event_index = static_cast<std::uint32_t>(random() >> (32 + random() % 32));
  m.event_count = static_cast<std::uint32_t>(random() >> (32 + random() % 32));
  m.schema = static_cast<std::uint32_t>(random() % 3);
  m.source_change = random() % 2 == 0 ? "" : "account.closed";
  return m;
}

std::string ByProtobuf(const EventMetadata& m) {
  v1::Envelope e;
  if (!m.event_id.IsNil()) e.set_event_id(std::string(m.event_id.raw()));
  if (!m.command_id.uuid().IsNil()) e.set_command_id(std::string(m.command_id.uuid().raw()));
  e.set_correlation_id(m.correlation_id);
  e.set_causation_id(m.causation_id);
  e.set_actor(m.actor);
  e.set_traceparent(m.traceparent);
  e.set_recorded_at_us(m.recorded_at.micros());
  if (m.source_time.has_value()) e.set_source_time_us(m.source_time->micros());
  e.set_schema(m.schema);
  e.set_source_change(m.source_change);
  e.set_event_index(m.event_index);
  e.set_event_count(m.event_count);
  return e.SerializeAsString();
}

void ExpectEqual(const EventMetadata& a, const EventMetadata& b) {
  EXPECT_EQ(a.event_id, b.event_id);
  EXPECT_EQ(a.command_id, b.command_id);
  EXPECT_EQ(a.correlation_id, b.correlation_id);
  EXPECT_EQ(a.causation_id, b.causation_id);
  EXPECT_EQ(a.actor, b.actor);
  EXPECT_EQ(a.traceparent, b.traceparent);
  EXPECT_EQ(a.recorded_at, b.recorded_at);
  EXPECT_EQ(a.source_time, b.source_time);
  EXPECT_EQ(a.event_index, b.event_index);
  EXPECT_EQ(a.event_count, b.event_count);
  EXPECT_EQ(a.schema, b.schema);
  EXPECT_EQ(a.source_change, b.source_change);
}

TEST(EnvelopeTest, TheWriterGivesProtobufsBytes) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const EventMetadata metadata = RandomMetadata(random);
    std::string bytes = "before";
    EncodeEnvelope(metadata, bytes);
    ASSERT_EQ(bytes, "before" + ByProtobuf(metadata)) << "round " << i;
  }
}

TEST(EnvelopeTest, WhatIsWrittenIsRead) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  EventMetadata reused;
  for (int i = 0; i < 2000; ++i) {
    EventMetadata metadata = RandomMetadata(random);
    std::string bytes;
    EncodeEnvelope(metadata, bytes);
    const absl::Status status = DecodeEnvelopeInto(bytes, reused);
    ASSERT_TRUE(status.ok()) << status;
    if (metadata.event_count == 0) metadata.event_count = 1;
    if (metadata.schema == 0) metadata.schema = 1;
    ExpectEqual(metadata, reused);
  }
}

// Damage: the reader takes nothing that protobuf refuses, and reads the same from what both take. It is stricter in two
// places: an id has 16 bytes, and a number does not exceed 64 bits.
TEST(EnvelopeTest, TheReaderTakesNoDamagedBytesThatProtobufRefuses) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes;
    EncodeEnvelope(RandomMetadata(random), bytes);
    if (bytes.empty()) continue;
    for (std::uint64_t n = random() % 3; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 2 == 0) bytes.resize(random() % bytes.size());
    v1::Envelope envelope;
    const bool parses = envelope.ParseFromString(bytes);
    const auto read = DecodeEnvelope(bytes);
    if (!read.ok()) {
      ++refused;
      EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
      const std::string message(read.status().message());
      // Protobuf drops what a tag has beyond its 32 bits, and of an overlong number; no program writes either.
      const bool stricter = message.find("instead of 16") != message.npos || message.find("number") != message.npos ||
                            message.find("more than 32 bits") != message.npos;
      EXPECT_TRUE(!parses || stricter) << message << " but protobuf reads " << envelope.ShortDebugString();
    } else {
      ASSERT_TRUE(parses) << "protobuf refuses what was read, round " << i;
      EXPECT_EQ(read->actor, envelope.actor());
      EXPECT_EQ(read->recorded_at.micros(), envelope.recorded_at_us());
      EXPECT_EQ(read->event_index, envelope.event_index());
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(EnvelopeTest, ATagBeyond32BitsIsDamageAndNotAnotherField) {
  EventMetadata metadata;
  metadata.actor = "ada";
  std::string bytes;
  EncodeEnvelope(metadata, bytes);
  bytes += std::string("\xf8\xff\xff\xff\x7f\x01", 6);  // cut to 32 bits it is a number's tag
  EXPECT_TRUE(v1::Envelope().ParseFromString(bytes)) << "protobuf refuses it too: this test shows nothing";
  const auto read = DecodeEnvelope(bytes);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << read.status();
  EXPECT_NE(read.status().message().find("more than 32 bits"), absl::string_view::npos) << read.status();
}

TEST(EnvelopeTest, FieldsOfANewerProgramAreSkipped) {
  EventMetadata metadata;
  metadata.actor = "ada";
  std::string bytes;
  EncodeEnvelope(metadata, bytes);
  const std::string newer[] = {std::string("\x98\x06\x07", 3),        // field 99, varint
                               std::string("\x9a\x06\x01x", 4),       // field 99, bytes
                               std::string("\x9d\x06zzzz", 6),        // field 99, 32 bits
                               std::string("\x99\x06zzzzzzzz", 10)};  // field 99, 64 bits
  for (const std::string& field : newer) {
    for (const std::string& all : {bytes + field, field + bytes}) {
      const auto read = DecodeEnvelope(all);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->actor, "ada");
    }
  }
}

TEST(EnvelopeTest, AnIdOfAWrongLengthIsDataLoss) {
  const auto read = DecodeEnvelope(std::string_view("\x0a\x03xyz", 5));
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("event_id has 3 bytes"));
}

TEST(EnvelopeTest, StringsThatCouldNotBeReadBackAreRefused) {
  EnvelopeFields fields;
  EXPECT_TRUE(CheckEnvelope(fields).ok());
  fields.actor = "\xff";
  EXPECT_THAT(std::string(CheckEnvelope(fields).message()), HasSubstr("actor is not UTF-8"));
  const std::string big(5000, 'x');
  fields.actor = "";
  fields.traceparent = big;
  EXPECT_THAT(std::string(CheckEnvelope(fields).message()), HasSubstr("traceparent has 5000 bytes"));
}

TEST(EnvelopeTest, EventIdsAreVersion8AndFollowFromCommandAndIndex) {
  const CommandId command(*Uuid::Parse("018f0000-0000-7000-8000-000000000001"));
  std::set<Uuid> ids;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const Uuid id = EventIdOf(command, i);
    EXPECT_EQ(id.version(), 8);
    EXPECT_EQ(id.bytes()[8] & 0xc0, 0x80);
    EXPECT_EQ(id, EventIdOf(command, i));
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_EQ(EventIdOf(command, 0).ToString(), "1fb4ae4f-1278-85bf-a3a9-1a3c2a316332");
}

TEST(EnvelopeTest, EveryFieldIsOneCloudEventsAttribute) {
  std::set<std::string> fields;
  std::set<std::string_view> attributes;
  for (const CloudEventAttribute& row : kCloudEventAttributes) {
    EXPECT_TRUE(attributes.insert(row.attribute).second) << row.attribute;
    for (const char c : row.attribute) EXPECT_TRUE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) << row.attribute;
    if (!row.field.empty()) {
      EXPECT_TRUE(fields.insert(std::string(row.field)).second) << row.field;
    }
  }
  const google::protobuf::Descriptor& envelope = *v1::Envelope::descriptor();
  for (int i = 0; i < envelope.field_count(); ++i) {
    EXPECT_EQ(fields.erase(envelope.field(i)->name()), 1u) << envelope.field(i)->name() << " has no attribute";
  }
  EXPECT_TRUE(fields.empty()) << *fields.begin() << " is no field of the envelope";
  for (const char* required : {"id", "source", "specversion", "type"}) EXPECT_EQ(attributes.count(required), 1u);
}

}  // namespace
}  // namespace daybook::codec
