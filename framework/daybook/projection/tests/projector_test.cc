#include "daybook/projection/projector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/synchronization/notification.h"
#include "daybook/base/reason.h"
#include "daybook/projection/tests/account_log.h"
#include "daybook/projection/tests/failing_key_value.h"

namespace daybook::projection {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProjectionRunnerTest : public ::testing::Test {
 protected:
  // Runs one projection to the log's end and stops.
  template <class P>
  void RunToTheEnd(store::KeyValue& models, ProjectorOptions options = {}) {
    ProjectionRunner runner(log_.store(), models, options);
    ASSERT_TRUE((runner.Add<P, Account>()).ok());
    runner.Start();
    const absl::Status reached = runner.WaitUntil(P::kName, log_.end(), kLimit);
    ASSERT_TRUE(reached.ok()) << reached;
  }

  // Waits until the projection has stopped, and gives its status.
  static ProjectionStatus StoppedStatus(ProjectionRunner& runner, std::string_view name) {
    // A position that is never reached: the answer comes when the projection stops.
    const absl::Status status = runner.WaitUntil(name, Position(~std::uint64_t{0}), kLimit);
    EXPECT_EQ(ReasonOf(status), "PROJECTION_STOPPED") << status;
    for (const ProjectionStatus& s : runner.Status()) {
      if (s.name == name) return s;
    }
    return {};
  }

  AccountLog log_;
  std::unique_ptr<store::KeyValue> models_ = store::NewMemoryKeyValue();
};

TEST_F(ProjectionRunnerTest, FoldsWhatIsThereAndWhatComes) {
  log_.Append("a", {Opened("Ann"), Deposited(5)});
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil("tally.v1", log_.end(), kLimit).ok());
  EXPECT_EQ(RowOf(*models_, "tally.v1", "sum"), "5");

  const Position later = log_.Append("a", {Withdrawn(2)});
  ASSERT_TRUE(runner.WaitUntil("tally.v1", later, kLimit).ok());
  EXPECT_EQ(RowOf(*models_, "tally.v1", "sum"), "3");
  EXPECT_EQ(RowOf(*models_, "tally.v1", "events"), "3");
  const ProjectionStatus status = runner.Status().front();
  EXPECT_EQ(status.position, Position(3));
  EXPECT_EQ(status.events, 3u);
  EXPECT_EQ(status.lag_events, 0u);
  EXPECT_TRUE(status.caught_up);
  EXPECT_EQ(*runner.Model("tally.v1")->ReachedPosition(), Position(3));
}

TEST_F(ProjectionRunnerTest, RunsSeveralProjectionsSideBySide) {
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  EXPECT_EQ((runner.Add<Tally, Account>()).code(), absl::StatusCode::kAlreadyExists);
  runner.Start();
  const Position end = log_.Append("a", {Opened("Ann"), Deposited(5)});
  ASSERT_TRUE(runner.WaitUntil(kBoth, end, kLimit).ok());
  EXPECT_THAT(runner.Pending({"tally.v1", "by_balance.v1", "nobody"}, end), ElementsAre("nobody"));
  EXPECT_EQ(RowOf(*models_, "tally.v1", "sum"), "5");
  EXPECT_EQ(RowOf(*models_, "by_balance.v1", "balance/1000005/a"), "2");
}

TEST_F(ProjectionRunnerTest, AFoldingProjectionIsShownTheStateOncePerCommand) {
  log_.Append("a", {Opened("Ann"), Deposited(5), Deposited(6)});
  log_.Append("a", {Withdrawn(1)});
  RunToTheEnd<ByBalance>(*models_);
  EXPECT_EQ(RowOf(*models_, "by_balance.v1", "commands"), "2");
  EXPECT_EQ(RowOf(*models_, "by_balance.v1", "balance/1000010/a"), "4");
  EXPECT_FALSE(ReadModel::Open(*models_, "by_balance.v1")->Get("balance/1000011/a")->has_value());
}

TEST_F(ProjectionRunnerTest, SkipsEventsOfAggregatesThatOthersRead) {
  pb::Tagged tagged;
  log_.AppendRaw(StreamId("tagging", "t"), {{"daybook_test.v1.Tagged", "", tagged.SerializeAsString()}});
  log_.Append("a", {Opened("Ann")});
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Recognise<Tagging>();
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil("tally.v1", log_.end(), kLimit).ok());
  EXPECT_EQ(runner.Status().front().events, 1u);
}

