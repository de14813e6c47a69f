#include "daybook/bus/command_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "daybook/base/reason.h"

namespace daybook::bus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BusCommand ACommand() {
  BusCommand c;
  c.id = CommandId(*Uuid::Parse("01890a5d-ac96-774b-bcce-b302099a8057"));
  c.stream = StreamId("payee", "157402e8-078d-5764-bea8-198235e56fd6");
  c.type = "payee.commands.v1.Suspend";
  c.payload = std::string("\x0a\x00\xff", 3);
  c.source = "/payee/gateway/uk";
  c.actor = "gateway";
  c.correlation_id = "conversation";
  c.causation_id = "cause";
  c.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  c.source_time = Timestamp::FromMicros(1'699'999'999'000'001);
  c.source_change = "payee.blocked";
  c.extensions = {{"instance", "uk"}};
  return c;
}

// As a consumer would give it.
Record AsRead(const OutgoingRecord& sent) {
  return {.topic = sent.topic,
          .partition = BusPartition(3),
          .offset = Offset(41),
          .timestamp = Timestamp(),
          .key = sent.key,
          .value = sent.value,
          .headers = sent.headers};
}

TEST(CommandRecordTest, ACommandReadsAsItWasSent) {
  BusCommand bare;
  bare.id = ACommand().id;
  bare.stream = ACommand().stream;
  bare.type = "payee.commands.v1.Touch";
  bare.source = "/payee/api/0";
  for (const BusCommand& command : {ACommand(), bare}) {
    HeaderList headers;
    const auto record = EncodeCommand("payee.commands.v1", command, headers);
    ASSERT_TRUE(record.ok()) << record.status();
    const auto read = DecodeCommand(AsRead(*record));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, command);
  }
}

TEST(CommandRecordTest, ItIsACloudEventKeyedByItsAggregate) {
  const BusCommand command = ACommand();
  HeaderList headers;
  const auto record = EncodeCommand("payee.commands.v1", command, headers);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->topic, "payee.commands.v1");
  EXPECT_EQ(record->key, "157402e8-078d-5764-bea8-198235e56fd6");
  EXPECT_EQ(record->value, command.payload);
  const auto header = [&](std::string_view name) {
    return std::string(cloudevents::FindHeader(record->headers, name).value_or("(none)"));
  };
  EXPECT_EQ(header("ce_type"), "payee.commands.v1.Suspend");
  EXPECT_EQ(header("ce_id"), "01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(header("ce_source"), "/payee/gateway/uk");
  EXPECT_EQ(header("ce_subject"), "payee/157402e8-078d-5764-bea8-198235e56fd6");
  EXPECT_EQ(header("ce_time"), "2023-11-14T22:13:19.000001Z");
  EXPECT_EQ(header("ce_instance"), "uk");
  EXPECT_EQ(header("content-type"), "application/protobuf");
}

TEST(CommandRecordTest, WhatCannotBeSentIsRefusedNamingTheField) {
  HeaderList headers;
  BusCommand command = ACommand();
  command.id = CommandId();
  EXPECT_THAT(std::string(EncodeCommand("t", command, headers).status().message()), HasSubstr("without an id"));
  command = ACommand();
  command.stream = StreamId("Payee", "1");
  EXPECT_THAT(std::string(EncodeCommand("t", command, headers).status().message()), HasSubstr("stream"));
  command = ACommand();
  command.type = "";
  EXPECT_THAT(std::string(EncodeCommand("t", command, headers).status().message()), HasSubstr("type"));
}

TEST(CommandRecordTest, WhatIsNoCommandIsRefusedNamingThePlace) {
  const BusCommand command = ACommand();
  HeaderList headers;
  const auto record = EncodeCommand("payee.commands.v1", command, headers);
  ASSERT_TRUE(record.ok()) << record.status();
  const auto refused = [](const Record& read) {
    const absl::Status status = DecodeCommand(read).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), "NOT_A_COMMAND");
    EXPECT_THAT(std::string(status.message()), HasSubstr("payee.commands.v1/3@41"));
    return std::string(status.message());
  };
  Record read = AsRead(*record);
  read.value = std::nullopt;
  EXPECT_THAT(refused(read), HasSubstr("no value"));
  read = AsRead(*record);
  read.key = "another";
  EXPECT_THAT(refused(read), HasSubstr("key"));
  read.key = std::nullopt;
  EXPECT_THAT(refused(read), HasSubstr("key"));
  read = AsRead(*record);
  read.headers = {};
  refused(read);

  // Every header changed, one at a time, by one that cannot be right.
  const std::map<std::string_view, std::string_view> wrong = {{"content-type", "application/json"},
                                                              {"ce_specversion", "0.3"},
                                                              {"ce_type", ""},
                                                              {"ce_source", ""},
                                                              {"ce_id", "17"},
                                                              {"ce_subject", "no stream"},
                                                              {"ce_time", "yesterday"},
                                                              {"ce_dataschema", "payee.commands.v1.Other#1"}};
  for (const auto& [name, value] : wrong) {
    std::vector<cloudevents::Header> changed(record->headers.begin(), record->headers.end());
    bool found = false;
    for (cloudevents::Header& header : changed) {
      if (header.name != name) continue;
      header.value = value;
      found = true;
    }
    ASSERT_TRUE(found) << name;
    read = AsRead(*record);
    read.headers = changed;
    SCOPED_TRACE(name);
    refused(read);
  }
}

// The message gets into logs, where what a record says of people does not belong.
TEST(CommandRecordTest, TheRefusalDoesNotRepeatWhatTheRecordSays) {
  HeaderList headers;
  const auto record = EncodeCommand("payee.commands.v1", ACommand(), headers);
  ASSERT_TRUE(record.ok()) << record.status();
  for (const std::string_view name : {"content-type", "ce_specversion", "ce_type", "ce_id", "ce_subject", "ce_time",
                                      "ce_dataschema", "ce_eventcount", "ce_revision"}) {
    std::vector<cloudevents::Header> changed;
    for (const cloudevents::Header& header : record->headers) {
      if (header.name != name) changed.push_back(header);
    }
    for (const std::string_view value : {"Lovelace", "Ada/Lovelace", "ada/lovelace", "lovelace@x.y", "#Lovelace"}) {
      changed.push_back({name, value});
      Record read = AsRead(*record);
      read.headers = changed;
      const absl::Status status = DecodeCommand(read).status();
      EXPECT_THAT(absl::AsciiStrToLower(status.ToString()), Not(HasSubstr("lovelace"))) << name;
      changed.pop_back();
    }
    changed.push_back({"ce_Lovelace", "1"});
    Record read = AsRead(*record);
    read.headers = changed;
    EXPECT_THAT(absl::AsciiStrToLower(DecodeCommand(read).status().ToString()), Not(HasSubstr("lovelace")));
  }
}

}  // namespace
}  // namespace daybook::bus
