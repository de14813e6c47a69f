#ifndef DAYBOOK_RUNTIME_TESTS_HARNESS_H_
#define DAYBOOK_RUNTIME_TESTS_HARNESS_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/codec/envelope.h"
#include "daybook/runtime/executor.h"
#include "daybook/runtime/partition.h"
#include "daybook/runtime/tests/account.h"
#include "daybook/store/memory/memory_event_store.h"
#include "daybook/testing/fake_clock.h"
#include "daybook/testing/fake_ids.h"

namespace daybook::runtime {

using Outcome = absl::StatusOr<CommandOutcome>;
using Result = CommandOutcome::Result;

inline constexpr Timestamp kStart = Timestamp::FromMillis(1'767'225'600'000);  // 2026-01-01

// A command id made at `made_at`.
inline CommandId IdOf(std::uint64_t number, Timestamp made_at = kStart) {
  return CommandId(testing::FakeIds::Numbered(number, made_at));
}

// A commit point between the committer and the store that a test can stop and break.
//
// Thread safety: every method from any thread.
class GatedCommitPoint final : public CommitPoint {
 public:
  enum class Failure { kNone, kBeforeWriting, kAfterWriting };

  explicit GatedCommitPoint(store::EventStore& store) : store_(store) {}

  absl::StatusOr<store::Appended> Commit(const store::Batch& batch) override {
    Failure failure;
    {
      absl::MutexLock lock(&mu_);
      ++arrived_;
      const auto may_go = [this] {
        mu_.AssertReaderHeld();
        return permits_ > 0;
      };
      ++held_;
      mu_.Await(absl::Condition(&may_go));
      --held_;
      if (permits_ != kUnlimited) --permits_;
      failure = failure_;
    }
    if (failure == Failure::kBeforeWriting) return absl::UnavailableError("EIO");
    absl::StatusOr<store::Appended> appended = store_.Append(batch);
    if (failure == Failure::kAfterWriting) return absl::UnavailableError("EIO after the write");
    return appended;
  }

  void Close() { Permit(0); }
  void Open() { Permit(kUnlimited); }
  void LetOneThrough() {
    absl::MutexLock lock(&mu_);
    if (permits_ != kUnlimited) ++permits_;
  }
  void Fail(Failure failure) {
    absl::MutexLock lock(&mu_);
    failure_ = failure;
  }
  // Waits until `count` commits have been asked for. False after a minute.
  bool WaitForArrivals(int count) {
    absl::MutexLock lock(&mu_);
    const auto arrived = [this, count] {
      mu_.AssertReaderHeld();
      return arrived_ >= count;
    };
    return mu_.AwaitWithTimeout(absl::Condition(&arrived), absl::Seconds(60));
  }
  // Waits until a commit stands before the closed gate, whichever it is. False after a minute.
  bool WaitUntilOneIsHeld() {
    absl::MutexLock lock(&mu_);
    const auto holds = [this] {
      mu_.AssertReaderHeld();
      return held_ > 0;
    };
    return mu_.AwaitWithTimeout(absl::Condition(&holds), absl::Seconds(60));
  }

 private:
  static constexpr int kUnlimited = 1 << 30;

  void Permit(int permits) {
    absl::MutexLock lock(&mu_);
    permits_ = permits;
  }

  store::EventStore& store_;
  absl::Mutex mu_;
  int permits_ ABSL_GUARDED_BY(mu_) = kUnlimited;
  int arrived_ ABSL_GUARDED_BY(mu_) = 0;
  int held_ ABSL_GUARDED_BY(mu_) = 0;
  Failure failure_ ABSL_GUARDED_BY(mu_) = Failure::kNone;
};

// Answers that have come, in the order in which they came.
//
// Thread safety: every method from any thread.
class Answers {
 public:
  // A handler that puts its answer here under `name`.
  OutcomeHandler Named(std::string name) {
    return [this, name = std::move(name)](Outcome outcome) {
      absl::MutexLock lock(&mu_);
      answers_.emplace_back(name, std::move(outcome));
    };
  }
  // Waits until `count` answers are there; fails the test after a minute.
  std::vector<std::pair<std::string, Outcome>> Wait(std::size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count] {
      mu_.AssertReaderHeld();
      return answers_.size() >= count;
    };
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(60))) << "answers are missing";
    return answers_;
  }
  std::size_t size() {
    absl::MutexLock lock(&mu_);
    return answers_.size();
  }

 private:
  absl::Mutex mu_;
  std::vector<std::pair<std::string, Outcome>> answers_ ABSL_GUARDED_BY(mu_);
};

// An event as the log has it.
struct LoggedEvent {
  std::string stream;
  Revision revision;
  Position position;
  std::string type;
  EventMetadata metadata;
};

inline std::vector<LoggedEvent> ReadLog(store::EventStore& store) {
  std::vector<LoggedEvent> events;
  const auto cursor = store.ReadAll(Position(1));
  while (true) {
    const absl::StatusOr<bool> more = cursor->Next();
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return events;
    const store::EventView& event = cursor->event();
    const absl::StatusOr<EventMetadata> metadata = codec::DecodeEnvelope(event.envelope);
    EXPECT_TRUE(metadata.ok()) << metadata.status();
    events.push_back({std::string(event.stream), event.revision, event.position, std::string(event.type), *metadata});
  }
}

// A memory store, a fake clock, and a partition with accounts that can be opened again.
class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void TearDown() override {
    gate_.Open();
    partition_.reset();
  }

  PartitionOptions Options() {
    PartitionOptions options;
    options.clock = &clock_;
    options.ids = &ids_;
    return options;
  }
  void Reopen() { Reopen(Options()); }
  void Reopen(const PartitionOptions& options, Executor<Account>::Options accounts = {}) {
    accounts_.reset();
    partition_.reset();
    auto started = Partition::Start(options, *store_, gate_);
    ASSERT_TRUE(started.ok()) << started.status();
    partition_ = *std::move(started);
    accounts_.emplace(*partition_, std::move(accounts));
  }

  // Executes and waits.
  Outcome Do(std::string_view key, Account::Command command, CommandOptions options = {}) {
    return accounts_->ExecuteAndWait(key, std::move(command), std::move(options));
  }
  // Executes; the answer goes to answers_ under `name`.
  void Send(std::string name, std::string_view key, Account::Command command, CommandOptions options = {}) {
    accounts_->Execute(key, std::move(command), std::move(options), answers_.Named(std::move(name)));
  }
  std::int64_t Balance(std::string_view key) {
    const auto loaded = accounts_->Load(key);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? loaded->state.balance() : -1;
  }

  testing::FakeClock clock_{kStart};
  testing::FakeIds ids_{1'000'000};
  std::unique_ptr<store::EventStore> store_ = store::NewMemoryEventStore();
  GatedCommitPoint gate_{*store_};
  Answers answers_;
  std::unique_ptr<Partition> partition_;
  std::optional<Executor<Account>> accounts_;
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_TESTS_HARNESS_H_
