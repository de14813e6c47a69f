// Trap 6, a stale or wrong snapshot: whatever is wrong with one, the state equals the full fold.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/runtime/internal/load_state.h"
#include "daybook/runtime/tests/harness.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::runtime {
namespace {

using internal::TypedOps;

// A store that hands out snapshots as `tamper` makes them; everything else is the real one's.
class TamperingStore final : public store::EventStore {
 public:
  using Tamper = std::function<void(std::optional<store::SnapshotRow>&)>;

  explicit TamperingStore(store::EventStore& real) : real_(real) {}
  void Set(Tamper tamper) { tamper_ = std::move(tamper); }

  absl::StatusOr<std::optional<store::SnapshotRow>> FindSnapshot(const StreamId& stream) override {
    absl::StatusOr<std::optional<store::SnapshotRow>> row = real_.FindSnapshot(stream);
    if (row.ok() && tamper_) tamper_(*row);
    return row;
  }
  absl::StatusOr<store::Appended> Append(const store::Batch& batch) override { return real_.Append(batch); }
  absl::Status WriteSnapshots(const std::vector<store::SnapshotRow>& rows) override {
    return real_.WriteSnapshots(rows);
  }
  absl::StatusOr<WriterEpoch> ClaimEpoch() override { return real_.ClaimEpoch(); }
  std::unique_ptr<store::EventCursor> ReadStream(const StreamId& stream, Revision from,
                                                 store::Direction direction) override {
    return real_.ReadStream(stream, from, direction);
  }
  std::unique_ptr<store::EventCursor> ReadAll(Position from) override { return real_.ReadAll(from); }
  std::unique_ptr<store::Subscription> Subscribe(Position from) override { return real_.Subscribe(from); }
  absl::StatusOr<store::StreamHead> Head(const StreamId& stream) override { return real_.Head(stream); }
  absl::StatusOr<std::optional<store::OutcomeRow>> FindOutcome(CommandId id, Timestamp not_before) override {
    return real_.FindOutcome(id, not_before);
  }
  absl::StatusOr<std::vector<store::DeadlineRow>> DueDeadlines(Timestamp until, std::size_t limit) override {
    return real_.DueDeadlines(until, limit);
  }
  absl::StatusOr<std::optional<std::string>> FindInputPosition(std::string_view source) override {
    return real_.FindInputPosition(source);
  }
  Position DurableWatermark() const override { return real_.DurableWatermark(); }
  absl::Status health() const override { return real_.health(); }

 private:
  store::EventStore& real_;
  Tamper tamper_;
};

// The same aggregate whose fold has changed since.
struct RefoldedAccount : Account {
  static constexpr int kFoldVersion = 2;
};

class Trap06WrongSnapshot : public RuntimeTest {
 protected:
  static constexpr int kEvents = 40;

  void SetUp() override {
    Reopen(Options(), {.snapshots = SnapshotPolicy::EveryEvents(10).NotMoreOftenThan(absl::ZeroDuration())});
    ASSERT_TRUE(Do("1", Open()).ok());
    ASSERT_TRUE(Do("2", Open()).ok());
    for (int i = 1; i < kEvents; ++i) {
      ASSERT_TRUE(Do("1", Deposit(i, absl::StrCat("note ", i))).ok());
      ASSERT_TRUE(Do("2", Deposit(1)).ok());
    }
    partition_->Stop(absl::InfiniteDuration());
    const auto row = store_->FindSnapshot(kStream);
    ASSERT_TRUE(row.ok() && row->has_value()) << "no snapshot was taken";
    good_ = **row;
  }

  internal::LoadedState LoadFrom(store::EventStore& store, const internal::AggregateOps& ops) {
    auto loaded = internal::LoadState(store, ops, kStream);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *std::move(loaded) : internal::LoadedState{ops.NewState()};
  }

  // "" if the state loaded past the tampered snapshot is the full fold's.
  std::string Differences(const TamperingStore::Tamper& tamper) {
    TamperingStore none(*store_);
    none.Set([](auto& row) { row.reset(); });
    const internal::LoadedState truth = LoadFrom(none, ops_);
    TamperingStore tampering(*store_);
    tampering.Set(tamper);
    const internal::LoadedState loaded = LoadFrom(tampering, ops_);
    used_ = loaded.snapshot_revision;
    ignored_ = loaded.snapshots_ignored;
    if (loaded.revision != truth.revision) return absl::StrCat("revision ", loaded.revision.value());
    if (loaded.position != truth.position) return absl::StrCat("position ", loaded.position.value());
    return ops_.SerializeState(*loaded.state) == ops_.SerializeState(*truth.state) ? "" : "another state";
  }
  std::string DifferencesFrom(const store::SnapshotRow& row) {
    return Differences([&](auto& found) { found = row; });
  }

