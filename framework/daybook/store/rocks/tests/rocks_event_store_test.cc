#include "daybook/store/rocks/rocks_event_store.h"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "daybook/store/rocks/internal/format.h"
#include "daybook/store/rocks/internal/rocks_event_store_impl.h"
#include "daybook/testing/fake_clock.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::store {
namespace {

using internal::Family;
using internal::RocksEventStore;

const StreamId kA("payee", "a");

class RocksEventStoreTest : public ::testing::Test {
 protected:
  RocksEventStoreTest() : clock_(Timestamp::FromMillis(1'000'000'000)) {
    options_.path = directory_.path() + "/0";
    options_.clock = &clock_;
    options_.outcome_retention = absl::Hours(1);
  }

  absl::Status Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<RocksEventStore>> store =
        RocksEventStore::Open(options_, rocksdb::FileSystem::Default());
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }

  void Append(const StreamId& stream, int events) {
    Batch batch;
    batch.appends.push_back({stream, ExpectedRevision::Any(), {}});
    for (int i = 0; i < events; ++i) batch.appends[0].events.push_back({"t.T", "envelope", std::string(50, 'x')});
    const absl::StatusOr<Appended> appended = store_->Append(batch);
    ASSERT_TRUE(appended.ok()) << appended.status();
  }

  // Reads to the end; the number of events, and how it ended.
  static std::pair<int, absl::Status> Count(EventCursor& cursor) {
    for (int events = 0;; ++events) {
      const absl::StatusOr<bool> more = cursor.Next();
      if (!more.ok() || !*more) return {events, more.status()};
    }
  }

  void Overwrite(Family family, std::string_view key, std::string_view value) {
    ASSERT_TRUE(
        store_->database()
            .Put(rocksdb::WriteOptions(), store_->family(family), internal::ToSlice(key), internal::ToSlice(value))
            .ok());
  }

  std::vector<std::string> Files(std::string_view suffix) const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(options_.path)) {
      if (entry.path().string().ends_with(suffix)) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  const testing::TemporaryDirectory directory_;
  testing::FakeClock clock_;
  RocksEventStoreOptions options_;
  std::unique_ptr<RocksEventStore> store_;
};

bool Says(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

// The index lies in a hash table while it is in memory; SeekForPrev finds nothing there, and says OK.
TEST_F(RocksEventStoreTest, BackwardsReadsWorkWhereSeekForPrevFindsNothing) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 100);
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  const std::unique_ptr<rocksdb::Iterator> index(
      store_->database().NewIterator(options, store_->family(Family::kIndex)));
  std::string key;
  internal::SetIndexKey(kA.text(), Revision(100), key);
  index->SeekForPrev(internal::ToSlice(key));
  EXPECT_FALSE(index->Valid()) << "SeekForPrev works here now: the reason for reading in chunks is gone";
  const auto [events, status] = Count(*store_->ReadStream(kA, Revision(), Direction::kBackwards));
  EXPECT_EQ(events, 100) << status;
  ASSERT_TRUE(store_->FlushAll().ok());
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(), Direction::kBackwards)).first, 100);
}

TEST_F(RocksEventStoreTest, ReadsSpanMemoryAndFiles) {
  ASSERT_TRUE(Open().ok());
  for (int round = 0; round < 5; ++round) {
    Append(kA, 70);
    Append(StreamId("payee", "b"), 3);
    if (round % 2 == 0) {
      ASSERT_TRUE(store_->FlushAll().ok());
    }
    if (round == 3) {
      ASSERT_TRUE(store_->CompactAll().ok());
    }
  }
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(1), Direction::kForwards)).first, 350);
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(), Direction::kBackwards)).first, 350);
  EXPECT_EQ(Count(*store_->ReadAll(Position(1))).first, 365);
  EXPECT_EQ(Count(*store_->ReadAll(Position(200))).first, 166);
}

TEST_F(RocksEventStoreTest, AnotherFormatVersionIsRefused) {
  ASSERT_TRUE(Open().ok());
  Overwrite(Family::kMeta, internal::kMetaFormat, internal::NumberValue(internal::kMetaFormat, 99));
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(status, "format version 99") && Says(status, options_.path)) << status;
}

TEST_F(RocksEventStoreTest, ATableOfANewerVersionIsRefused) {
  ASSERT_TRUE(Open().ok());
  rocksdb::ColumnFamilyHandle* family = nullptr;
  ASSERT_TRUE(store_->database().CreateColumnFamily({}, "tags", &family).ok());
  ASSERT_TRUE(store_->database().DestroyColumnFamilyHandle(family).ok());
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(status, "\"tags\"")) << status;
}

TEST_F(RocksEventStoreTest, AnotherPartitionIsRefused) {
  ASSERT_TRUE(Open().ok());
  options_.partition = PartitionId(3);
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(status, "partition 0") && Says(status, "3")) << status;
}

