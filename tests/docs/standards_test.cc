// docs/reference/standards.md and errors.md against what the code makes, writes and answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/command_service/command_side.h"
#include "beneficiary/command_service/topics.h"
#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/domain/identity.h"
#include "beneficiary/gateway/bos_mapping.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "beneficiary/gateway_service/output_records.h"
#include "beneficiary/gateway_service/topics.h"
#include "daybook/base/clock.h"
#include "daybook/base/uuid_source.h"
#include "daybook/bus/memory/memory_bus.h"
#include "daybook/http/problem.h"
#include "daybook/testing/eventually.h"

namespace beneficiary {
namespace {

namespace bus = daybook::bus;
using daybook::testing::Eventually;

constexpr absl::Duration kLimit = absl::Seconds(60);

std::string Page(const std::string& name) {
  std::ifstream file(absl::StrCat(DAYBOOK_SOURCE_DIR, "/docs/reference/", name));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// The rows of the table whose head begins with `first`, as trimmed cells.
std::vector<std::vector<std::string>> TableOf(const std::string& page, const std::string& first) {
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (const std::string& line : static_cast<std::vector<std::string>>(absl::StrSplit(page, '\n'))) {
    if (absl::StartsWith(line, absl::StrCat("| ", first, " |"))) {
      inside = true;
    } else if (inside && !absl::StartsWith(line, "|")) {
      return rows;
    } else if (inside && !absl::StartsWith(line, "|---")) {
      std::vector<std::string> cells = absl::StrSplit(line, '|');
      cells.erase(cells.begin());
      cells.pop_back();
      for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
      rows.push_back(std::move(cells));
    }
  }
  return rows;
}

// What stands between backticks.
std::vector<std::string> Quoted(const std::string& cell) {
  std::vector<std::string> out;
  const std::vector<std::string> parts = absl::StrSplit(cell, '`');
  for (std::size_t i = 1; i < parts.size(); i += 2) out.push_back(parts[i]);
  return out;
}

TEST(StandardsTest, TopicsAreMadeAsThePageSays) {
  std::map<std::string, std::string> said;
  for (const auto& row : TableOf(Page("standards.md"), "Topic")) {
    ASSERT_EQ(row.size(), 5U);
    said[Quoted(row[0]).at(0)] = absl::StrCat(row[3], " ", row[4]);
  }
  std::map<std::string, std::string> made;
  for (const bus::TopicSpec& spec : CommandServiceTopics(1)) {
    const std::string settings = absl::StrJoin(spec.config, ",", absl::PairFormatter("="));
    made[spec.topic] =
        absl::StrCat(spec.partitions, settings.empty() ? " the broker's default" : absl::StrCat(" `", settings, "`"));
  }
  EXPECT_EQ(said, made);
}

TEST(StandardsTest, GatewayAndCommandServiceMeanTheSameTopics) {
  EXPECT_EQ(CommandsTopic("beneficiary"), kBeneficiaryCommands);
  EXPECT_EQ(CommandsTopic("client"), kClientCommands);
}

// Whichever of the two comes first makes them, and the other one must not find fault with it.
TEST(StandardsTest, TheGatewayMakesCommandTopicsAsTheCommandServiceDemandsThem) {
  for (const bus::TopicSpec& spec : CommandServiceTopics(1)) {
    if (spec.topic != kBeneficiaryCommands && spec.topic != kClientCommands) continue;
    EXPECT_EQ(LiveGatewayOptions().command_partitions, spec.partitions) << spec.topic;
    EXPECT_TRUE(spec.config.empty()) << spec.topic;
  }
}

TEST(StandardsTest, KeysAreMadeAsThePageSays) {
  const std::string page = Page("standards.md");
  const auto shows = [&](const std::string& text) { return absl::StrContains(page, absl::StrCat("`", text, "`")); };
  EXPECT_TRUE(shows(BosBeneficiaryName("<instance>", "<primary key>")));
  EXPECT_TRUE(shows(BosClientName("<instance>", "<primary key>")));
  EXPECT_TRUE(shows(BosBankAccountName("<instance>", "<primary key>")));
  EXPECT_TRUE(shows(kNamespace.ToString()));
  EXPECT_TRUE(shows(std::string(BosBeneficiaryStream("uk", "2").key())));
}

// Every record of one kind that was seen: its headers by name.
using Headers = std::map<std::string, std::string>;

Headers HeadersOf(std::span<const bus::Header> headers) {
  Headers out;
  for (const bus::Header& header : headers) {
    out.emplace(std::string(header.name), std::string(header.value.value_or("")));
  }
  return out;
}

class EnvelopesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto side = CommandSide::Start({}, *bus_);
    ASSERT_TRUE(side.ok()) << side.status();
    side_ = *std::move(side);
    ASSERT_TRUE(Eventually([&] { return side_->TopicsReadiness().ok() && side_->publisher().Readiness().ok(); }));
    auto consumer = bus_->NewConsumer({.name = "test"});
    ASSERT_TRUE(consumer.ok()) << consumer.status();
    consumer_ = *std::move(consumer);
    Send(Command("1"));
    bus::BusCommand full = Command("2");
    full.correlation_id = "conversation";
    full.causation_id = "cause";
    full.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    full.source_change = "beneficiary.imported";
    Send(full);
    Read();
  }

