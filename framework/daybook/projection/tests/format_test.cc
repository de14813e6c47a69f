// The bytes that reach the disk, as docs/reference/formats/read-models.md has them.
#include <gtest/gtest.h>

#include "daybook/base/hash.h"
#include "daybook/projection/internal/checkpoint.h"
#include "daybook/projection/tests/account_log.h"

namespace daybook::projection {
namespace {

using internal::Checkpoint;

TEST(ReadModelFormatTest, ACheckpointHasTheseBytes) {
  Checkpoint checkpoint;
  checkpoint.position = Position(0x0102);
  checkpoint.events = 3;
  for (std::size_t i = 0; i < checkpoint.tip.size(); ++i) checkpoint.tip[i] = static_cast<std::uint8_t>(0xa0 + i);
  checkpoint.parked = "later";
  const std::string bytes = internal::EncodeCheckpoint(checkpoint);
  EXPECT_EQ(ToHex(bytes),
            "01"
            "0000000000000102"
            "0000000000000003"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "056c61746572");
  const absl::StatusOr<Checkpoint> back = internal::DecodeCheckpoint(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(internal::EncodeCheckpoint(*back), bytes);
}

TEST(ReadModelFormatTest, ACheckpointOfATopicHasTheSourcesCursorBehindIt) {
  Checkpoint checkpoint;
  checkpoint.position = Position(1);
  checkpoint.cursor = "here";
  const std::string bytes = internal::EncodeCheckpoint(checkpoint);
  EXPECT_EQ(ToHex(bytes),
            "02"
            "0000000000000001"
            "0000000000000000"
            "00000000000000000000000000000000"
            "00"
            "0468657265");
  const absl::StatusOr<Checkpoint> back = internal::DecodeCheckpoint(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->cursor, "here");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(internal::DecodeCheckpoint(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(ReadModelFormatTest, ACheckpointCutAnywhereIsDamage) {
  const std::string bytes = internal::EncodeCheckpoint(Checkpoint());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(internal::DecodeCheckpoint(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(internal::DecodeCheckpoint(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(internal::DecodeCheckpoint("\x03" + bytes.substr(1)).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ReadModelFormatTest, TheLogTipIsBoundToStreamPlaceAndEnvelope) {
  store::EventView event;
  event.stream = "account/a";
  event.revision = Revision(1);
  event.position = Position(2);
  event.envelope = "envelope";
  const LogTip tip = TipOf(event);
  const std::string_view raw(reinterpret_cast<const char*>(tip.data()), tip.size());
  EXPECT_EQ(ToHex(raw), "910367e99d4a9cab56f69b3885493421");
  store::EventView other = event;
  other.envelope = "envelopf";
  EXPECT_NE(TipOf(other), tip);
  other = event;
  other.position = Position(3);
  EXPECT_NE(TipOf(other), tip);
}

TEST(ReadModelFormatTest, AFoldedStateLiesUnderItsStreamWithRevisionMemoAndMessage) {
  AccountLog log;
  log.Append("a", {Opened("Ann"), Deposited(5, "n")});
  const std::unique_ptr<store::KeyValue> models = store::NewMemoryKeyValue();
  ProjectionRunner runner(log.store(), *models, {});
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil("by_balance.v1", log.end(), absl::Seconds(30)).ok());
  const std::map<std::string, std::string> rows = Dump(*models, "by_balance.v1");
  const auto row = rows.find(std::string("\0s", 2) + "account/a");
  ASSERT_TRUE(row != rows.end());
  EXPECT_EQ(ToHex(row->second),
            "02"                                    // revision
            "1162616c616e63652f313030303030352f61"  // memo: "balance/1000005/a"
            "0801"
            "1005"
            "2205"
            "0a016e"
            "1005");  // open, balance, by_note; the owner is trimmed
}

}  // namespace
}  // namespace daybook::projection