TEST_F(ProjectionRunnerTest, AnEventOfUnknownTypeStopsItWithPositionStreamAndType) {
  log_.Append("a", {Opened("Ann")});
  log_.AppendRaw(StreamId("tagging", "t"), {{"daybook_test.v1.Tagged", "", ""}});
  log_.Append("a", {Deposited(5)});
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Start();
  const ProjectionStatus status = StoppedStatus(runner, "tally.v1");
  EXPECT_EQ(status.error.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.error.message()),
              AllOf(HasSubstr("tally.v1"), HasSubstr("position 2"), HasSubstr("stream tagging/t"),
                    HasSubstr("daybook_test.v1.Tagged")));
  EXPECT_EQ(status.position, Position(1)) << "what came before is committed";
  EXPECT_EQ(RowOf(*models_, "tally.v1", "events"), "1");
  EXPECT_FALSE(status.caught_up);
  EXPECT_EQ(runner.Readiness().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ProjectionRunnerTest, AnEventThatFailsStopsThatProjectionOnlyAndNothingOfItsCommandIsShown) {
  for (const char* const note : {"fail", "throw", "nul"}) {
    SCOPED_TRACE(note);
    AccountLog log;
    const std::unique_ptr<store::KeyValue> models = store::NewMemoryKeyValue();
    log.Append("a", {Opened("Ann")});
    log.Append("a", {Deposited(5), Deposited(1, note), Deposited(2)});
    ProjectionRunner runner(log.store(), *models, {});
    ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
    ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
    runner.Start();
    const ProjectionStatus status = StoppedStatus(runner, "tally.v1");
    EXPECT_EQ(status.position, Position(1));
    EXPECT_THAT(std::string(status.error.message()), AllOf(HasSubstr("position 3"), HasSubstr("revision 3")));
    EXPECT_EQ(RowOf(*models, "tally.v1", "sum"), "0");
    EXPECT_TRUE(runner.WaitUntil("by_balance.v1", log.end(), kLimit).ok());
  }
}

TEST_F(ProjectionRunnerTest, DamagedEventBytesStopIt) {
  log_.AppendRaw(StreamId("account", "a"), {{"daybook_test.v1.Deposited", "", "\xff\xff"}});
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Start();
  EXPECT_EQ(StoppedStatus(runner, "by_balance.v1").error.code(), absl::StatusCode::kDataLoss);
}

TEST_F(ProjectionRunnerTest, ANewNameStartsFromPositionOneAndTheOldTableCanBeDropped) {
  log_.Append("a", {Opened("Ann"), Deposited(5)});
  RunToTheEnd<Tally>(*models_);
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<TallyAgain, Account>()).ok());
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil("tally.v2", log_.end(), kLimit).ok());
  EXPECT_EQ(Dump(*models_, "tally.v2"), Dump(*models_, "tally.v1"));
  EXPECT_EQ(runner.DropTable("tally.v2").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(runner.DropTable("tally.v1").ok());
  EXPECT_EQ(runner.DropTable("tally.v1").code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(models_->TableNames(), ElementsAre("tally.v2"));
}

TEST_F(ProjectionRunnerTest, RebuildFromZeroEqualsTheIncrementalModelByteForByte) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&random](std::uint32_t n) { return random() % n; };
  for (int restart = 0; restart < 20; ++restart) {
    for (std::uint32_t i = below(20); i > 0; --i) {
      std::vector<Account::Event> events;
      for (std::uint32_t e = 1 + below(4); e > 0; --e) {
        events.push_back(Deposited(below(100), "note " + std::to_string(below(5))));
      }
      log_.Append("account" + std::to_string(below(7)), events);
    }
    // A cache too small for two states, so that rows are written and read again.
    ProjectorOptions options;
    options.batch_events_max = 1 + below(10);
    options.fold_cache_bytes_max = below(2) == 0 ? 1000 : 1'000'000;
    RunToTheEnd<Tally>(*models_, options);
    RunToTheEnd<ByBalance>(*models_, options);
  }
  const std::unique_ptr<store::KeyValue> rebuilt = store::NewMemoryKeyValue();
  RunToTheEnd<Tally>(*rebuilt);
  RunToTheEnd<ByBalance>(*rebuilt);
  EXPECT_EQ(Dump(*models_, "tally.v1"), Dump(*rebuilt, "tally.v1"));
  EXPECT_EQ(Dump(*models_, "by_balance.v1"), Dump(*rebuilt, "by_balance.v1"));
}

TEST_F(ProjectionRunnerTest, AModelNewerThanTheLogRefusesAndSaysToRebuild) {
  log_.Append("a", {Opened("Ann"), Deposited(5)});
  RunToTheEnd<Tally>(*models_);
  AccountLog restored;
  restored.Append("a", {Opened("Ann")});
  ProjectionRunner runner(restored.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Start();
  const ProjectionStatus status = StoppedStatus(runner, "tally.v1");
  EXPECT_EQ(status.error.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.error.message()), AllOf(HasSubstr("read model tally.v1: it is at position 2"),
                                                         HasSubstr("log ends at 1"), HasSubstr("rebuild")));
  EXPECT_TRUE(runner.WaitUntil("by_balance.v1", restored.end(), kLimit).ok()) << "the others go on";
}

