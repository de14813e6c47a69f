// Input positions: how far an input was answered is stored with the answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/runtime/tests/harness.h"

namespace daybook::runtime {
namespace {

using Failure = GatedCommitPoint::Failure;

// Numbers from 1; the position is the highest one below which all are decided.
class Lines final : public InputProgress {
 public:
  void Decided(std::uint64_t number) override {
    absl::MutexLock lock(&mu_);
    decided_.insert(number);
    while (decided_.contains(next_)) ++next_;
  }
  store::InputPosition position() override {
    absl::MutexLock lock(&mu_);
    return {"lines", std::to_string(next_)};
  }

 private:
  absl::Mutex mu_;
  std::set<std::uint64_t> decided_ ABSL_GUARDED_BY(mu_);
  std::uint64_t next_ ABSL_GUARDED_BY(mu_) = 1;
};

class InputTest : public RuntimeTest {
 protected:
  CommandOptions Line(std::uint64_t number, std::uint64_t id) {
    CommandOptions options;
    options.id = IdOf(id);
    options.input = CommandInput{lines_, number};
    return options;
  }
  std::string Stored() {
    const auto position = store_->FindInputPosition("lines");
    EXPECT_TRUE(position.ok()) << position.status();
    return position.ok() ? position->value_or("-") : "?";
  }

  std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
};

TEST_F(InputTest, WhateverACommandComesToItsPositionIsStoredWithIt) {
  EXPECT_EQ(Stored(), "-");
  EXPECT_EQ(Do("1", Open(), Line(1, 1))->result, Result::kCommitted);
  EXPECT_EQ(Stored(), "2");
  EXPECT_EQ(Do("1", Open(), Line(2, 2))->result, Result::kUnchanged);
  EXPECT_EQ(Stored(), "3");
  EXPECT_EQ(Do("1", Withdraw(5), Line(3, 3))->result, Result::kRejected);
  EXPECT_EQ(Stored(), "4");
  EXPECT_TRUE(Do("1", Open(), Line(4, 1))->duplicate);
  EXPECT_EQ(Stored(), "5");
}

TEST_F(InputTest, ACommandThatFailedHoldsThePositionBack) {
  ASSERT_TRUE(Do("1", Open(), Line(1, 1)).ok());
  EXPECT_FALSE(Do("1", Deposit(1, "throw in decide"), Line(2, 2)).ok());
  EXPECT_TRUE(Do("1", Deposit(1), Line(3, 3)).ok());
  EXPECT_EQ(Stored(), "2");
}

TEST_F(InputTest, APositionIsStoredWithoutACommandToo) {
  ASSERT_TRUE(Do("1", Open(), Line(1, 1)).ok());
  lines_->Decided(2);  // set aside elsewhere
  EXPECT_EQ(Stored(), "2");
  partition_->StoreInput(lines_, answers_.Named("stored"));
  EXPECT_TRUE(answers_.Wait(1)[0].second.ok());
  EXPECT_EQ(Stored(), "3");
  EXPECT_EQ(partition_->stats().commands_unchanged, 0u);
}

// Holds every batch against the position in it.
class CheckingCommitPoint final : public CommitPoint {
 public:
  explicit CheckingCommitPoint(store::EventStore& store) : store_(store) {}

  absl::StatusOr<store::Appended> Commit(const store::Batch& batch) override {
    outcomes_ += batch.outcomes.size();
    EXPECT_FALSE(batch.inputs.empty());
    if (!batch.inputs.empty()) {
      EXPECT_EQ(batch.inputs.back().value, absl::StrCat(outcomes_ + 1));
    }
    return store_.Append(batch);
  }

 private:
  store::EventStore& store_;
  std::size_t outcomes_ = 0;
};

TEST_F(InputTest, ThePositionIsInTheBatchOfWhatWasDecidedBeforeIt) {
  CheckingCommitPoint checking(*store_);
  auto partition = Partition::Start(Options(), *store_, checking);
  ASSERT_TRUE(partition.ok()) << partition.status();
  Executor<Account> accounts(**partition);
  for (std::uint64_t i = 1; i <= 500; ++i) accounts.Execute("1", Open(), Line(i, i), answers_.Named(""));
  answers_.Wait(500);
  EXPECT_EQ(Stored(), "501");
}

TEST_F(InputTest, AFailedCommitStoresNeither) {
  ASSERT_TRUE(Do("1", Open(), Line(1, 1)).ok());
  gate_.Fail(Failure::kBeforeWriting);
  EXPECT_FALSE(Do("1", Deposit(1), Line(2, 2)).ok());
  EXPECT_EQ(Stored(), "2");
  EXPECT_EQ(Balance("1"), 0);
  partition_->StoreInput(lines_, answers_.Named("stored"));
  EXPECT_FALSE(answers_.Wait(1)[0].second.ok());
  EXPECT_EQ(Stored(), "2");
}

}  // namespace
}  // namespace daybook::runtime
