#include "daybook/cloudevents/binary_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "daybook/codec/envelope.h"

namespace daybook::cloudevents {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Context AnEvent() {
  Context c;
  c.type = "payee.events.v1.Suspended";
  c.source = SourceOf("payee", PartitionId(3));
  c.subject = "payee/42";
  c.data_type = "payee.events.v1.Suspended";
  c.content_type = "application/protobuf";
  c.sequence = Position(17);
  c.revision = Revision(2);
  c.metadata = {.event_id = *Uuid::Parse("157402e8-078d-5764-bea8-198235e56fd6"),
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
  return c;
}

std::map<std::string, std::string> Encoded(const Context& context) {
  HeaderList headers;
  const absl::Status status = EncodeBinary(context, headers);
  EXPECT_TRUE(status.ok()) << status;
  std::map<std::string, std::string> all;
  for (const Header& header : headers.view()) {
    EXPECT_TRUE(all.emplace(header.name, header.value.value_or("(null)")).second) << header.name;
  }
  return all;
}

TEST(BinaryModeTest, AnEventsHeadersAreThoseOfTheEnvelopesTable) {
  const std::map<std::string, std::string> expected = {
      {"content-type", "application/protobuf"},
      {"ce_specversion", "1.0"},
      {"ce_source", "/daybook/payee/3"},
      {"ce_type", "payee.events.v1.Suspended"},
      {"ce_subject", "payee/42"},
      {"ce_sequence", "00000000000000000017"},
      {"ce_revision", "2"},
      {"ce_id", "157402e8-078d-5764-bea8-198235e56fd6"},
      {"ce_commandid", "01890a5d-ac96-774b-bcce-b302099a8057"},
      {"ce_correlationid", "conversation"},
      {"ce_causationid", "cause"},
      {"ce_actor", "Zoë"},
      {"ce_traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"ce_recordedtime", "2023-11-14T22:13:20.123456Z"},
      {"ce_time", "2023-11-14T22:13:19.000000Z"},
      {"ce_dataschema", "payee.events.v1.Suspended#4"},
      {"ce_eventindex", "1"},
      {"ce_eventcount", "2"},
      {"ce_sourcechange", "payee.blocked"},
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  EXPECT_EQ(Encoded(AnEvent()), expected);
  for (const auto& row : codec::kCloudEventAttributes) {
    EXPECT_TRUE(expected.contains("ce_" + std::string(row.attribute))) << row.attribute;
  }
}

TEST(BinaryModeTest, WhatIsDecodedIsWhatWasEncoded) {
  std::mt19937_64 random(20261122);  // the seed
  const auto maybe = [&] { return random() % 2 == 0; };
  for (int i = 0; i < 2000; ++i) {
    Context c = AnEvent();
    c.data_type = maybe() ? c.type : "payee.v1.Payee";
    c.content_type = maybe() ? c.content_type : "application/json";
    if (maybe()) c.subject.clear();
    if (maybe()) c.sequence = Position(random());
    if (maybe()) c.sequence = Position();
    if (maybe()) c.revision = Revision(random() % 1000 + 1);
    if (maybe()) c.metadata.command_id = CommandId();
    if (maybe()) c.metadata.correlation_id.clear();
    if (maybe()) c.metadata.causation_id.clear();
    if (maybe()) c.metadata.actor.clear();
    if (maybe()) c.metadata.traceparent.clear();
    if (maybe()) c.metadata.source_time.reset();
    if (maybe()) c.metadata.recorded_at = Timestamp();
    c.metadata.event_count = static_cast<std::uint32_t>(random() % 100 + 1);
    c.metadata.event_index = static_cast<std::uint32_t>(random() % c.metadata.event_count);
    if (maybe()) c.extensions.emplace_back("tenant", "uk");
    if (maybe()) c.extensions.emplace_back("bos2", std::string("\xc3\xa9 \x01", 4));
    HeaderList headers;
    ASSERT_TRUE(EncodeBinary(c, headers).ok());
    const absl::StatusOr<Context> read = DecodeBinary(headers.view());
    ASSERT_TRUE(read.ok()) << read.status();
    if (!c.metadata.source_time.has_value() || c.metadata.recorded_at != Timestamp()) {
      EXPECT_EQ(*read, c) << i;
    }
  }
}

TEST(BinaryModeTest, ACommandHasNoPlaceInAStream) {
  Context c = AnEvent();
  c.sequence = Position();
  c.revision = Revision();
  const auto headers = Encoded(c);
  for (const char* absent : {"ce_sequence", "ce_revision", "ce_eventindex", "ce_eventcount"}) {
    EXPECT_FALSE(headers.contains(absent)) << absent;
  }
}

TEST(BinaryModeTest, ATypeThatIsNoMessageKeepsTheMessagesName) {
  Context c = AnEvent();
  c.type = "beneficiary.created";
  c.data_type = "beneficiary.state.v1.Beneficiary";
  c.metadata.schema = 0;
  EXPECT_EQ(Encoded(c).at("ce_dataschema"), "beneficiary.state.v1.Beneficiary#1");
}

TEST(BinaryModeTest, WhatCannotBeWrittenIsRefusedAndLeavesTheHeadersAlone) {
  const auto refused = [](auto change, std::string_view why) {
    Context c = AnEvent();
    change(c);
    HeaderList headers;
    headers.Add("mine", "1");
    const absl::Status status = EncodeBinary(c, headers);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(why)));
    EXPECT_EQ(headers.size(), 1u);
  };
  refused([](Context& c) { c.type.clear(); }, "type is missing");
  refused([](Context& c) { c.source.clear(); }, "source is missing");
  refused([](Context& c) { c.metadata.event_id = Uuid(); }, "id is missing");
  refused([](Context& c) { c.metadata.actor = "\xff"; }, "actor is not UTF-8");
  refused([](Context& c) { c.subject.assign(5000, 'x'); }, "subject has 5000 bytes");
  refused([](Context& c) { c.extensions = {{"Tenant", "uk"}}; }, "Tenant is not named by");
  refused([](Context& c) { c.extensions = {{"sequence", "1"}}; }, "sequence is not free");
  refused([](Context& c) { c.extensions = {{"a", "1"}, {"a", "2"}}; }, "a occurs twice");
}

TEST(BinaryModeTest, AnotherWritersEventNeedsOnlyTheRequiredAttributes) {
  const std::vector<Header> headers = {{"ce_specversion", "1.0"},
                                       {"ce_id", "157402e8-078d-5764-bea8-198235e56fd6"},
                                       {"ce_source", "https://example.org/x"},
                                       {"ce_type", "org.example.thing"},
                                       {"ce_time", "2023-11-14T22:13:19Z"},
                                       {"ce_nothing", std::nullopt},
                                       {"ce_tenant", "uk"},
                                       {"content-type", "application/json"},
                                       {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
                                       {"unrelated", "\xff"}};
  const absl::StatusOr<Context> read = DecodeBinary(headers);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->metadata.recorded_at, Timestamp::FromMicros(1'699'999'999'000'000));
  EXPECT_EQ(read->metadata.source_time, std::nullopt);
  EXPECT_EQ(read->metadata.traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(read->data_type, "org.example.thing");
  EXPECT_EQ(read->content_type, "application/json");
  EXPECT_THAT(read->extensions, ElementsAre(std::pair<std::string, std::string>("tenant", "uk")));
  EXPECT_EQ(read->metadata.event_count, 1u);
}

TEST(BinaryModeTest, RubbishIsAnErrorThatNamesTheAttribute) {
  const auto refused = [](std::string_view name, std::optional<std::string_view> value, std::string_view why) {
    HeaderList list;
    EXPECT_TRUE(EncodeBinary(AnEvent(), list).ok());
    std::vector<Header> headers;
    for (const Header& header : list.view()) {
      if (header.name != name) headers.push_back(header);
    }
    headers.push_back({name, value});
    const absl::StatusOr<Context> read = DecodeBinary(headers);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(std::string(why)));
  };
  refused("ce_specversion", "2.0", "specversion is not 1.x");
  refused("ce_specversion", std::nullopt, "specversion is null");
  refused("ce_id", "17", "id is no UUID");
  refused("ce_commandid", "", "commandid is no UUID");
  refused("ce_sequence", "-1", "sequence is no number");
  refused("ce_sequence", "18446744073709551616", "sequence is no number");
  refused("ce_eventcount", "4294967296", "eventcount is no number");
  refused("ce_time", "yesterday", "time is no RFC 3339 time");
  refused("ce_actor", "\xc3", "actor is not UTF-8");
  refused("ce_type", "", "type is empty");
  refused("ce_Big7", "1", "Xxx9 is not named by");  // by its form only: a name that is none may be anything
  const std::vector<Header> twice = {{"ce_type", "a"}, {"ce_type", "a"}};
  EXPECT_THAT(std::string(DecodeBinary(twice).status().message()), HasSubstr("type occurs twice"));
  EXPECT_THAT(std::string(DecodeBinary({}).status().message()), HasSubstr("specversion is missing"));
  EXPECT_FALSE(IsBinaryMode({}));
}

TEST(HeaderListTest, KeepsOrderRepeatedNamesAndNulls) {
  HeaderList list;
  list.Add("a", "1");
  list.AddNull("b");
  list.Add("a", "");
  EXPECT_THAT(list.view(), ElementsAre(Header{"a", "1"}, Header{"b", std::nullopt}, Header{"a", ""}));
  EXPECT_EQ(FindHeader(list.view(), "a"), "1");
  EXPECT_EQ(FindHeader(list.view(), "b"), std::nullopt);
  EXPECT_EQ(FindHeader(list.view(), "c"), std::nullopt);
  const HeaderList copy = list;
  list.Clear();
  EXPECT_TRUE(list.view().empty());
  EXPECT_EQ(HeaderList(copy).view().size(), 3u);
}

}  // namespace
}  // namespace daybook::cloudevents
