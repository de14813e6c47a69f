#include "beneficiary/switch/mode_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "daybook/testing/fake_clock.h"
#include "daybook/testing/temporary_directory.h"

namespace beneficiary::switching {
namespace {

using ::testing::HasSubstr;

class ModeTableTest : public ::testing::Test {
 protected:
  void Open(Mode initial = Mode::kBos) {
    table_.reset();
    auto opened = ModeTable::Open(directory_.path() + "/deep/er", initial, clock_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    table_ = *std::move(opened);
  }
  absl::Status Set(std::string client, std::optional<Mode> to) {
    ModeChangeRequest request;
    request.client = std::move(client);
    request.to = to;
    request.by = "ops";
    request.reason = "because \"ä\"";
    return table_->Change(request).status();
  }
  std::string file() const { return directory_.path() + "/deep/er/modes.json"; }
  std::string Contents() const {
    std::stringstream text;
    text << std::ifstream(file()).rdbuf();
    return text.str();
  }
  void Overwrite(const std::string& text) { std::ofstream(file(), std::ios::trunc) << text; }

  daybook::testing::TemporaryDirectory directory_;
  daybook::testing::FakeClock clock_{daybook::Timestamp::FromMillis(1'700'000'000'000)};
  std::unique_ptr<ModeTable> table_;
};

TEST_F(ModeTableTest, BeginsWithTheInitialModeUntilTheFirstChange) {
  Open(Mode::kShadow);
  EXPECT_EQ(table_->Current()->Of("anyone"), Mode::kShadow);
  EXPECT_EQ(table_->Current()->change_count, 0);
  Open(Mode::kDaybook);
  EXPECT_EQ(table_->Current()->Of("anyone"), Mode::kDaybook);
  ASSERT_TRUE(Set("", Mode::kShadow).ok());
  Open(Mode::kBos);
  EXPECT_EQ(table_->Current()->Of("anyone"), Mode::kShadow);
}

TEST_F(ModeTableTest, AClientsOwnModeWinsAndGoesAgain) {
  Open();
  ASSERT_TRUE(Set("EBPCLI000042", Mode::kDaybook).ok());
  EXPECT_EQ(table_->Current()->Of("EBPCLI000042"), Mode::kDaybook);
  EXPECT_EQ(table_->Current()->Of("EBPCLI000043"), Mode::kBos);
  ASSERT_TRUE(Set("EBPCLI000042", std::nullopt).ok());
  EXPECT_EQ(table_->Current()->Of("EBPCLI000042"), Mode::kBos);
}

TEST_F(ModeTableTest, EverythingIsKeptOverARestart) {
  Open();
  ASSERT_TRUE(Set("", Mode::kDaybookShadowed).ok());
  ASSERT_TRUE(Set("we\"ird ü", Mode::kShadow).ok());
  Open();
  const auto modes = table_->Current();
  EXPECT_EQ(modes->for_all, Mode::kDaybookShadowed);
  EXPECT_EQ(modes->Of("we\"ird ü"), Mode::kShadow);
  EXPECT_EQ(modes->change_count, 2);
  ASSERT_EQ(modes->changes.size(), 2);
  EXPECT_EQ(modes->changes[0].from, Mode::kBos);
  EXPECT_EQ(modes->changes[0].to, Mode::kDaybookShadowed);
  EXPECT_EQ(modes->changes[0].by, "ops");
  EXPECT_EQ(modes->changes[0].reason, "because \"ä\"");
  EXPECT_EQ(modes->changes[0].at, clock_.Now());
  EXPECT_EQ(modes->changes[1].from, std::nullopt);
}

TEST_F(ModeTableTest, TheRecordOfChangesIsBounded) {
  Open();
  for (std::size_t i = 0; i < ModeTable::kChangesKept + 10; ++i) ASSERT_TRUE(Set("", kModes[i % 4]).ok());
  EXPECT_EQ(table_->Current()->changes.size(), ModeTable::kChangesKept);
  EXPECT_EQ(table_->Current()->change_count, ModeTable::kChangesKept + 10);
}

TEST_F(ModeTableTest, AnOldChangeCountIsRefused) {
  Open();
  ASSERT_TRUE(Set("", Mode::kShadow).ok());
  ModeChangeRequest request;
  request.to = Mode::kDaybook;
  request.if_change_count = 0;
  EXPECT_EQ(table_->Change(request).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(table_->Current()->for_all, Mode::kShadow);
  request.if_change_count = 1;
  EXPECT_TRUE(table_->Change(request).ok());
}

TEST_F(ModeTableTest, WhatMakesNoSenseIsRefused) {
  Open();
  EXPECT_EQ(Set("", std::nullopt).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Set(std::string(65, 'x'), Mode::kBos).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Set("a\nb", Mode::kBos).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Set("\xff", Mode::kBos).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ModeTableTest, AChangeThatCannotBeWrittenIsNotInForce) {
  if (getuid() == 0) {
    // Root may write anywhere: a directory in the way of the new file stops it too.
    Open();
    ASSERT_EQ(mkdir((file() + ".next").c_str(), 0755), 0);
  } else {
    Open();
    ASSERT_EQ(chmod((directory_.path() + "/deep/er").c_str(), 0555), 0);
  }
  EXPECT_EQ(Set("", Mode::kDaybook).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(table_->Current()->for_all, Mode::kBos);
  EXPECT_EQ(table_->Current()->change_count, 0);
}

TEST_F(ModeTableTest, ASecondOwnerIsRefused) {
  Open();
  const auto second = ModeTable::Open(directory_.path() + "/deep/er", Mode::kBos, clock_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process"));
}

TEST_F(ModeTableTest, AFileCutOffAtAnyByteStopsTheStartAndIsNamed) {
  Open();
  ASSERT_TRUE(Set("a", Mode::kShadow).ok());
  table_.reset();
  const std::string whole = Contents();
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {  // the last byte is the line's end
    Overwrite(whole.substr(0, size));
    const auto opened = ModeTable::Open(directory_.path() + "/deep/er", Mode::kBos, clock_);
    ASSERT_EQ(opened.status().code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr("modes.json"));
  }
  Overwrite(whole);
  Open();
  EXPECT_EQ(table_->Current()->Of("a"), Mode::kShadow);
}

// Yesterday's file is read by tomorrow's switch: another form is another format number.
TEST_F(ModeTableTest, TheFileHasTheseBytes) {
  Open();
  ASSERT_TRUE(Set("", Mode::kShadow).ok());
  ASSERT_TRUE(Set("a", Mode::kDaybookShadowed).ok());
  const std::string because = R"("by":"ops","reason":"because \"ä\"")";
  const std::string at = R"("at":"2023-11-14T22:13:20.000000Z")";
  EXPECT_EQ(Contents(),
            R"({"format":1,"change_count":2,"for_all":"shadow","clients":{"a":"daybook-shadowed"},"changes":[)"
            R"({)" +
                at + R"(,"client":"","from":"bos","to":"shadow",)" + because +
                R"(},)"
                R"({)" +
                at + R"(,"client":"a","from":null,"to":"daybook-shadowed",)" + because + "}]}\n");
}

TEST_F(ModeTableTest, ALeftOverOfAnUnfinishedChangeIsOverwritten) {
  Open();
  ASSERT_TRUE(Set("", Mode::kShadow).ok());
  std::ofstream(file() + ".next") << "{\"format\":1,";
  Open();
  EXPECT_EQ(table_->Current()->for_all, Mode::kShadow);
  ASSERT_TRUE(Set("", Mode::kDaybook).ok());
  Open();
  EXPECT_EQ(table_->Current()->for_all, Mode::kDaybook);
}

TEST_F(ModeTableTest, AnUnknownFormatOrModeIsNotGuessed) {
  Open();
  table_.reset();
  for (const auto& [text, code] : std::vector<std::pair<std::string, absl::StatusCode>>{
           {R"({"format":2})", absl::StatusCode::kFailedPrecondition},
           {R"({"format":1,"change_count":0,"for_all":"both","clients":{},"changes":[]})", absl::StatusCode::kDataLoss},
           {R"({"format":1,"change_count":-1,"for_all":"bos","clients":{},"changes":[]})", absl::StatusCode::kDataLoss},
           {R"({"format":1,"change_count":0,"for_all":"bos","clients":[],"changes":[]})", absl::StatusCode::kDataLoss},
           {R"([])", absl::StatusCode::kDataLoss}}) {
    Overwrite(text);
    EXPECT_EQ(ModeTable::Open(directory_.path() + "/deep/er", Mode::kBos, clock_).status().code(), code) << text;
  }
}

// docs/reference/switch.md shows this file.
TEST_F(ModeTableTest, TheFileIsAsDocumented) {
  Open();
  ASSERT_TRUE(Set("EBPCLI000042", Mode::kShadow).ok());
  EXPECT_EQ(Contents(),
            "{\"format\":1,\"change_count\":1,\"for_all\":\"bos\",\"clients\":{\"EBPCLI000042\":\"shadow\"},"
            "\"changes\":[{\"at\":\"2023-11-14T22:13:20.000000Z\",\"client\":\"EBPCLI000042\",\"from\":null,"
            "\"to\":\"shadow\",\"by\":\"ops\",\"reason\":\"because \\\"ä\\\"\"}]}\n");
}

}  // namespace
}  // namespace beneficiary::switching