TEST_F(RocksEventStoreTest, OpenedTwiceSaysWhatToDo) {
  ASSERT_TRUE(Open().ok());
  const absl::Status status = OpenRocksEventStore(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(status, "has the store open") && Says(status, options_.path)) << status;
}

TEST_F(RocksEventStoreTest, APathThatCannotBeMadeIsUnavailable) {
  std::ofstream(directory_.path() + "/file") << "x";
  options_.path = directory_.path() + "/file/0";
  EXPECT_EQ(Open().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RocksEventStoreTest, ADamagedPageIsDataLossNamingThePosition) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 1);
  Append(kA, 1);
  internal::PageBuilder page;
  page.Add(kA, Revision(1), 0, 1, {"t.T", "envelope", "forged"}, Position(1));
  std::string bytes(page.Finish());
  bytes.back() ^= 1;
  Overwrite(Family::kEvents, internal::PositionKey(Position(1)), bytes);
  std::vector<std::unique_ptr<EventCursor>> cursors;
  cursors.push_back(store_->ReadAll(Position(1)));
  cursors.push_back(store_->ReadStream(kA, Revision(1), Direction::kForwards));
  for (const std::unique_ptr<EventCursor>& cursor : cursors) {
    const auto [events, status] = Count(*cursor);
    EXPECT_EQ(events, 0);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(Says(status, "position 1") && Says(status, options_.path)) << status;
    EXPECT_EQ(cursor->Next().status().code(), absl::StatusCode::kDataLoss) << "the cursor stays at the damage";
  }
  EXPECT_EQ(store_->Subscribe(Position(1))->NextBatch({}, absl::ZeroDuration()).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(Count(*store_->ReadAll(Position(2))).first, 1);
}

TEST_F(RocksEventStoreTest, AMissingPageIsDataLossAndNotAGap) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 3; ++i) Append(kA, 2);
  ASSERT_TRUE(store_->database()
                  .Delete(rocksdb::WriteOptions(), store_->family(Family::kEvents),
                          internal::ToSlice(internal::PositionKey(Position(4))))
                  .ok());
  const auto [events, status] = Count(*store_->ReadAll(Position(1)));
  EXPECT_EQ(events, 2);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Says(status, "position 3")) << status;
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(4), Direction::kForwards)).second.code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(RocksEventStoreTest, AMisdirectedIndexIsDataLoss) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 1);
  Append(StreamId("payee", "b"), 1);
  std::string key;
  internal::SetIndexKey(kA.text(), Revision(1), key);
  Overwrite(Family::kIndex, key, internal::PositionKey(Position(2)));
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(1), Direction::kForwards)).second.code(),
            absl::StatusCode::kDataLoss);
  Overwrite(Family::kIndex, key, internal::PositionKey(Position(77)));
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(), Direction::kBackwards)).second.code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(RocksEventStoreTest, ADamagedRowIsDataLossAndADamagedSnapshotIsNone) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 1);
  Batch batch;
  batch.outcomes = {{CommandId(), clock_.Now(), "outcome"}};
  batch.inputs = {{"topic/0", "1"}};
  batch.deadlines_set = {{clock_.Now(), "owner", "key", "payload"}};
  batch.snapshots = {{kA, Revision(1), Position(1), 1, "state"}};
  ASSERT_TRUE(store_->Append(batch).ok());
  const std::string bad(40, 'x');
  std::string head;
  internal::SetIndexKey(kA.text(), Revision(), head);
  Overwrite(Family::kIndex, head, bad);
  Overwrite(Family::kOutcomes, CommandId().uuid().raw(), bad);
  Overwrite(Family::kMeta, "input/topic/0", bad);
  Overwrite(Family::kDeadlines, internal::DeadlineKey(batch.deadlines_set[0]), bad);
  Overwrite(Family::kSnapshots, kA.text(), bad);
  EXPECT_EQ(store_->Head(kA).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_->FindOutcome(CommandId(), Timestamp()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_->FindInputPosition("topic/0").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_->DueDeadlines(clock_.Now(), 9).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(store_->FindSnapshot(kA).ok());
  EXPECT_FALSE(store_->FindSnapshot(kA)->has_value());
  // A newer snapshot takes the damaged one's place.
  ASSERT_TRUE(store_->WriteSnapshots({{kA, Revision(1), Position(1), 1, "again"}}).ok());
  EXPECT_EQ((*store_->FindSnapshot(kA))->state, "again");
}

// Invariant 5 on the bytes of the file: RocksDB's block checksums find it.
TEST_F(RocksEventStoreTest, ADamagedFileIsDataLossNamingTheFile) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 20; ++i) Append(kA, 10);
  ASSERT_TRUE(store_->CompactAll().ok());
  store_.reset();
  for (const std::string& file : Files(".sst")) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(20);
    bytes.write("damage", 6);
  }
  const absl::Status opened = Open();
  absl::Status status = opened;
  if (opened.ok()) status = Count(*store_->ReadAll(Position(1))).second;
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_TRUE(Says(status, ".sst")) << status;
}

