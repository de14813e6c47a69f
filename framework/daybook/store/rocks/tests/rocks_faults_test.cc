// The correctness traps of the store. Each is a check that gives "" where it holds and what is wrong where it does not,
// so that one test shows it holding and a sibling shows it going red with its bug put back.
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "daybook/store/rocks/internal/committed_mark.h"
#include "daybook/store/rocks/internal/format.h"
#include "daybook/store/rocks/internal/log_tail.h"
#include "daybook/store/rocks/internal/rocks_event_store_impl.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_file_system.h"
#include "daybook/testing/fault_file_system.h"
#include "daybook/testing/seeded_bug.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::store {
namespace {

using testing::FaultFileSystem;
using testing::SeededBug;
using testing::Unsynced;

StreamId StreamOf(std::uint64_t n) { return StreamId("payee", absl::StrCat(n % 3)); }
CommandId IdOf(std::uint64_t n) {
  std::array<std::uint8_t, Uuid::kSize> bytes = {};
  for (std::size_t i = 0; i < 8; ++i) bytes[15 - i] = static_cast<std::uint8_t>(n >> 8 * i);
  return CommandId(Uuid(bytes));
}

// Batch `n`: two events, an outcome, an input position, and a deadline; all of them say n.
Batch BatchOf(std::uint64_t n) {
  const std::string text = absl::StrCat(n);
  Batch batch;
  batch.appends.push_back({StreamOf(n), ExpectedRevision::Any(), {{"t.T", "", text}, {"t.T", "", text}}});
  batch.outcomes.push_back({IdOf(n), Timestamp::FromMillis(1), text});
  batch.inputs.push_back({"topic/0", text});
  batch.deadlines_set.push_back({Timestamp::FromMillis(static_cast<std::int64_t>(n)), "o", "k", text});
  return batch;
}

// How many whole batches a store holds, counted from the first; -1 and `wrong` set if it is not exactly a prefix.
int WholeBatches(EventStore& store, std::string& wrong) {
  std::uint64_t events = 0;
  const std::unique_ptr<EventCursor> log = store.ReadAll(Position(1));
  while (true) {
    const absl::StatusOr<bool> more = log->Next();
    if (!more.ok()) return wrong = more.status().ToString(), -1;
    if (!*more) break;
    const std::string expected = absl::StrCat(events / 2 + 1);
    if (log->event().data != expected) return wrong = absl::StrCat("event ", events, " is not of batch ", expected), -1;
    ++events;
  }
  if (events % 2 != 0) return wrong = "half a batch", -1;
  const std::uint64_t batches = events / 2;
  for (std::uint64_t n = 1; n <= batches + 1; ++n) {
    const absl::StatusOr<std::optional<OutcomeRow>> outcome = store.FindOutcome(IdOf(n), Timestamp());
    if (!outcome.ok()) return wrong = outcome.status().ToString(), -1;
    if (outcome->has_value() != (n <= batches))
      return wrong = absl::StrCat("outcome ", n, " and its events differ"), -1;
  }
  const std::string input = store.FindInputPosition("topic/0")->value_or("0");
  if (input != absl::StrCat(batches)) return wrong = absl::StrCat("input ", input, " with ", batches, " batches"), -1;
  const std::size_t deadlines = store.DueDeadlines(Timestamp::FromMillis(1'000'000), 1'000'000)->size();
  if (deadlines != batches) return wrong = absl::StrCat(deadlines, " deadlines with ", batches, " batches"), -1;
  return static_cast<int>(batches);
}

class Rig {
 public:
  absl::Status Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<EventStore>> store = OpenRocksEventStoreOn(faults_.file_system(), {.path = path_});
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }
  void CutPower(Unsynced unsynced, std::uint64_t seed = 0) {
    faults_.PowerOff();
    store_.reset();
    faults_.PowerOn(unsynced, seed);
  }
  // Appends batches `from` to `to`; the first error.
  absl::Status Append(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t n = from; n <= to; ++n) {
      const absl::Status status = store_->Append(BatchOf(n)).status();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  EventStore& store() { return *store_; }
  void Close() { store_.reset(); }
  FaultFileSystem& faults() { return faults_; }
  const std::string& path() const { return path_; }

 private:
  const testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/0";
  FaultFileSystem faults_;
  std::unique_ptr<EventStore> store_;
};

// --- Trap 2: gaps ----------------------------------------------------------------------------------------------------

// A tailing reader sees 1, 2, 3 … while every third batch is refused after some of it was staged.
std::string CheckTheLogIsDenseUnderReaders() {
  Rig rig;
  if (const absl::Status opened = rig.Open(); !opened.ok()) return opened.ToString();
  constexpr std::uint64_t kEvents = 400;
  std::string wrong;
  std::jthread reader([&] {
    const std::unique_ptr<Subscription> subscription = rig.store().Subscribe(Position());
    for (std::uint64_t seen = 0; seen < kEvents && wrong.empty();) {
      const auto events = subscription->NextBatch({}, absl::Seconds(20));
      if (!events.ok()) wrong = events.status().ToString();
      if (events.ok() && events->empty()) wrong = absl::StrCat("nothing after position ", seen);
      for (std::size_t i = 0; events.ok() && i < events->size() && wrong.empty(); ++i) {
        const std::uint64_t position = (*events)[i].position.value();
        if (position != ++seen) wrong = absl::StrCat("position ", position, " follows ", seen - 1);
      }
    }
  });
  for (std::uint64_t n = 1; n <= kEvents / 2; ++n) {
    Batch batch = BatchOf(n);
    if (n % 3 == 0) {
      Batch refused = batch;
      refused.appends.push_back({StreamOf(1), ExpectedRevision::NoStream(), {{"t.T", "", ""}}});
      if (rig.store().Append(refused).ok()) return "a conflicting batch went through";
    }
    if (const auto appended = rig.store().Append(batch); !appended.ok()) return appended.status().ToString();
  }
  reader.join();
  return wrong;
}

TEST(TrapTest, Trap2TheLogIsDenseUnderConcurrentReaders) { EXPECT_EQ(CheckTheLogIsDenseUnderReaders(), ""); }

TEST(TrapTest, Trap2GoesRedIfARefusedBatchKeepsItsPositions) {
  const SeededBug bug("position_kept_on_abort");
  EXPECT_NE(CheckTheLogIsDenseUnderReaders(), "");
}

// --- Trap 3: visible but not durable ---------------------------------------------------------------------------------

// Whatever was acknowledged, read or announced before the power went is there afterwards.
std::string CheckNothingVisibleVanishes(Unsynced unsynced, std::uint64_t seed) {
  Rig rig;
  if (const absl::Status opened = rig.Open(); !opened.ok()) return opened.ToString();
  const int batches = 1 + static_cast<int>(seed % 7);
  if (const absl::Status appended = rig.Append(1, batches); !appended.ok()) return appended.ToString();
  std::string wrong;
  const int seen = WholeBatches(rig.store(), wrong);
  if (seen != batches) return absl::StrCat("saw ", seen, " of ", batches, " batches: ", wrong);
  rig.CutPower(unsynced, seed);
  if (const absl::Status opened = rig.Open(); !opened.ok()) return opened.ToString();
  const int left = WholeBatches(rig.store(), wrong);
  return left == batches ? "" : absl::StrCat(left, " of ", batches, " batches are left: ", wrong);
}

TEST(TrapTest, Trap3NothingAcknowledgedOrReadVanishesWithThePower) {
  for (const Unsynced unsynced : {Unsynced::kLost, Unsynced::kTorn, Unsynced::kGarbled}) {
    for (std::uint64_t seed = 0; seed < 7; ++seed) EXPECT_EQ(CheckNothingVisibleVanishes(unsynced, seed), "") << seed;
  }
}

TEST(TrapTest, Trap3GoesRedIfTheStoreSkipsTheSync) {
  const SeededBug bug("sync_skipped");
  EXPECT_NE(CheckNothingVisibleVanishes(Unsynced::kLost, 6), "");
}

TEST(TrapTest, Trap3NoReadShowsABatchBeforeItsSyncHasReturned) {
  Rig rig;
  ASSERT_TRUE(rig.Open().ok());
  ASSERT_TRUE(rig.Append(1, 3).ok());
  const std::unique_ptr<Subscription> subscription = rig.store().Subscribe(Position(7));
  std::atomic<int> syncs{0};
  rig.faults().ObserveSyncs([&] {
    ++syncs;
    EXPECT_EQ(rig.store().DurableWatermark(), Position(6));
    EXPECT_EQ(rig.store().Head(StreamOf(4))->revision, Revision(2));
    EXPECT_FALSE(rig.store().FindOutcome(IdOf(4), Timestamp())->has_value());
    EXPECT_EQ(rig.store().FindInputPosition("topic/0")->value(), "3");
    EXPECT_EQ(rig.store().DueDeadlines(Timestamp::FromMillis(100), 100)->size(), 3u);
    EXPECT_TRUE(subscription->NextBatch({}, absl::ZeroDuration())->empty());
    EXPECT_FALSE(*rig.store().ReadAll(Position(7))->Next());
    EXPECT_FALSE(*rig.store().ReadStream(StreamOf(4), Revision(3), Direction::kForwards)->Next());
  });
  ASSERT_TRUE(rig.Append(4, 4).ok());
  rig.faults().ObserveSyncs(nullptr);
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(rig.store().DurableWatermark(), Position(8));
}

// --- Trap 4: a failed sync -------------------------------------------------------------------------------------------

// The `nth` append's sync fails: that append and all later writes are errors, reads go on, and a reopen gives what was
// acknowledged, with or without the one whose fate was unknown, and keeps that.
std::string CheckAFailedSyncIsHeard(int nth, bool power_goes_too) {
  Rig rig;
  if (const absl::Status opened = rig.Open(); !opened.ok()) return opened.ToString();
  rig.faults().FailSync(nth);
  if (const absl::Status early = rig.Append(1, nth - 1); !early.ok()) return early.ToString();
  const absl::Status failed = rig.Append(nth, nth);
  if (failed.ok()) return "the append whose sync failed was acknowledged";
  if (!absl::IsUnavailable(rig.Append(nth, nth)) || !absl::IsUnavailable(rig.store().ClaimEpoch().status()) ||
      !absl::IsUnavailable(rig.store().WriteSnapshots({}))) {
    return "a write after the failed sync was not refused";
  }
  if (rig.store().health().ok()) return "the store calls itself healthy";
  std::string wrong;
  if (WholeBatches(rig.store(), wrong) != nth - 1) return absl::StrCat("reads do not go on: ", wrong);
  if (power_goes_too) rig.CutPower(Unsynced::kTorn, nth);
  if (const absl::Status opened = rig.Open(); !opened.ok()) return opened.ToString();
  const int first = WholeBatches(rig.store(), wrong);
  if (first != nth - 1 && first != nth) return absl::StrCat("reopened with ", first, " batches: ", wrong);
  // What the reopened store shows is durable, although its bytes may have come from the page cache only.
  rig.CutPower(Unsynced::kLost);
  if (const absl::Status opened = rig.Open(); !opened.ok()) return opened.ToString();
  const int second = WholeBatches(rig.store(), wrong);
  if (second != first) return absl::StrCat(first, " batches became ", second, ": ", wrong);
  return rig.Append(first + 1, first + 3).ok() ? "" : "the reopened store does not write";
}

TEST(TrapTest, Trap4AFailedSyncIsHeardByTheAppendAndEveryLaterOne) {
  for (int nth = 1; nth <= 5; ++nth) {
    EXPECT_EQ(CheckAFailedSyncIsHeard(nth, false), "") << nth;
    EXPECT_EQ(CheckAFailedSyncIsHeard(nth, true), "") << nth;
  }
}

TEST(TrapTest, Trap4GoesRedIfAFailedSyncIsSwallowed) {
  const SeededBug bug("store_sync_failure_swallowed");
  EXPECT_NE(CheckAFailedSyncIsHeard(3, false), "");
}

// --- Trap 6: a damaged snapshot --------------------------------------------------------------------------------------

// A flipped bit of a snapshot: there is none then, or the right one, and a replay is always right.
std::string CheckADamagedSnapshotIsNotServed() {
  const testing::TemporaryDirectory directory;
  auto opened = internal::RocksEventStore::Open({.path = directory.path() + "/0"}, rocksdb::FileSystem::Default());
  if (!opened.ok()) return opened.status().ToString();
  internal::RocksEventStore& store = **opened;
  if (const auto appended = store.Append(BatchOf(1)); !appended.ok()) return appended.status().ToString();
  const SnapshotRow row = {StreamOf(1), Revision(2), Position(2), 7, "state"};
  if (const absl::Status written = store.WriteSnapshots({row}); !written.ok()) return written.ToString();
  std::string value;
  internal::SetSnapshotValue(row, value);
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    const rocksdb::Status put = store.database().Put(
        rocksdb::WriteOptions(), store.family(internal::Family::kSnapshots), StreamOf(1).text(), damaged);
    if (!put.ok()) return put.ToString();
    const absl::StatusOr<std::optional<SnapshotRow>> found = store.FindSnapshot(StreamOf(1));
    if (!found.ok()) return found.status().ToString();
    if (found->has_value()) return absl::StrCat("bit ", bit, " is wrong and the snapshot was served");
  }
  return "";
}

