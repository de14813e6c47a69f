// What reaches disk or wire, byte by byte.
#include "daybook/codec/tests/golden.h"

#include <gtest/gtest.h>

#include "daybook/codec/envelope.h"
#include "daybook/codec/event_codec.h"
#include "daybook_test/v1/account.pb.h"

namespace daybook::codec {
namespace {

namespace pb = daybook_test::v1;

EventMetadata FullMetadata() {
  EventMetadata m;
  m.command_id = CommandId(*Uuid::Parse("018f0000-0000-7000-8000-000000000001"));
  m.event_id = EventIdOf(m.command_id, 1);
  m.correlation_id = "corr-1";
  m.causation_id = "cause-1";
  m.actor = "caf\xc3\xa9";
  m.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  m.recorded_at = Timestamp::FromMicros(1'767'225'600'123'456);
  m.source_time = Timestamp::FromMicros(1'767'225'599'000'001);
  m.event_index = 1;
  m.event_count = 300;
  m.schema = 2;
  return m;
}

TEST(GoldenTest, AFullEnvelope) {
  std::string bytes;
  EncodeEnvelope(FullMetadata(), bytes);
  ExpectGolden("envelope_full", bytes);
  const auto read = DecodeEnvelope(ReadGolden("envelope_full"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->event_id, FullMetadata().event_id);
  EXPECT_EQ(read->actor, "caf\xc3\xa9");
  EXPECT_EQ(read->source_time, FullMetadata().source_time);
  EXPECT_EQ(read->schema, 2u);
}

TEST(GoldenTest, AnEnvelopeWithTheLeastInIt) {
  EventMetadata m;
  m.command_id = CommandId(*Uuid::Parse("018f0000-0000-7000-8000-000000000001"));
  m.event_id = EventIdOf(m.command_id, 0);
  m.recorded_at = Timestamp::FromMicros(1);
  std::string bytes;
  EncodeEnvelope(m, bytes);
  ExpectGolden("envelope_least", bytes);
}

TEST(GoldenTest, AnEvent) {
  using Event = std::variant<pb::Opened, pb::Deposited>;
  const EventCodec<Event> codec;
  pb::Deposited event;
  event.set_amount(-300);
  event.set_note("caf\xc3\xa9");
  EXPECT_EQ(codec.TypeOf(event), "daybook_test.v1.Deposited");
  ExpectGolden("event", codec.Encode(event));
  const auto read = codec.Decode("daybook_test.v1.Deposited", ReadGolden("event"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<pb::Deposited>(*read).amount(), -300);
}

}  // namespace
}  // namespace daybook::codec