  // A command as the gateway makes it; the first one does without what is optional.
  bus::BusCommand Command(const std::string& pk) {
    commands::v1::SyncFromBos sync;
    sync.mutable_image()->mutable_details()->set_name("Acme");
    daybook::cdc::Command command;
    command.id = daybook::CommandId(daybook::UuidSource::System().New(daybook::Clock::System().Now()));
    command.stream = BosBeneficiaryStream("uk", pk);
    command.type = sync.GetTypeName();
    command.payload = sync.SerializeAsString();
    if (pk != "1") command.source_time = daybook::Timestamp::FromMicros(1'700'000'000'000'000);
    command.aggregate = "x";
    command.emission = 1;
    return ToBusCommand(command, {"uk", "157402e8-078d-5764-bea8-198235e56fd6"});
  }

  void Send(const bus::BusCommand& command) {
    bus::HeaderList headers;
    const auto record = bus::EncodeCommand(kBeneficiaryCommands, command, headers);
    ASSERT_TRUE(record.ok()) << record.status();
    seen_["Command"].push_back(HeadersOf(record->headers));
    auto producer = bus_->NewProducer({.name = "test"});
    ASSERT_TRUE(producer.ok()) << producer.status();
    absl::Status delivered = absl::UnknownError("no answer");
    const auto done = [&](const absl::StatusOr<bus::Delivery>& answer) { delivered = answer.status(); };
    ASSERT_EQ((*producer)->Send(*record, done), absl::OkStatus());
    ASSERT_EQ((*producer)->Flush(kLimit), absl::OkStatus());
    ASSERT_EQ(delivered, absl::OkStatus());
  }

  // Both commands' records: two events each, and a state each.
  void Read() {
    ASSERT_EQ(consumer_->AssignTopics({kBeneficiaryEvents, kBeneficiaryStates}, {}), absl::OkStatus());
    const absl::Duration until = daybook::MonotonicNow() + kLimit;
    while ((seen_["Event"].size() < 4 || seen_["State"].size() < 2) && daybook::MonotonicNow() < until) {
      const auto batch = consumer_->Poll({});
      ASSERT_TRUE(batch.ok()) << batch.status();
      for (const bus::Record& record : batch->records()) {
        seen_[record.topic == kBeneficiaryEvents ? "Event" : "State"].push_back(HeadersOf(record.headers));
      }
    }
    EXPECT_EQ(seen_["Event"].size(), 4U);
    EXPECT_EQ(seen_["State"].size(), 2U);
  }

  std::unique_ptr<bus::Bus> bus_ = bus::NewMemoryBus();
  std::unique_ptr<CommandSide> side_;
  std::unique_ptr<bus::Consumer> consumer_;
  std::map<std::string, std::vector<Headers>> seen_;  // by the page's column
};

// True if the value is the form with something in each of its <holes>, as in /daybook/<category>/<partition>.
bool Fits(std::string_view value, std::string_view form) {
  while (!form.empty()) {
    if (form[0] != '<') {
      if (value.empty() || value[0] != form[0]) return false;
      value.remove_prefix(1);
      form.remove_prefix(1);
      continue;
    }
    const std::size_t filled = std::min(value.find_first_of("/#"), value.size());
    if (filled == 0) return false;
    value.remove_prefix(filled);
    form.remove_prefix(std::min(form.find('>'), form.size() - 1) + 1);
  }
  return value.empty();
}

bool IsTwentyDigits(std::string_view value) {
  return value.size() == 20 && value.find_first_not_of("0123456789") == std::string_view::npos;
}

void CheckCell(const std::string& header, const std::string& cell, const std::vector<Headers>& records) {
  SCOPED_TRACE(absl::StrCat(header, ": ", cell));
  std::size_t bearing = 0;
  for (const Headers& record : records) {
    const auto found = record.find(header);
    if (found == record.end()) continue;
    ++bearing;
    for (const std::string& form : Quoted(cell)) {
      EXPECT_TRUE(Fits(found->second, form)) << found->second;
    }
    if (absl::StrContains(cell, "20 digits")) {
      EXPECT_TRUE(IsTwentyDigits(found->second)) << found->second;
    }
  }
  if (absl::StartsWith(cell, "●")) {
    EXPECT_EQ(bearing, records.size());
  } else if (absl::StartsWith(cell, "○")) {
    EXPECT_GT(bearing, 0U);
  } else {
    EXPECT_EQ(cell, "–");
    EXPECT_EQ(bearing, 0U);
  }
}

TEST_F(EnvelopesTest, RecordsBearTheHeadersOfThePageAndNoOthers) {
  const std::vector<std::string> columns = {"Command", "Event", "State"};
  std::vector<std::string> listed;
  for (const auto& row : TableOf(Page("standards.md"), "Header")) {
    ASSERT_EQ(row.size(), 4U);
    for (const std::string& header : Quoted(row[0])) {
      listed.push_back(header);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        SCOPED_TRACE(columns[i]);
        CheckCell(header, row[i + 1], seen_[columns[i]]);
      }
    }
  }
  for (const auto& [column, records] : seen_) {
    for (const Headers& record : records) {
      for (const auto& [name, value] : record) {
        EXPECT_NE(std::find(listed.begin(), listed.end(), name), listed.end()) << column << " bears " << name;
      }
    }
  }
}

TEST_F(EnvelopesTest, WhatAStateSaysOfItsChangeIsOnThePage) {
  const std::string page = Page("standards.md");
  EXPECT_EQ(seen_["State"].at(0)["ce_type"], "beneficiary.created");
  EXPECT_TRUE(absl::StrContains(page, "`beneficiary.created`"));
  EXPECT_EQ(seen_["State"].at(1)["ce_type"], "beneficiary.imported");  // what the source said
}

TEST(ErrorsPageTest, CodesMeanOverHttpAndGrpcWhatThePageSays) {
  std::map<std::string, absl::StatusCode> codes;  // kNotFound
  for (int code = 1; code <= 16; ++code) {
    std::string name = "k";
    for (const absl::string_view word : absl::StrSplit(absl::StatusCodeToString(absl::StatusCode(code)), '_')) {
      absl::StrAppend(&name, word.substr(0, 1), absl::AsciiStrToLower(word.substr(1)));
    }
    codes[name] = absl::StatusCode(code);
  }
  const auto rows = TableOf(Page("errors.md"), "Code");
  ASSERT_GT(rows.size(), 10U);
  for (const auto& row : rows) {
    const std::string name = Quoted(row[0]).at(0);
    SCOPED_TRACE(name);
    ASSERT_TRUE(codes.contains(name));
    EXPECT_TRUE(absl::StartsWith(row[2], absl::StrCat(daybook::http::ToInt(daybook::http::HttpStatusOf(codes[name])))));
    EXPECT_EQ(row[3], absl::StrCat("`", absl::StatusCodeToString(codes[name]), "`"));
  }
  EXPECT_EQ(daybook::http::ToInt(daybook::http::HttpStatusOf(daybook::Code::kInvalidArgument)), 422);
}

}  // namespace
}  // namespace beneficiary