TEST(TrapTest, Trap6ADamagedSnapshotIsNotServed) { EXPECT_EQ(CheckADamagedSnapshotIsNotServed(), ""); }

TEST(TrapTest, Trap6GoesRedIfTheSealIsNotChecked) {
  const SeededBug bug("snapshot_seal_unchecked");
  EXPECT_NE(CheckADamagedSnapshotIsNotServed(), "");
}

// --- Trap 10: torn tail, damage, disk full ---------------------------------------------------------------------------

TEST(TrapTest, Trap10AFullDiskAtAnyWriteLosesNothing) {
  for (std::uint64_t space = 0; space < 6000; space += 211) {
    Rig rig;
    ASSERT_TRUE(rig.Open().ok());
    rig.faults().SetSpaceLeft(space);
    int acked = 0;
    absl::Status failed;
    while ((failed = rig.Append(acked + 1, acked + 1)).ok()) ++acked;
    EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted) << failed;
    rig.faults().SetSpaceLeft(std::nullopt);
    EXPECT_EQ(rig.Append(acked + 1, acked + 1).code(), absl::StatusCode::kUnavailable) << "poisoned until reopened";
    if (space % 2 == 0) rig.CutPower(Unsynced::kTorn, space);
    const absl::Status opened = rig.Open();
    ASSERT_TRUE(opened.ok()) << opened << " with space " << space;
    std::string wrong;
    const int left = WholeBatches(rig.store(), wrong);
    EXPECT_TRUE(left == acked || left == acked + 1) << left << " of " << acked << ": " << wrong;
  }
}

