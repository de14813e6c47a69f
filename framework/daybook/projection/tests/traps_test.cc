// The named tests of the traps that concern read models; docs/reference/seeded-bugs.md lists the bugs put back here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "daybook/projection/projector.h"
#include "daybook/projection/tests/account_log.h"
#include "daybook/projection/tests/failing_key_value.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::projection {
namespace {

using Tables = std::map<std::string, std::map<std::string, std::string>>;
using Crash = FailingKeyValue::Crash;

void Fill(AccountLog& log) {
  for (int i = 0; i < 25; ++i) {
    const std::string key = "account" + std::to_string(i % 4);
    log.Append(key, {Deposited(i, "a"), Withdrawn(1)});
    log.Append(key, {Deposited(2 * i, "b")});
  }
}

ProjectorOptions SmallBatches() {
  ProjectorOptions options;
  options.batch_events_max = 5;
  return options;
}

// Runs until every projection is at the log's end or has stopped. False: one has stopped.
bool Run(AccountLog& log, store::KeyValue& models) {
  ProjectionRunner runner(log.store(), models, SmallBatches());
  EXPECT_TRUE((runner.Add<Tally, Account>()).ok());
  EXPECT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Start();
  bool all = true;
  for (const std::string& name : runner.Names()) all = runner.WaitUntil(name, log.end(), kLimit).ok() && all;
  return all;
}

Tables DumpAll(store::KeyValue& models) {
  return {{"tally.v1", Dump(models, "tally.v1")}, {"by_balance.v1", Dump(models, "by_balance.v1")}};
}

struct CrashRuns {
  int crashes = 0;
  int wrong = 0;  // after them the tables were not those of a full replay, or could not be brought there
};

// Crashes at every write there is, before and after it takes effect, and starts again each time.
CrashRuns CrashEverywhere() {
  AccountLog log;
  Fill(log);
  const std::unique_ptr<store::KeyValue> replayed = store::NewMemoryKeyValue();
  EXPECT_TRUE(Run(log, *replayed));
  const Tables expected = DumpAll(*replayed);

  CrashRuns out;
  for (const Crash how : {Crash::kBeforeApplying, Crash::kAfterApplying}) {
    for (int write = 1;; ++write) {
      const std::unique_ptr<store::KeyValue> models = store::NewMemoryKeyValue();
      FailingKeyValue failing(*models);
      failing.CrashAt(write, how);
      Run(log, failing);
      if (!failing.crashed()) break;
      ++out.crashes;
      if (!Run(log, *models) || DumpAll(*models) != expected) ++out.wrong;
    }
  }
  return out;
}

TEST(Trap05CheckpointAtomicWithTheModel, ACrashAtAnyWriteLeavesCountsEqualToAFullReplay) {
  const CrashRuns runs = CrashEverywhere();
  EXPECT_GT(runs.crashes, 50);
  EXPECT_EQ(runs.wrong, 0);
}

TEST(Trap05CheckpointAtomicWithTheModel, TheCheckSeesACheckpointThatIsWrittenApart) {
  const testing::SeededBug bug("checkpoint_apart");
  EXPECT_GT(CrashEverywhere().wrong, 0);
}

// Several writers deposit; each demands to read its own deposit, by the position it was given. Gives how many reads
// were older than that.
int StaleReads() {
  AccountLog log;
  absl::Mutex append_mu;
  const std::unique_ptr<store::KeyValue> models = store::NewMemoryKeyValue();
  FailingKeyValue slow(*models);
  std::atomic<int> reads = 0;
  // A write takes until somebody has read, or a while: time enough for a reader that is let go too early.
  slow.BeforeWrite([&reads] {
    const int before = reads;
    for (int i = 0; i < 2000 && reads == before; ++i) std::this_thread::yield();
  });
  ProjectionRunner runner(log.store(), slow, {});
  EXPECT_TRUE((runner.Add<Tally, Account>()).ok());
  EXPECT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Start();

  std::atomic<int> stale = 0;
  const auto write_and_read = [&](const std::string& key) {
    const ReadModel tally = *runner.Model("tally.v1");
    for (int deposits = 1; deposits <= 100; ++deposits) {
      Position position;
      {
        absl::MutexLock lock(&append_mu);
        position = log.Append(key, {Deposited(1)});
      }
      EXPECT_TRUE(runner.WaitUntil(kBoth, position, kLimit).ok());
      const absl::StatusOr<std::optional<std::string>> row = tally.Get("account/" + key);
      ++reads;
      if (!row.ok() || !row->has_value() || std::stoi(**row) < deposits) ++stale;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (const char* const key : {"a", "b", "c"}) threads.emplace_back([&, key] { write_and_read(key); });
  }
  return stale;
}

TEST(Trap11ReadYourWrites, ATokenReadUnderLoadNeverReturnsOlderData) { EXPECT_EQ(StaleReads(), 0); }

TEST(Trap11ReadYourWrites, TheCheckSeesAPositionPublishedBeforeItsCommit) {
  const testing::SeededBug bug("reached_before_commit");
  EXPECT_GT(StaleReads(), 0);
}

}  // namespace
}  // namespace daybook::projection
