// Traps 3, 4 and 8 from the command to the disk: the committer on the engine on disk, on a file system that loses what
// was not synced and fails syncs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/runtime/tests/harness.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_file_system.h"
#include "daybook/testing/fault_file_system.h"
#include "daybook/testing/seeded_bug.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::runtime {
namespace {

using ::testing::HasSubstr;

class PowerLossTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void TearDown() override { Close(); }

  void Open() {
    auto store = store::OpenRocksEventStoreOn(faults_.file_system(), {.path = directory_.path() + "/0"});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    PartitionOptions options;
    options.clock = &clock_;
    options.ids = &ids_;
    auto partition = Partition::Start(options, *store_);
    ASSERT_TRUE(partition.ok()) << partition.status();
    partition_ = *std::move(partition);
    accounts_.emplace(
        *partition_,
        Executor<Account>::Options{.snapshots = SnapshotPolicy::EveryEvents(5).NotMoreOftenThan(absl::ZeroDuration())});
  }
  void Close() {
    accounts_.reset();
    partition_.reset();
    store_.reset();
  }

  // Sends commands `from` … `to - 1`, each with its number as id; opens an account or pays into it.
  void Send(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) {
      const std::string key = std::to_string(i % 10);
      Account::Command command = runtime::Open();
      if (i > 10) command = Deposit(static_cast<std::int64_t>(i), "", static_cast<std::uint32_t>(1 + i % 3));
      accounts_->Execute(key, command, {.id = IdOf(i)}, answers_.Named(std::to_string(i)));
    }
  }

  // "" if each acknowledged command has all its events in the log once, where its answer says.
  std::string FindLostAcks(const std::vector<std::pair<std::string, Outcome>>& answers) {
    std::map<CommandId, std::vector<Position>> logged;
    std::uint64_t next = 1;
    for (const LoggedEvent& event : ReadLog(*store_)) {
      if (event.position != Position(next++)) return "positions are not dense";
      logged[event.metadata.command_id].push_back(event.position);
    }
    for (const auto& [name, outcome] : answers) {
      if (!outcome.ok() || outcome->result != Result::kCommitted) continue;
      const std::vector<Position>& positions = logged[outcome->id];
      if (positions.size() != outcome->event_count || positions.back() != outcome->position) {
        return absl::StrCat("command ", name, " was acknowledged and has ", positions.size(), " events of ",
                            outcome->event_count, " in the log");
      }
    }
    return "";
  }

  // The power goes while commands are on their way; "" if nothing that was acknowledged is lost, and each command, sent
  // again, is done once.
  std::string LosePower(std::uint64_t seed, testing::Unsynced unsynced) {
    std::mt19937_64 random(seed);
    const std::uint64_t commands = 400;
    const std::uint64_t first = rounds_ * 10'000 + 1;
    ++rounds_;
    const std::size_t before = answers_.size();
    Send(first, first + commands);
    answers_.Wait(before + random() % commands);
    faults_.PowerOff();
    const auto answers = answers_.Wait(before + commands);
    Close();
    faults_.PowerOn(unsynced, seed);
    Open();
    if (std::string lost = FindLostAcks(answers); !lost.empty()) return lost;
    Send(first, first + commands);
    const auto all = answers_.Wait(before + 2 * commands);
    for (const auto& [name, outcome] : all) {
      if (!outcome.ok() && ReasonOf(outcome.status()) != "PARTITION_POISONED") return outcome.status().ToString();
    }
    return FindLostAcks(all);
  }

  // How often, when the log was about to be synced, an answer told of a position that was not durable.
  std::size_t CountEarlyAnswers() {
    std::atomic<std::size_t> early{0};
    faults_.ObserveSyncs([&] {
      for (const auto& [name, outcome] : answers_.Wait(0)) {
        if (outcome.ok() && outcome->position > store_->DurableWatermark()) ++early;
      }
    });
    Send(1, 300);
    answers_.Wait(299);
    partition_->Stop(absl::InfiniteDuration());
    faults_.ObserveSyncs(nullptr);
    Close();
    Open();
    return early;
  }

  std::uint64_t rounds_ = 1;  // rounds so far: each has ids of its own
  testing::FakeClock clock_{kStart};
  testing::FakeIds ids_{1'000'000};
  testing::TemporaryDirectory directory_;
  testing::FaultFileSystem faults_;
  Answers answers_;
  std::unique_ptr<store::EventStore> store_;
  std::unique_ptr<Partition> partition_;
  std::optional<Executor<Account>> accounts_;
};

class Trap03PowerLoss : public PowerLossTest {};

TEST_F(Trap03PowerLoss, NothingAcknowledgedIsLostWithTheUnsyncedBytes) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  EXPECT_EQ(LosePower(seed, testing::Unsynced::kLost), "");
}

TEST_F(Trap03PowerLoss, NothingAcknowledgedIsLostWithATornTail) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  EXPECT_EQ(LosePower(seed, testing::Unsynced::kTorn), "");
}

TEST_F(Trap03PowerLoss, NothingIsAnsweredBeforeTheDiskHasIt) { EXPECT_EQ(CountEarlyAnswers(), 0u); }

TEST_F(Trap03PowerLoss, GoesRedWhenAnswersComeBeforeTheSync) {
  const testing::SeededBug bug("ack_before_sync");
  EXPECT_GT(CountEarlyAnswers(), 0u);
  std::string found;  // in the first rounds, unless this thread wakes up when all has been synced long since
  for (std::uint64_t seed = 1; seed <= 100 && found.empty(); ++seed) {
    found = LosePower(seed, testing::Unsynced::kLost);
  }
  EXPECT_THAT(found, HasSubstr("was acknowledged and has"));
}

class Trap04FailedSync : public PowerLossTest {};

TEST_F(Trap04FailedSync, EveryWaiterIsAnsweredLaterWritesAreRefusedAndReopeningRecoversTheAckedPrefix) {
  Send(1, 50);
  answers_.Wait(49);
  faults_.FailSync(2);
  Send(50, 51);
  answers_.Wait(50);
  Send(51, 451);
  const auto answers = answers_.Wait(450);
  EXPECT_EQ(ReasonOf(partition_->health()), "PARTITION_POISONED");
  const Outcome refused = accounts_->ExecuteAndWait("1", Deposit(1), {});
  EXPECT_EQ(ReasonOf(refused.status()), "PARTITION_POISONED");
  std::size_t poisoned = 0;
  for (const auto& [name, outcome] : answers) {
    if (outcome.ok()) continue;
    EXPECT_EQ(ReasonOf(outcome.status()), "PARTITION_POISONED") << outcome.status();
    ++poisoned;
  }
  EXPECT_EQ(poisoned, 400u);
  Close();
  Open();
  EXPECT_TRUE(partition_->health().ok());
  EXPECT_EQ(FindLostAcks(answers), "");
  EXPECT_TRUE(accounts_->ExecuteAndWait("1", Deposit(1), {}).ok());
}

TEST_F(Trap04FailedSync, GoesRedWhenAFailedSyncIsSwallowed) {
  const testing::SeededBug bug("sync_failure_swallowed");
  Send(1, 50);
  answers_.Wait(49);
  faults_.FailSync(1);
  Send(50, 100);
  const auto answers = answers_.Wait(99);
  faults_.PowerOff();
  Close();
  faults_.PowerOn(testing::Unsynced::kLost);
  Open();
  EXPECT_THAT(FindLostAcks(answers), HasSubstr("was acknowledged and has"));
}

}  // namespace
}  // namespace daybook::runtime