std::string Content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// A closed store of a few batches whose events are in the write-ahead log only, and where each batch ends in it.
class LogRig {
 public:
  static constexpr int kBatches = 3;

  // `mark`: whether the mark of what was acknowledged has reached the disk, too.
  enum class Mark { kLost, kKept };

  LogRig() {
    EXPECT_TRUE(rig_.Open().ok());
    for (const auto& entry : std::filesystem::directory_iterator(rig_.path())) {
      if (entry.path().extension() == ".log") log_ = entry.path().filename().string();
    }
    ends_.push_back(std::filesystem::file_size(rig_.path() + "/" + log_));
    for (int n = 1; n <= kBatches; ++n) {
      EXPECT_TRUE(rig_.Append(n, n).ok());
      ends_.push_back(std::filesystem::file_size(rig_.path() + "/" + log_));
    }
    rig_.Close();
    bytes_ = Content(rig_.path() + "/" + log_);
    EXPECT_EQ(bytes_.size(), ends_.back());
  }

  const std::string& bytes() const { return bytes_; }
  const std::vector<std::uint64_t>& ends() const { return ends_; }

  // How many batches a store with `log` as its write-ahead log holds, or what keeps it from opening.
  absl::StatusOr<int> Recover(const std::string& log, Mark mark) {
    const std::string copy = rig_.path() + ".copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(rig_.path(), copy);
    std::ofstream(copy + "/" + log_, std::ios::binary | std::ios::trunc) << log;
    if (mark == Mark::kLost) std::filesystem::remove(copy + "/" + internal::CommittedMark::kFileName);
    FaultFileSystem quick;  // syncs cost nothing
    absl::StatusOr<std::unique_ptr<EventStore>> store = OpenRocksEventStoreOn(quick.file_system(), {.path = copy});
    if (!store.ok()) return store.status();
    std::string wrong;
    const int batches = WholeBatches(**store, wrong);
    if (batches < 0) return absl::InternalError(absl::StrCat("not a prefix: ", wrong));
    return batches;
  }