  const StreamId kStream{"account", "1"};
  const TypedOps<Account> ops_{SnapshotPolicy::Never(), {}};
  store::SnapshotRow good_;
  Revision used_;
  std::uint64_t ignored_ = 0;
};

TEST_F(Trap06WrongSnapshot, AGoodOneIsUsed) {
  EXPECT_EQ(Differences([](auto&) {}), "");
  EXPECT_EQ(used_, Revision(40));
  EXPECT_EQ(ignored_, 0u);
}

TEST_F(Trap06WrongSnapshot, AFlippedFingerprintIsIgnored) {
  for (int bit = 0; bit < 64; ++bit) {
    store::SnapshotRow row = good_;
    row.fingerprint ^= std::uint64_t{1} << bit;
    EXPECT_EQ(DifferencesFrom(row), "");
    EXPECT_EQ(ignored_, 1u);
  }
}

TEST_F(Trap06WrongSnapshot, AnyCorruptedByteIsIgnored) {
  for (std::size_t i = 0; i < good_.state.size(); ++i) {
    store::SnapshotRow row = good_;
    row.state[i] = static_cast<char>(row.state[i] ^ 0x10);
    EXPECT_EQ(DifferencesFrom(row), "") << "byte " << i;
    EXPECT_EQ(ignored_, 1u);
  }
}

TEST_F(Trap06WrongSnapshot, ACutOneIsIgnored) {
  for (std::size_t size = 0; size < good_.state.size(); ++size) {
    store::SnapshotRow row = good_;
    row.state.resize(size);
    EXPECT_EQ(DifferencesFrom(row), "") << size << " bytes";
    EXPECT_EQ(ignored_, 1u);
  }
}

// Even with a checksum that fits: the log decides.
TEST_F(Trap06WrongSnapshot, AFutureRevisionIsIgnored) {
  const internal::LoadedState state = LoadFrom(*store_, ops_);
  for (const std::uint64_t revision : {41, 42, 1000}) {
    const store::SnapshotRow row =
        internal::MakeSnapshot(ops_, kStream, Revision(revision), state.position, *state.state);
    EXPECT_EQ(DifferencesFrom(row), "") << revision;
    EXPECT_EQ(ignored_, 1u);
  }
}

TEST_F(Trap06WrongSnapshot, OneThatIsNotWhereTheLogHasItsEventIsIgnored) {
  const internal::LoadedState state = LoadFrom(*store_, ops_);
  // Both streams were written in turn: revision r of this one lies at position 1 or 2r - 1.
  const auto place_of = [](std::uint64_t revision) { return revision == 1 ? 1 : 2 * revision - 1; };
  ASSERT_EQ(state.position, Position(place_of(40)));
  for (std::uint64_t revision = 0; revision <= 40; ++revision) {
    for (const std::uint64_t position : {0, 1, 2, 7, 39, 40, 41, 78, 79, 80, 500}) {
      if (revision != 0 && position == place_of(revision)) continue;
      const store::SnapshotRow row =
          internal::MakeSnapshot(ops_, kStream, Revision(revision), Position(position), *ops_.NewState());
      EXPECT_EQ(DifferencesFrom(row), "") << revision << " at " << position;
      EXPECT_EQ(ignored_, 1u) << revision << " at " << position;
    }
  }
}

TEST_F(Trap06WrongSnapshot, AnotherStreamsIsIgnored) {
  const auto other = store_->FindSnapshot(StreamId("account", "2"));
  ASSERT_TRUE(other.ok() && other->has_value());
  EXPECT_EQ(DifferencesFrom(**other), "");
  EXPECT_EQ(ignored_, 1u);
  store::SnapshotRow renamed = **other;
  renamed.stream = kStream;
  EXPECT_EQ(DifferencesFrom(renamed), "");
  EXPECT_EQ(ignored_, 1u);
}

TEST_F(Trap06WrongSnapshot, AChangedFoldIgnoresTheOldOnes) {
  const TypedOps<RefoldedAccount> refolded(SnapshotPolicy::Never(), {});
  EXPECT_NE(refolded.state_fingerprint(), ops_.state_fingerprint());
  const internal::LoadedState loaded = LoadFrom(*store_, refolded);
  EXPECT_EQ(loaded.snapshot_revision, Revision());
  EXPECT_EQ(loaded.snapshots_ignored, 1u);
  EXPECT_EQ(loaded.revision, Revision(40));
}

TEST_F(Trap06WrongSnapshot, GoesRedWhenSnapshotsAreNotChecked) {
  const testing::SeededBug bug("snapshot_unchecked");
  store::SnapshotRow row = good_;
  row.revision = Revision(1000);
  EXPECT_NE(DifferencesFrom(row), "");
  row = good_;
  row.fingerprint ^= 1;
  row.state = ops_.SerializeState(*ops_.NewState()) + std::string(8, '\0');
  EXPECT_NE(DifferencesFrom(row), "");
}

// Loads run beside commands and snapshots: each loaded state is the fold of exactly its revision.
TEST_F(Trap06WrongSnapshot, AppendingWhileSnapshotsAreTakenAlwaysGivesTheFullFold) {
  store_ = store::NewMemoryEventStore();
  accounts_.reset();
  partition_ = *Partition::Start(Options(), *store_);
  accounts_.emplace(
      *partition_,
      Executor<Account>::Options{.snapshots = SnapshotPolicy::EveryEvents(3).NotMoreOftenThan(absl::ZeroDuration())});
  ASSERT_TRUE(Do("1", Open()).ok());
  std::atomic<bool> done{false};
  std::atomic<int> loads{0};
  std::vector<std::jthread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!done.load() || loads.load() == 0) {
        const auto loaded = accounts_->Load("1");
        ASSERT_TRUE(loaded.ok()) << loaded.status();
        ASSERT_EQ(loaded->state.balance(), static_cast<std::int64_t>(loaded->revision.value()) - 1);
        ++loads;
      }
    });
  }
  for (int i = 0; i < 2000; ++i) Send("deposit", "1", Deposit(1));
  answers_.Wait(2000);
  done.store(true);
  readers.clear();
  partition_->Stop(absl::InfiniteDuration());
  EXPECT_EQ(Balance("1"), 2000);
  EXPECT_GT(partition_->stats().snapshots_written, 0u);
}

