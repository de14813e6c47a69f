#include "daybook/cdc/internal/recent_keys.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "daybook/store/memory/memory_key_value.h"

namespace daybook::cdc::internal {
namespace {

class RecentKeysTest : public ::testing::Test {
 protected:
  void Store(RecentKeys& keys) {
    store::WriteBatch batch;
    keys.AppendTo(table_, batch);
    EXPECT_EQ(kv_->Write(batch, store::Durability::kUnsynced), absl::OkStatus());
  }
  // Of the table, whatever their first byte.
  int Entries() {
    const auto cursor = kv_->Scan(table_, "", "");
    int entries = 0;
    while (*cursor->Next()) ++entries;
    return entries;
  }

  const std::unique_ptr<store::KeyValue> kv_ = store::NewMemoryKeyValue();
  const store::TableId table_ = *kv_->OpenTable("t");
};

TEST_F(RecentKeysTest, AKeyIsAddedOnceUntilItIsRemoved) {
  RecentKeys keys('b', 10);
  EXPECT_TRUE(keys.Add("a"));
  EXPECT_FALSE(keys.Add("a"));
  EXPECT_TRUE(keys.Remove("a"));
  EXPECT_FALSE(keys.Remove("a"));
  EXPECT_TRUE(keys.Add("a"));
}

TEST_F(RecentKeysTest, OfMoreThanItHoldsTheFirstAreGivenUpInTheTableToo) {
  RecentKeys keys('b', 3);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(keys.Add(absl::StrCat("key", i)));
    if (i % 7 == 0) Store(keys);
    EXPECT_LE(keys.size(), 3u);
    EXPECT_LE(Entries(), 3);
  }
  Store(keys);
  EXPECT_EQ(Entries(), 3);
  EXPECT_FALSE(keys.Add("key97"));
  EXPECT_TRUE(keys.Add("key96"));  // for which the oldest goes: 97, in spite of the repetition
  EXPECT_TRUE(keys.Add("key97"));
}

TEST_F(RecentKeysTest, TheirOrderSurvivesARestart) {
  RecentKeys before('b', 3);
  for (const char* key : {"z", "y", "x"}) EXPECT_TRUE(before.Add(key));
  Store(before);
  RecentKeys after('b', 3);
  ASSERT_EQ(after.Load(*kv_, table_), absl::OkStatus());
  EXPECT_TRUE(after.Add("w"));
  EXPECT_FALSE(after.Add("y"));
  EXPECT_FALSE(after.Add("x"));
  EXPECT_TRUE(after.Add("z"));
}

TEST_F(RecentKeysTest, WhatAnEarlierVersionLeftIsCutAndIsOlderThanWhatComes) {
  store::WriteBatch batch;
  for (int i = 0; i < 5; ++i) batch.Put(table_, absl::StrCat("bold", i), "");
  batch.Put(table_, "aanother", "");
  batch.Put(table_, "canother", "");
  ASSERT_EQ(kv_->Write(batch, store::Durability::kUnsynced), absl::OkStatus());
  RecentKeys keys('b', 2);
  ASSERT_EQ(keys.Load(*kv_, table_), absl::OkStatus());
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_TRUE(keys.Add("new1"));
  EXPECT_TRUE(keys.Add("new2"));
  EXPECT_FALSE(keys.Add("new1"));
  Store(keys);
  EXPECT_EQ(Entries(), 4);  // those two and the ones of other kinds
}

TEST_F(RecentKeysTest, ADamagedEntryIsAnError) {
  store::WriteBatch batch;
  batch.Put(table_, "bkey", "\xff");
  ASSERT_EQ(kv_->Write(batch, store::Durability::kUnsynced), absl::OkStatus());
  RecentKeys keys('b', 2);
  EXPECT_EQ(keys.Load(*kv_, table_).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace daybook::cdc::internal