 private:
  Rig rig_;
  std::string log_;
  std::vector<std::uint64_t> ends_;  // of the first rows, and then of each batch
  std::string bytes_;
};

TEST(TrapTest, Trap10ALogCutAnywhereGivesTheBatchesBeforeTheCut) {
  LogRig rig;
  // At every byte of the last two batches, and here and there before them.
  for (std::uint64_t cut = 0; cut <= rig.bytes().size(); cut += cut < rig.ends()[1] ? 7 : 1) {
    const absl::StatusOr<int> batches = rig.Recover(rig.bytes().substr(0, cut), LogRig::Mark::kLost);
    ASSERT_TRUE(batches.ok()) << batches.status() << " cut at " << cut;
    int whole = 0;
    while (whole < LogRig::kBatches && rig.ends()[whole + 1] <= cut) ++whole;
    ASSERT_EQ(*batches, whole) << "cut at " << cut;
  }
}

TEST(TrapTest, Trap10ALogWithoutAnAcknowledgedBatchIsDataLoss) {
  LogRig rig;
  for (std::uint64_t cut = 0; cut < rig.bytes().size(); cut += 23) {
    const absl::StatusOr<int> batches = rig.Recover(rig.bytes().substr(0, cut), LogRig::Mark::kKept);
    ASSERT_EQ(batches.status().code(), absl::StatusCode::kDataLoss) << batches.status() << " cut at " << cut;
  }
  EXPECT_EQ(*rig.Recover(rig.bytes(), LogRig::Mark::kKept), LogRig::kBatches);
}