class SnapshotTest : public RuntimeTest {
 protected:
  std::optional<store::SnapshotRow> Snapshot(std::string_view key) {
    partition_->Stop(absl::InfiniteDuration());
    return *store_->FindSnapshot(StreamId("account", key));
  }
};

TEST_F(SnapshotTest, AStreamIsTakenEverySoManyEvents) {
  Reopen(Options(), {.snapshots = SnapshotPolicy::EveryEvents(10).NotMoreOftenThan(absl::ZeroDuration())});
  ASSERT_TRUE(Do("1", Open()).ok());
  ASSERT_TRUE(Do("1", Deposit(1, "", 8)).ok());
  ASSERT_TRUE(Do("2", Open()).ok());
  for (int i = 0; i < 14; ++i) ASSERT_TRUE(Do("1", Deposit(1)).ok());
  EXPECT_EQ(Snapshot("1")->revision, Revision(20));
  EXPECT_EQ(store_->FindSnapshot(StreamId("account", "2"))->has_value(), false);
  EXPECT_EQ(partition_->stats().snapshots_written, 2u);
}

TEST_F(SnapshotTest, ABurstIsTakenOnce) {
  Reopen(Options(), {.snapshots = SnapshotPolicy::EveryEvents(5)});
  ASSERT_TRUE(Do("1", Open()).ok());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Do("1", Deposit(1)).ok());
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(Do("1", Deposit(1)).ok());
  EXPECT_EQ(Snapshot("1")->revision, Revision(52));
  EXPECT_EQ(partition_->stats().snapshots_written, 2u);
}

TEST_F(SnapshotTest, AnOldStateIsTakenWhenItChanges) {
  Reopen(Options(), {.snapshots = SnapshotPolicy::OlderThan(absl::Hours(1))});
  ASSERT_TRUE(Do("1", Open()).ok());
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(Do("1", Open()).ok());  // unchanged: nothing to take
  ASSERT_TRUE(Do("1", Deposit(1)).ok());
  ASSERT_TRUE(Do("1", Deposit(1)).ok());
  EXPECT_EQ(Snapshot("1")->revision, Revision(2));
}

TEST_F(SnapshotTest, APredicateDecides) {
  const auto is_even = [](const SnapshotFacts& facts) {
    if (facts.stream == "account/3") throw std::runtime_error("policy");
    return facts.revision.value() % 2 == 0;
  };
  Reopen(
      Options(),
      {.snapshots = SnapshotPolicy::When(is_even).Or(SnapshotPolicy::Never()).NotMoreOftenThan(absl::ZeroDuration())});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE((i == 0 ? Do("1", Open()) : Do("1", Deposit(1))).ok());
  ASSERT_TRUE(Do("3", Open()).ok()) << "a policy that throws takes no snapshot and harms no command";
  EXPECT_EQ(Snapshot("1")->revision, Revision(4));
}

TEST_F(SnapshotTest, ALoadBeginsAtTheSnapshot) {
  Reopen(Options(), {.snapshots = SnapshotPolicy::EveryEvents(10)});
  ASSERT_TRUE(Do("1", Open()).ok());
  ASSERT_TRUE(Do("1", Deposit(1, "x", 9)).ok());
  ASSERT_TRUE(Do("1", Deposit(1, "x", 3)).ok());
  ASSERT_EQ(Snapshot("1")->revision, Revision(10));
  Reopen();
  ASSERT_TRUE(Do("1", Withdraw(12)).ok());
  EXPECT_EQ(Balance("1"), 0);
  EXPECT_EQ(partition_->stats().snapshots_ignored, 0u);
}

}  // namespace
}  // namespace daybook::runtime
