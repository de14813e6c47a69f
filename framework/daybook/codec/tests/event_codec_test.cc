#include "daybook/codec/event_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daybook_test/v1/account.pb.h"

namespace daybook::codec {
namespace {

namespace pb = daybook_test::v1;
using ::testing::HasSubstr;
using Event = std::variant<pb::Opened, pb::Deposited, pb::Tagged>;

Event Deposited(std::int64_t amount, const std::string& note) {
  pb::Deposited event;
  event.set_amount(amount);
  event.set_note(note);
  return event;
}

TEST(EventCodecTest, AnEventIsStoredUnderItsFullMessageName) {
  const EventCodec<Event> codec;
  EXPECT_EQ(codec.TypeOf(Deposited(1, "")), "daybook_test.v1.Deposited");
  EXPECT_EQ(TypeName<pb::Opened>(), "daybook_test.v1.Opened");
}

TEST(EventCodecTest, WhatIsEncodedIsDecoded) {
  const EventCodec<Event> codec;
  const Event event = Deposited(-7, "caf\xc3\xa9");
  const auto back = codec.Decode(codec.TypeOf(event), codec.Encode(event));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(std::get<pb::Deposited>(*back).SerializeAsString(), std::get<pb::Deposited>(event).SerializeAsString());
}

TEST(EventCodecTest, DecodingIntoAUsedEventLeavesNothingOfTheOldOne) {
  const EventCodec<Event> codec;
  Event event = Deposited(7, "old");
  ASSERT_TRUE(codec.DecodeInto("daybook_test.v1.Deposited", "\x08\x09", event).ok());
  EXPECT_EQ(std::get<pb::Deposited>(event).amount(), 9);
  EXPECT_EQ(std::get<pb::Deposited>(event).note(), "");
}

TEST(EventCodecTest, AnUnknownTypeIsNotFoundByName) {
  const EventCodec<Event> codec;
  const auto event = codec.Decode("acme.v1.Lost", "");
  EXPECT_EQ(event.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(event.status().message()), HasSubstr("unknown event type acme.v1.Lost"));
  EXPECT_FALSE(codec.Knows("acme.v1.Lost"));
}

TEST(EventCodecTest, CutBytesAreDataLoss) {
  const EventCodec<Event> codec;
  const std::string bytes = codec.Encode(Deposited(300, "note"));
  int refused = 0;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto event = codec.Decode("daybook_test.v1.Deposited", bytes.substr(0, size));
    if (!event.ok()) {
      EXPECT_EQ(event.status().code(), absl::StatusCode::kDataLoss);
      ++refused;
    }
  }
  // A cut exactly between two fields cannot be seen here: the store's checksum is for that.
  EXPECT_EQ(refused, static_cast<int>(bytes.size()) - 2);
}

TEST(EventCodecTest, TrailingDamageIsDataLoss) {
  const EventCodec<Event> codec;
  const std::string bytes = codec.Encode(Deposited(300, "note"));
  for (const std::string& tail : {std::string("\xff"), std::string("\x0c"), std::string(1, '\0')}) {
    EXPECT_EQ(codec.Decode("daybook_test.v1.Deposited", bytes + tail).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(EventCodecTest, AStringThatIsNotUtf8IsDataLoss) {
  const EventCodec<Event> codec;
  const auto event = codec.Decode("daybook_test.v1.Deposited", "\x12\x02\xc3\x28");
  EXPECT_EQ(event.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(event.status().message()), HasSubstr("daybook_test.v1.Deposited does not parse"));
}

TEST(EventCodecTest, MapsAreWrittenInTheOrderOfTheirKeys) {
  const EventCodec<Event> codec;
  std::string first;
  for (int round = 0; round < 20; ++round) {
    pb::Tagged event;
    for (int i = 0; i < 30; ++i) {
      const int key = (i * 7 + round * 11) % 30;
      (*event.mutable_tags())["key" + std::to_string(key)] = std::to_string(key);
    }
    const std::string bytes = codec.Encode(Event(event));
    if (round == 0) first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

TEST(MessageCodecTest, AMessageThatProtobufCouldNotReadBackIsNamed) {
  pb::Deposited event;
  event.set_note("fine");
  event.set_amount(-300);
  EXPECT_TRUE(CheckStrings(event).ok());
  EXPECT_TRUE(CheckSerializedStrings(*event.descriptor(), SerializeDeterministically(event)).ok());
  event.set_note("\xff");
  for (const absl::Status& status :
       {CheckStrings(event), CheckSerializedStrings(*event.descriptor(), SerializeDeterministically(event))}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("daybook_test.v1.Deposited.note is not UTF-8"));
  }
}

TEST(MessageCodecTest, StringsInsideOtherMessagesAreCheckedToo) {
  pb::Tagged event;
  (*event.mutable_tags())["key"] = "\xc3\x28";
  const std::string bytes = SerializeDeterministically(event);
  EXPECT_FALSE(CheckStrings(event).ok());
  EXPECT_THAT(std::string(CheckSerializedStrings(*event.descriptor(), bytes).message()),
              HasSubstr("daybook_test.v1.Tagged.TagsEntry.value is not UTF-8"));
  EXPECT_FALSE(CheckSerializedStrings(*event.descriptor(), bytes.substr(0, 3)).ok());
}

TEST(MessageCodecTest, TheFingerprintTellsShapesApartAndIsStable) {
  EXPECT_EQ(SchemaFingerprint(*pb::AccountState::descriptor()), SchemaFingerprint(*pb::AccountState::descriptor()));
  EXPECT_NE(SchemaFingerprint(*pb::AccountState::descriptor()), SchemaFingerprint(*pb::Opened::descriptor()));
}

}  // namespace
}  // namespace daybook::codec
