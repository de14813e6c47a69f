#include "daybook/store/rocks/rocks_key_value.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_file_system.h"
#include "daybook/testing/fault_file_system.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::store {
namespace {

using testing::Unsynced;

class RocksKeyValueTest : public ::testing::Test {
 protected:
  absl::Status Open() {
    kv_.reset();
    absl::StatusOr<std::unique_ptr<KeyValue>> kv = OpenRocksKeyValueOn(faults_.file_system(), {.path = path_});
    if (!kv.ok()) return kv.status();
    kv_ = *std::move(kv);
    const absl::StatusOr<TableId> left = kv_->OpenTable("left");
    const absl::StatusOr<TableId> right = kv_->OpenTable("right");
    if (!left.ok() || !right.ok()) return absl::InternalError("no tables");
    left_ = *left;
    right_ = *right;
    return absl::OkStatus();
  }

  // Writes `n` to both tables.
  absl::Status Write(int n, Durability durability) {
    WriteBatch batch;
    batch.Put(left_, "n", std::to_string(n));
    batch.Put(left_, std::string(100, 'x'), std::to_string(n));
    batch.Put(right_, "n", std::to_string(n));
    return kv_->Write(batch, durability);
  }

  // The last number written, which both tables must agree on.
  int Last() {
    const std::string left = (*kv_->Get(left_, "n")).value_or("0");
    EXPECT_EQ(left, (*kv_->Get(right_, "n")).value_or("0")) << "half a batch";
    int last = -1;
    EXPECT_TRUE(absl::SimpleAtoi(left, &last)) << left;
    return last;
  }

  const testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/kv";
  testing::FaultFileSystem faults_;
  std::unique_ptr<KeyValue> kv_;
  TableId left_;
  TableId right_;
};

TEST_F(RocksKeyValueTest, UnsyncedBatchesSurviveTheProcess) {
  ASSERT_TRUE(Open().ok());
  for (int n = 1; n <= 20; ++n) ASSERT_TRUE(Write(n, Durability::kUnsynced).ok());
  // What the operating system holds at this moment is what a killed process leaves behind.
  const std::string copy = path_ + ".killed";
  std::filesystem::copy(path_, copy);
  const absl::StatusOr<std::unique_ptr<KeyValue>> killed = OpenRocksKeyValue({.path = copy});
  ASSERT_TRUE(killed.ok()) << killed.status();
  EXPECT_EQ(**(*killed)->Get(*(*killed)->OpenTable("left"), "n"), "20");
}

TEST_F(RocksKeyValueTest, APowerCutLeavesAPrefixWithEverySyncedBatch) {
  for (const Unsynced unsynced : {Unsynced::kLost, Unsynced::kTorn, Unsynced::kGarbled}) {
    for (std::uint64_t seed = 0; seed < 15; ++seed) {
      std::filesystem::remove_all(path_);
      ASSERT_TRUE(Open().ok());
      for (int n = 1; n <= 20; ++n) {
        ASSERT_TRUE(Write(n, n == 10 ? Durability::kSynced : Durability::kUnsynced).ok());
      }
      faults_.PowerOff();
      kv_.reset();
      faults_.PowerOn(unsynced, seed);
      const absl::Status opened = Open();
      ASSERT_TRUE(opened.ok()) << opened << " seed " << seed;
      EXPECT_GE(Last(), 10) << "seed " << seed;
      if (unsynced == Unsynced::kLost) {
        EXPECT_EQ(Last(), 10);
      }
    }
  }
}

TEST_F(RocksKeyValueTest, AnEmptySyncedBatchKeepsEveryBatchBeforeIt) {
  for (const Unsynced unsynced : {Unsynced::kLost, Unsynced::kTorn, Unsynced::kGarbled}) {
    std::filesystem::remove_all(path_);
    ASSERT_TRUE(Open().ok());
    for (int n = 1; n <= 10; ++n) ASSERT_TRUE(Write(n, Durability::kUnsynced).ok());
    ASSERT_TRUE(kv_->Write(WriteBatch(), Durability::kSynced).ok());
    ASSERT_TRUE(Write(11, Durability::kUnsynced).ok());
    faults_.PowerOff();
    kv_.reset();
    faults_.PowerOn(unsynced, 1);
    ASSERT_TRUE(Open().ok());
    EXPECT_GE(Last(), 10);
  }
}

TEST_F(RocksKeyValueTest, AFailedSyncPoisonsWritesAndReadsGoOn) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Write(1, Durability::kSynced).ok());
  faults_.FailSync(1);
  EXPECT_FALSE(Write(2, Durability::kSynced).ok());
  EXPECT_EQ(Write(3, Durability::kSynced).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Write(3, Durability::kUnsynced).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(kv_->OpenTable("new").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Last(), 1);
  ASSERT_TRUE(Open().ok());
  EXPECT_LE(Last(), 2);
  EXPECT_TRUE(Write(3, Durability::kSynced).ok());
}

TEST_F(RocksKeyValueTest, AnEventStoreIsNotAKeyValueStore) {
  ASSERT_TRUE(OpenRocksEventStore({.path = path_}).ok());
  EXPECT_EQ(Open().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RocksKeyValueTest, ADamagedFileIsDataLossNamingTheFile) {
  ASSERT_TRUE(Open().ok());
  for (int n = 1; n <= 50; ++n) ASSERT_TRUE(Write(n, Durability::kUnsynced).ok());
  ASSERT_TRUE(Open().ok());  // what was in the log goes to files
  kv_.reset();
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream bytes(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(5);
    bytes.write("damage", 6);
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  absl::Status status = Open();
  if (status.ok()) status = kv_->Get(left_, "n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_NE(std::string(status.message()).find(".sst"), std::string::npos) << status;
}

}  // namespace
}  // namespace daybook::store