// One bit of every byte: everything is there, or it is kDataLoss. Without the mark, as after a power cut, the last
// batch may pass for a torn write; never another one.
std::string CheckEveryFlippedBitIsFound(std::uint64_t step) {
  LogRig rig;
  for (std::uint64_t at = 0; at < rig.bytes().size(); at += step) {
    for (const LogRig::Mark mark : {LogRig::Mark::kKept, LogRig::Mark::kLost}) {
      std::string flipped = rig.bytes();
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
      const absl::StatusOr<int> batches = rig.Recover(flipped, mark);
      if (absl::IsDataLoss(batches.status())) continue;
      if (!batches.ok()) return absl::StrCat("byte ", at, ": ", batches.status().ToString());
      const bool torn = mark == LogRig::Mark::kLost && at >= rig.ends()[LogRig::kBatches - 1];
      if (*batches != LogRig::kBatches - (torn ? 1 : 0)) {
        return absl::StrCat("byte ", at, ": ", *batches, " batches are left without a word");
      }
    }
  }
  return "";
}

TEST(TrapTest, Trap10EveryFlippedBitOfTheLogIsFound) { EXPECT_EQ(CheckEveryFlippedBitIsFound(5), ""); }

TEST(TrapTest, Trap10GoesRedIfRecoverySkipsWhatItCannotRead) {
  const SeededBug bug("log_damage_skipped");
  EXPECT_NE(CheckEveryFlippedBitIsFound(5), "");
}

TEST(TrapTest, Trap10DamageNamesTheFileAndTheByte) {
  LogRig rig;
  std::string flipped = rig.bytes();
  flipped[rig.ends()[1] + 30] ^= 1;
  const absl::Status status = rig.Recover(flipped, LogRig::Mark::kLost).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(".log: damaged at byte " + std::to_string(rig.ends()[1])), std::string::npos)
      << status;
}

// The other side of it: a write that was never acknowledged does not keep a store from opening, whatever is left of it.
TEST(TrapTest, Trap10ATornWriteIsDroppedWhateverItsBytesAre) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rig rig;
    ASSERT_TRUE(rig.Open().ok());
    ASSERT_TRUE(rig.Append(1, 3).ok());
    Batch big = BatchOf(4);
    big.appends[0].events[0].data = std::string(seed * 5000, 'x');
    rig.faults().FailSync(1);
    ASSERT_FALSE(rig.store().Append(big).ok());
    rig.CutPower(Unsynced::kGarbled, seed);
    const absl::Status opened = rig.Open();
    ASSERT_TRUE(opened.ok()) << opened << " seed " << seed;
    std::string wrong;
    EXPECT_EQ(WholeBatches(rig.store(), wrong), 3) << wrong;
  }
}

TEST(LogTailTest, FindsASyncedBatchBehindDamageAcrossBlocks) {
  LogRig rig;
  EXPECT_EQ(internal::EndOfWholeRecords(rig.bytes()), rig.bytes().size());
  EXPECT_TRUE(internal::HasSyncedBatchFrom(rig.bytes(), 0));
  EXPECT_TRUE(internal::HasSyncedBatchFrom(rig.bytes(), rig.ends()[LogRig::kBatches - 1]));
  EXPECT_FALSE(internal::HasSyncedBatchFrom(rig.bytes(), rig.ends()[LogRig::kBatches - 1] + 1));
}

}  // namespace
}  // namespace daybook::store
