#include "daybook/testing/key_value_contract.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"

namespace daybook::testing {
namespace {

using store::Durability;
using store::KeyValue;
using store::KeyValueCursor;
using store::KeyValueReader;
using store::PrefixEnd;
using store::TableId;
using store::WriteBatch;

// The store under test.
class KeyValueUnderTest {
 public:
  explicit KeyValueUnderTest(const KeyValueHarnessFactory& factory) : harness_(factory()) { Reopen(); }

  KeyValue& operator*() { return *kv_; }
  KeyValue* operator->() { return kv_.get(); }
  KeyValueHarness& harness() { return *harness_; }

  void Reopen() {
    kv_.reset();
    absl::StatusOr<std::unique_ptr<KeyValue>> kv = harness_->Open();
    ASSERT_TRUE(kv.ok()) << kv.status();
    kv_ = *std::move(kv);
  }

  TableId Table(std::string_view name) {
    const absl::StatusOr<TableId> table = kv_->OpenTable(name);
    EXPECT_TRUE(table.ok()) << table.status();
    return table.value_or(TableId());
  }

  void Put(TableId table, std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.Put(table, key, value);
    EXPECT_TRUE(kv_->Write(batch, Durability::kUnsynced).ok());
  }

 private:
  std::unique_ptr<KeyValueHarness> harness_;
  std::unique_ptr<KeyValue> kv_;
};

std::string Value(const KeyValueReader& reader, TableId table, std::string_view key) {
  const absl::StatusOr<std::optional<std::string>> value = reader.Get(table, key);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? value->value_or("(none)") : "(error)";
}

// "key=value" of everything in [begin, end), joined by blanks.
std::string Scanned(const KeyValueReader& reader, TableId table, std::string_view begin = "",
                    std::string_view end = "") {
  const std::unique_ptr<KeyValueCursor> cursor = reader.Scan(table, begin, end);
  std::string text;
  while (true) {
    const absl::StatusOr<bool> more = cursor->Next();
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return text;
    text.append(text.empty() ? "" : " ").append(cursor->key()).append("=").append(cursor->value());
  }
}

void AKeyIsThereOnceWritten(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  EXPECT_EQ(Value(*kv, rows, "a"), "(none)");
  kv.Put(rows, "a", "1");
  kv.Put(rows, std::string("\0\xff", 2), std::string("\0", 1));
  kv.Put(rows, "empty", "");
  EXPECT_EQ(Value(*kv, rows, "a"), "1");
  EXPECT_EQ(Value(*kv, rows, std::string("\0\xff", 2)), std::string("\0", 1));
  EXPECT_EQ(Value(*kv, rows, "empty"), "");
  kv.Put(rows, "a", "2");
  EXPECT_EQ(Value(*kv, rows, "a"), "2");
}

void AppendToAppends(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  kv.Put(rows, "a", "tail");
  std::string out = "head,";
  EXPECT_TRUE(*kv->AppendTo(rows, "a", out));
  EXPECT_EQ(out, "head,tail");
  EXPECT_FALSE(*kv->AppendTo(rows, "b", out));
  EXPECT_EQ(out, "head,tail");
}

void ABatchAppliesItsChangesInOrderOverAllTables(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  const TableId index = kv.Table("index");
  kv.Put(index, "old", "x");
  WriteBatch batch;
  batch.Put(rows, "a", "1");
  batch.Put(rows, "a", "2");
  batch.Delete(index, "old");
  batch.Put(index, "new", "x");
  batch.Put(rows, "b", "1");
  batch.Delete(rows, "b");
  batch.Delete(rows, "never there");
  ASSERT_TRUE(kv->Write(batch, Durability::kSynced).ok());
  EXPECT_EQ(Scanned(*kv, rows), "a=2");
  EXPECT_EQ(Scanned(*kv, index), "new=x");
}

void DeleteRangeTakesItsBeginAndLeavesItsEnd(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  WriteBatch batch;
  for (const char* key : {"a", "b", "b1", "c", "d"}) batch.Put(rows, key, "1");
  batch.DeleteRange(rows, "b", "c");
  batch.Put(rows, "b2", "after");
  batch.DeleteRange(rows, "z", "d");  // an empty range
  ASSERT_TRUE(kv->Write(batch, Durability::kUnsynced).ok());
  EXPECT_EQ(Scanned(*kv, rows), "a=1 b2=after c=1 d=1");
  batch.Clear();
  batch.Put(rows, "e", "1");
  batch.DeleteRange(rows, "a", "");
  EXPECT_EQ(kv->Write(batch, Durability::kUnsynced).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Scanned(*kv, rows), "a=1 b2=after c=1 d=1");
}

void AScanGivesItsRangeInByteOrder(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  for (const char* key : {"b", "a", "\xff", "ab", "c"}) kv.Put(rows, key, "1");
  EXPECT_EQ(Scanned(*kv, rows), "a=1 ab=1 b=1 c=1 \xff=1");
  EXPECT_EQ(Scanned(*kv, rows, "ab", "c"), "ab=1 b=1");
  EXPECT_EQ(Scanned(*kv, rows, "aa", "aaa"), "");
  EXPECT_EQ(Scanned(*kv, rows, "a", PrefixEnd("a")), "a=1 ab=1");
  EXPECT_EQ(Scanned(*kv, rows, "\xff", PrefixEnd("\xff")), "\xff=1");
}

void AScanShowsTheTableAsItWasAtTheCall(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  for (const char* key : {"a", "b", "c"}) kv.Put(rows, key, "1");
  const std::unique_ptr<KeyValueCursor> cursor = kv->Scan(rows, "", "");
  ASSERT_TRUE(*cursor->Next());
  WriteBatch batch;
  batch.Delete(rows, "b");
  batch.Put(rows, "c", "2");
  batch.Put(rows, "d", "2");
  ASSERT_TRUE(kv->Write(batch, Durability::kUnsynced).ok());
  ASSERT_TRUE(*cursor->Next());
  EXPECT_EQ(cursor->key(), "b");
  ASSERT_TRUE(*cursor->Next());
  EXPECT_EQ(cursor->value(), "1");
  EXPECT_FALSE(*cursor->Next());
  EXPECT_FALSE(*cursor->Next());
  EXPECT_EQ(Scanned(*kv, rows), "a=1 c=2 d=2");
}

void ASnapshotIsOneMomentOfAllTables(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  const TableId index = kv.Table("index");
  kv.Put(rows, "a", "1");
  kv.Put(index, "1", "a");
  const std::unique_ptr<KeyValueReader> snapshot = kv->Snapshot();
  for (const char* value : {"2", "3"}) {
    WriteBatch batch;
    batch.Put(rows, "a", value);
    batch.DeleteRange(index, "0", "9");
    batch.Put(index, value, "a");
    ASSERT_TRUE(kv->Write(batch, Durability::kUnsynced).ok());
  }
  EXPECT_EQ(Value(*snapshot, rows, "a"), "1");
  EXPECT_EQ(Scanned(*snapshot, index), "1=a");
  std::string out;
  EXPECT_TRUE(*snapshot->AppendTo(rows, "a", out));
  EXPECT_EQ(out, "1");
  EXPECT_FALSE(*snapshot->AppendTo(index, "3", out));
  EXPECT_EQ(Value(*kv, rows, "a"), "3");
  EXPECT_EQ(Scanned(*kv, index), "3=a");
}

void TheChangeNumberGrowsWithEachBatchAndOnlyThen(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  std::uint64_t last = kv->ChangeNumber();
  const auto grown = [&] { return std::exchange(last, kv->ChangeNumber()) < kv->ChangeNumber(); };
  EXPECT_FALSE(grown());
  kv.Put(rows, "a", "1");
  EXPECT_TRUE(grown());
  kv.Put(rows, "a", "1");
  EXPECT_TRUE(grown());
  WriteBatch batch;
  batch.DeleteRange(rows, "a", "b");
  ASSERT_TRUE(kv->Write(batch, Durability::kUnsynced).ok());
  EXPECT_TRUE(grown());
  EXPECT_EQ(Scanned(*kv->Snapshot(), rows), "");
  EXPECT_FALSE(kv->Get(rows, "a")->has_value());
  batch.Clear();
  batch.Put(rows, "a", "2");
  batch.DeleteRange(rows, "a", "");
  EXPECT_FALSE(kv->Write(batch, Durability::kUnsynced).ok());
  EXPECT_FALSE(grown());
}

// What reads found after the number was taken holds as long as the number does, whoever writes meanwhile.
void WhatWasReadIsTrueWhileTheChangeNumberStays(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  kv.Put(rows, "a", "0");
  std::atomic<int> acknowledged = 0;
  std::jthread writer([&] {
    for (int i = 1; i <= 2000; ++i) {
      kv.Put(rows, "a", std::to_string(i));
      acknowledged = i;
    }
  });
  std::uint64_t number = 0;
  std::string kept;
  while (acknowledged < 2000) {
    const int known = acknowledged;
    if (const std::uint64_t now = kv->ChangeNumber(); kept.empty() || now != number) {
      number = now;
      kept = Value(*kv, rows, "a");
    }
    int value = -1;
    EXPECT_TRUE(absl::SimpleAtoi(kept, &value)) << kept;
    EXPECT_GE(value, known);
  }
}

void TablesAreOpenedByName(KeyValueUnderTest& kv) {
  EXPECT_TRUE(kv->TableNames().empty());
  const TableId rows = kv.Table("rows.v1");
  EXPECT_EQ(kv.Table("rows.v1"), rows);
  EXPECT_FALSE(kv.Table("default") == rows);
  EXPECT_EQ(kv->TableNames(), (std::vector<std::string>{"default", "rows.v1"}));
  for (const std::string& bad : {std::string(), std::string("Rows"), std::string("a/b"), std::string(65, 'a')}) {
    EXPECT_EQ(kv->OpenTable(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

void ADroppedTableIsGone(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  const TableId kept = kv.Table("kept");
  kv.Put(rows, "a", "1");
  ASSERT_TRUE(kv->DropTable("rows").ok());
  EXPECT_EQ(kv->DropTable("rows").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(kv->TableNames(), std::vector<std::string>{"kept"});
  EXPECT_EQ(kv->Get(rows, "a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(kv->Scan(rows, "", "")->Next().status().code(), absl::StatusCode::kNotFound);
  WriteBatch batch;
  batch.Put(kept, "a", "1");
  batch.Put(rows, "a", "1");
  EXPECT_EQ(kv->Write(batch, Durability::kUnsynced).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Scanned(*kv, kept), "");
  EXPECT_EQ(Scanned(*kv, kv.Table("rows")), "");
}

void AnUnknownTableIsNotFound(KeyValueUnderTest& kv) {
  EXPECT_EQ(kv->Get(TableId(77), "a").status().code(), absl::StatusCode::kNotFound);
  WriteBatch batch;
  batch.Put(TableId(), "a", "1");
  EXPECT_EQ(kv->Write(batch, Durability::kUnsynced).code(), absl::StatusCode::kNotFound);
}

// Against a map, with many changes.
void ManyBatchesAgreeWithAMap(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  std::map<std::string, std::string> expected;
  std::uint64_t state = 7;
  const auto below = [&state](std::uint64_t end) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % end;
  };
  for (int round = 0; round < 200; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 20; ++i) {
      const std::string key = std::to_string(below(300));
      if (below(10) == 0) {
        const std::string end = std::to_string(below(300));
        if (key < end) expected.erase(expected.lower_bound(key), expected.lower_bound(end));
        batch.DeleteRange(rows, key, end);
      } else if (below(3) == 0) {
        expected.erase(key);
        batch.Delete(rows, key);
      } else {
        expected[key] = std::to_string(round);
        batch.Put(rows, key, std::to_string(round));
      }
    }
    ASSERT_TRUE(kv->Write(batch, Durability::kUnsynced).ok());
  }
  std::string text;
  for (const auto& [key, value] : expected) text.append(text.empty() ? "" : " ").append(key).append("=").append(value);
  EXPECT_EQ(Scanned(*kv, rows), text);
}

// A batch is never seen in halves.
void ReadersSeeWholeBatchesWhileWritersWrite(KeyValueUnderTest& kv) {
  const TableId left = kv.Table("left");
  const TableId right = kv.Table("right");
  kv.Put(left, "n", "0");
  kv.Put(right, "n", "0");
  std::atomic<bool> done{false};
  std::jthread reader([&] {
    while (!done) {
      const std::unique_ptr<KeyValueReader> snapshot = kv->Snapshot();
      ASSERT_EQ(Value(*snapshot, left, "n"), Value(*snapshot, right, "n"));
    }
  });
  std::vector<std::jthread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        WriteBatch batch;
        batch.Put(left, "n", std::to_string(i));
        batch.Put(right, "n", std::to_string(i));
        ASSERT_TRUE(kv->Write(batch, Durability::kUnsynced).ok());
      }
    });
  }
  writers.clear();
  done = true;
}

// --- Restarts --------------------------------------------------------------------------------------------------------

void EverythingIsThereAfterAReopen(KeyValueUnderTest& kv) {
  const TableId rows = kv.Table("rows");
  const TableId dropped = kv.Table("dropped");
  kv.Put(dropped, "a", "1");
  ASSERT_TRUE(kv->DropTable("dropped").ok());
  kv.Put(rows, "a", "1");
  kv.Put(kv.Table("other"), "b", "2");
  for (int round = 0; round < 3; ++round) {
    kv.Reopen();
    EXPECT_EQ(kv->TableNames(), (std::vector<std::string>{"other", "rows"}));
    EXPECT_EQ(Scanned(*kv, kv.Table("rows")), "a=1");
    EXPECT_EQ(Scanned(*kv, kv.Table("other")), "b=2");
  }
  kv.Put(kv.Table("rows"), "c", "3");
  kv.Reopen();
  EXPECT_EQ(Scanned(*kv, kv.Table("rows")), "a=1 c=3");
}

void AStoreIsNotOpenedTwice(KeyValueUnderTest& kv) {
  EXPECT_EQ(kv.harness().Open().status().code(), absl::StatusCode::kFailedPrecondition);
  kv.Put(kv.Table("rows"), "a", "1");
}

struct Case {
  const char* name;
  void (*run)(KeyValueUnderTest&);
};

const Case kCases[] = {
    {"AKeyIsThereOnceWritten", AKeyIsThereOnceWritten},
    {"AppendToAppends", AppendToAppends},
    {"ABatchAppliesItsChangesInOrderOverAllTables", ABatchAppliesItsChangesInOrderOverAllTables},
    {"DeleteRangeTakesItsBeginAndLeavesItsEnd", DeleteRangeTakesItsBeginAndLeavesItsEnd},
    {"AScanGivesItsRangeInByteOrder", AScanGivesItsRangeInByteOrder},
    {"AScanShowsTheTableAsItWasAtTheCall", AScanShowsTheTableAsItWasAtTheCall},
    {"ASnapshotIsOneMomentOfAllTables", ASnapshotIsOneMomentOfAllTables},
    {"TheChangeNumberGrowsWithEachBatchAndOnlyThen", TheChangeNumberGrowsWithEachBatchAndOnlyThen},
    {"WhatWasReadIsTrueWhileTheChangeNumberStays", WhatWasReadIsTrueWhileTheChangeNumberStays},
    {"TablesAreOpenedByName", TablesAreOpenedByName},
    {"ADroppedTableIsGone", ADroppedTableIsGone},
    {"AnUnknownTableIsNotFound", AnUnknownTableIsNotFound},
    {"ManyBatchesAgreeWithAMap", ManyBatchesAgreeWithAMap},
    {"ReadersSeeWholeBatchesWhileWritersWrite", ReadersSeeWholeBatchesWhileWritersWrite},
};

const Case kRestartCases[] = {
    {"EverythingIsThereAfterAReopen", EverythingIsThereAfterAReopen},
    {"AStoreIsNotOpenedTwice", AStoreIsNotOpenedTwice},
};

class CaseTest : public ::testing::Test {
 public:
  CaseTest(Case test, KeyValueHarnessFactory factory) : case_(test), factory_(std::move(factory)) {}
  void TestBody() override {
    KeyValueUnderTest kv(factory_);
    if (!HasFatalFailure()) case_.run(kv);
  }

 private:
  const Case case_;
  const KeyValueHarnessFactory factory_;
};

void Register(const std::string& suite, const KeyValueHarnessFactory& factory, const Case& test) {
  ::testing::RegisterTest(suite.c_str(), test.name, nullptr, nullptr, __FILE__, __LINE__,
                          [=]() -> ::testing::Test* { return new CaseTest(test, factory); });
}

}  // namespace

bool RegisterKeyValueContract(const std::string& suite, const KeyValueHarnessFactory& factory) {
  for (const Case& test : kCases) Register(suite, factory, test);
  if (factory()->kind() == KeyValueHarness::Kind::kDurable) {
    for (const Case& test : kRestartCases) Register(suite, factory, test);
  }
  return true;
}

}  // namespace daybook::testing