TEST_F(ProjectionRunnerTest, AModelOfAnotherLogRefusesThoughThePositionExists) {
  log_.Append("a", {Opened("Ann")});
  RunToTheEnd<Tally>(*models_);
  AccountLog other;
  other.StartIdsAt(1000);
  other.Append("a", {Opened("Ann")});
  other.Append("a", {Deposited(1)});
  ProjectionRunner runner(other.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Start();
  EXPECT_THAT(std::string(StoppedStatus(runner, "tally.v1").error.message()), HasSubstr("another log"));
}

TEST_F(ProjectionRunnerTest, ADamagedCheckpointStopsItAndIsNotReadAsZero) {
  for (const std::string& bytes : {std::string("\x01garbage"), std::string("\x09", 1), std::string()}) {
    const absl::StatusOr<store::TableId> table = models_->OpenTable("tally.v1");
    store::WriteBatch batch;
    batch.Put(*table, std::string_view("\0c", 2), bytes);
    ASSERT_TRUE(models_->Write(batch, store::Durability::kUnsynced).ok());
    ProjectionRunner runner(log_.store(), *models_, {});
    ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
    runner.Start();
    EXPECT_THAT(std::string(StoppedStatus(runner, "tally.v1").error.message()), HasSubstr("checkpoint"));
  }
}

TEST_F(ProjectionRunnerTest, AFailedWriteOfTheModelStopsIt) {
  FailingKeyValue failing(*models_);
  failing.CrashAt(1, FailingKeyValue::Crash::kBeforeApplying);
  log_.Append("a", {Opened("Ann")});
  ProjectionRunner runner(log_.store(), failing, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Start();
  const ProjectionStatus status = StoppedStatus(runner, "tally.v1");
  EXPECT_EQ(status.error.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.position, Position(0));
}

TEST_F(ProjectionRunnerTest, AWaitThatTimesOutNamesWhoIsBehind) {
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Start();
  const absl::Status status = runner.WaitUntil(kBoth, Position(1), absl::Milliseconds(5));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), "NOT_YET_PROJECTED");
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("tally.v1"), HasSubstr("by_balance.v1")));
  EXPECT_THAT(runner.Pending({"tally.v1"}, Position(1)), ElementsAre("tally.v1"));
}

TEST_F(ProjectionRunnerTest, AWaitForNobodyOrNothingIsAnsweredAtOnce) {
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  EXPECT_TRUE(runner.WaitUntil(std::vector<std::string>(), Position(7), kLimit).ok());
  EXPECT_TRUE(runner.WaitUntil("tally.v1", Position(0), kLimit).ok());
  EXPECT_EQ(runner.WaitUntil("nobody", Position(0), kLimit).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(runner.Model("nobody").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProjectionRunnerTest, ALaterWaitWithAnEarlierDeadlineIsAnsweredFirst) {
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Start();
  absl::Notification early, late;
  runner.WhenReached("tally.v1", Position(9), kLimit, [&](absl::Status status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
    late.Notify();
  });
  runner.WhenReached("tally.v1", Position(9), absl::Milliseconds(1), [&](absl::Status status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    early.Notify();
  });
  EXPECT_TRUE(early.WaitForNotificationWithTimeout(kLimit));
  EXPECT_FALSE(late.HasBeenNotified());
  runner.Stop();
  EXPECT_TRUE(late.HasBeenNotified()) << "Stop answers every waiter";
  EXPECT_EQ(runner.WaitUntil("tally.v1", Position(9), kLimit).code(), absl::StatusCode::kCancelled);
}

TEST_F(ProjectionRunnerTest, IsReadyOnceEveryProjectionHasReachedTheEndAsItWasAtStart) {
  log_.Append("a", {Opened("Ann")});
  FailingKeyValue gated(*models_);
  absl::Notification go;
  gated.BeforeWrite([&go] { go.WaitForNotification(); });
  ProjectionRunner runner(log_.store(), gated, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  EXPECT_EQ(runner.Readiness().code(), absl::StatusCode::kUnavailable);
  runner.Start();
  EXPECT_EQ(runner.Readiness().code(), absl::StatusCode::kUnavailable);
  go.Notify();
  ASSERT_TRUE(runner.WaitUntil("tally.v1", Position(1), kLimit).ok());
  EXPECT_TRUE(runner.Readiness().ok());
}

TEST_F(ProjectionRunnerTest, ASnapshotOfTheModelDoesNotChange) {
  log_.Append("a", {Opened("Ann"), Deposited(5)});
  ProjectionRunner runner(log_.store(), *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil("tally.v1", log_.end(), kLimit).ok());
  const ReadModel then = runner.Model("tally.v1")->Snapshot();
  ASSERT_TRUE(runner.WaitUntil("tally.v1", log_.Append("a", {Deposited(5)}), kLimit).ok());
  EXPECT_EQ(**then.Get("sum"), "5");
  EXPECT_EQ(*then.ReachedPosition(), Position(2));
  EXPECT_EQ(**runner.Model("tally.v1")->Get("sum"), "10");
}

}  // namespace
}  // namespace daybook::projection