TEST_F(RocksEventStoreTest, AMissingFileIsDataLoss) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 10);
  ASSERT_TRUE(store_->FlushAll().ok());
  store_.reset();
  for (const std::string& file : Files(".sst")) std::filesystem::remove(file);
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST_F(RocksEventStoreTest, AMissingLogIsDataLoss) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 10);
  store_.reset();
  for (const std::string& file : Files(".log")) std::filesystem::remove(file);
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST_F(RocksEventStoreTest, AMissingCurrentFileIsDataLossAndNotANewStore) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 10);
  store_.reset();
  std::filesystem::remove(options_.path + "/CURRENT");
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_TRUE(Says(status, "CURRENT")) << status;
}

TEST_F(RocksEventStoreTest, ExpiredOutcomesAreRemovedByTheInjectedClock) {
  ASSERT_TRUE(Open().ok());
  const Timestamp old = clock_.Now();
  clock_.Advance(absl::Minutes(50));
  const auto id = [](std::uint8_t n) { return CommandId(Uuid({n})); };
  Batch batch;
  batch.outcomes = {{id(1), old, "old"}, {id(2), clock_.Now(), "new"}};
  ASSERT_TRUE(store_->Append(batch).ok());
  ASSERT_TRUE(store_->CompactAll().ok());
  EXPECT_TRUE(store_->FindOutcome(id(1), Timestamp())->has_value());
  clock_.Advance(absl::Minutes(11));
  EXPECT_TRUE(store_->FindOutcome(id(1), Timestamp())->has_value()) << "only a compaction removes it";
  ASSERT_TRUE(store_->CompactAll().ok());
  EXPECT_FALSE(store_->FindOutcome(id(1), Timestamp())->has_value());
  EXPECT_TRUE(store_->FindOutcome(id(2), Timestamp())->has_value());
}

TEST_F(RocksEventStoreTest, SnapshotsMayBeWrittenFromAnotherThreadWhileItAppends) {
  ASSERT_TRUE(Open().ok());
  Append(kA, 1);
  std::jthread snapshots([&] {
    for (int i = 0; i < 200; ++i) {
      const absl::StatusOr<StreamHead> head = store_->Head(kA);
      ASSERT_TRUE(head.ok());
      ASSERT_TRUE(store_->WriteSnapshots({{kA, head->revision, head->position, 1, "state"}}).ok());
    }
  });
  for (int i = 0; i < 100; ++i) Append(kA, 1);
  snapshots.join();
  EXPECT_TRUE(store_->FindSnapshot(kA)->has_value());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Count(*store_->ReadStream(kA, Revision(1), Direction::kForwards)).first, 101);
}

// A scan skips what it knows to be cleared; it must not skip what was set meanwhile.
TEST_F(RocksEventStoreTest, NoDeadlineIsLostWhileItIsLookedFor) {
  ASSERT_TRUE(Open().ok());
  const Timestamp far = Timestamp::FromMillis(1'000'000);
  std::jthread scanner([&](std::stop_token stop) {
    while (!stop.stop_requested()) ASSERT_TRUE(store_->DueDeadlines(far, 1).ok());
  });
  for (std::int64_t n = 500; n > 0; --n) {  // each before all that were there
    Batch batch;
    batch.deadlines_set = {{Timestamp::FromMillis(n), "o", "k", ""}};
    ASSERT_TRUE(store_->Append(batch).ok());
    const auto due = store_->DueDeadlines(far, 1);
    ASSERT_TRUE(due.ok() && due->size() == 1);
    ASSERT_EQ(due->at(0).due, Timestamp::FromMillis(n));
    Batch clear;
    clear.deadlines_cleared = batch.deadlines_set;
    ASSERT_TRUE(store_->Append(clear).ok());
  }
}

// A bounded cache of heads must not change what a writer is told.
TEST_F(RocksEventStoreTest, ExpectedRevisionsHoldForMoreStreamsThanTheCacheKnows) {
  ASSERT_TRUE(Open().ok());
  const auto append = [&](int first, Revision expected) {
    Batch batch;
    for (int i = first; i < first + 10'000; ++i) {
      batch.appends.push_back(
          {StreamId("payee", std::to_string(i)), ExpectedRevision::Exactly(expected), {{"t.T", "", ""}}});
    }
    return store_->Append(batch).status();
  };
  for (int first = 0; first < 150'000; first += 10'000) ASSERT_EQ(append(first, Revision(0)), absl::OkStatus());
  EXPECT_EQ(append(0, Revision(0)).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(append(0, Revision(1)), absl::OkStatus());
  EXPECT_EQ(append(140'000, Revision(1)), absl::OkStatus());
}

}  // namespace
}  // namespace daybook::store
