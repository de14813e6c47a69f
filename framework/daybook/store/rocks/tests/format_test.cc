#include "daybook/store/rocks/internal/format.h"

#include <gtest/gtest.h>

#include "daybook/base/hash.h"
#include "daybook/store/rocks/internal/head_cache.h"
#include "daybook/store/rocks/internal/log_tail.h"

// What is on disk stays as it is: these bytes are those of docs/reference/formats/event-store.md.
namespace daybook::store::internal {
namespace {

const StreamId kStream("payee", "a");

TEST(EventStoreFormatTest, APageIsTheseBytes) {
  PageBuilder page;
  EXPECT_TRUE(page.empty());
  page.Add(kStream, Revision(1), 0, 2, {"t.A", "env", "data"}, Position(5));
  page.Add(kStream, Revision(2), 1, 2, {"t.B", "", std::string("\0", 1)}, Position(6));
  EXPECT_EQ(ToHex(page.Finish()),
            "02"  // events
            "1270da40"
            "17"
            "00"
            "02"
            "01"
            "07"
            "70617965652f61"  // checksum, size, index, count, revision, stream
            "03"
            "742e41"
            "03"
            "656e76"
            "64617461"  // type, envelope, data
            "7472bcff"
            "11"
            "01"
            "02"
            "02"
            "07"
            "70617965652f61"
            "03"
            "742e42"
            "00"
            "00");
}

TEST(EventStoreFormatTest, KeysAndValuesAreTheseBytes) {
  std::string key;
  std::string value;
  SetIndexKey(kStream.text(), Revision(258), key);
  EXPECT_EQ(ToHex(key), "70617965652f610000000000000102");
  EXPECT_EQ(ToHex(PositionKey(Position(258))), "0000000000000102");
  SetIndexKey(kStream.text(), Revision(), key);
  SetHeadValue(key, {Revision(2), Position(6)}, value);
  EXPECT_EQ(ToHex(value),
            "00000000000000020000000000000006"
            "3d7765e8");
  EXPECT_EQ(ToHex(DeadlineKey({Timestamp::FromMicros(1), std::string("o\0", 2), "k", ""})),
            "8000000000000001"
            "6f00ff0001"
            "6b");
  SetCommitValue({3, Position(6)}, value);
  EXPECT_EQ(ToHex(value),
            "00000000000000030000000000000006"
            "c2495919");
}

TEST(EventStoreFormatTest, APageReadsBackFromAnyOfItsPositions) {
  PageBuilder builder;
  for (int i = 0; i < 5; ++i) {
    builder.Add(kStream, Revision(i + 1), 0, 1, {"t", "e", std::string(i * 100, 'x')}, Position(i + 10));
  }
  const std::string page(builder.Finish());
  for (std::uint64_t from = 10; from <= 14; ++from) {
    absl::StatusOr<PageReader> reader = PageReader::Open(page, Position(14));
    ASSERT_TRUE(reader.ok()) << reader.status();
    ASSERT_TRUE(reader->SkipTo(Position(from)).ok());
    for (std::uint64_t at = from; at <= 14; ++at) {
      EventView event;
      ASSERT_TRUE(reader->Read(event).ok());
      EXPECT_EQ(event.position, Position(at));
      EXPECT_EQ(event.revision, Revision(at - 9));
      EXPECT_EQ(event.data.size(), (at - 10) * 100);
    }
    EXPECT_TRUE(reader->at_end());
  }
}

// Invariant 5: whatever bit is wrong, the event is not served. A page at another's place is found out too.
TEST(EventStoreFormatTest, EveryDamagedBitOfAPageIsDataLoss) {
  PageBuilder builder;
  builder.Add(kStream, Revision(1), 0, 1, {"type", "envelope", "data"}, Position(1));
  builder.Add(kStream, Revision(2), 0, 1, {"type", "envelope", "data"}, Position(2));
  const std::string page(builder.Finish());
  const auto read = [](const std::string& bytes, Position last) {
    absl::StatusOr<PageReader> reader = PageReader::Open(bytes, last);
    absl::Status status = reader.status();
    int events = 0;
    while (status.ok() && !reader->at_end() && events < 2) {
      EventView event;
      status = reader->Read(event);
      if (status.ok()) ++events;
    }
    return status.ok() && events == 2 ? absl::OkStatus() : absl::DataLossError(status.message());
  };
  ASSERT_TRUE(read(page, Position(2)).ok());
  EXPECT_FALSE(read(page, Position(3)).ok());
  for (std::size_t bit = 0; bit < page.size() * 8; ++bit) {
    std::string damaged = page;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(read(damaged, Position(2)).ok()) << bit;
  }
  for (std::size_t size = 0; size < page.size(); ++size) EXPECT_FALSE(read(page.substr(0, size), Position(2)).ok());
}

TEST(EventStoreFormatTest, ASealFitsOneKeyAndOneValue) {
  std::string value = "value";
  AppendSeal("key", value);
  EXPECT_EQ(OpenSeal("key", value), "value");
  EXPECT_FALSE(OpenSeal("other", value));
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(OpenSeal("key", damaged)) << bit;
  }
  EXPECT_FALSE(OpenSeal("key", "abc"));
}

TEST(HeadCacheTest, ForgetsWhatIsNotUsedAndKeepsWhatIs) {
  HeadCache cache(2);
  cache.BeginBatch();
  cache.Insert("a", {Revision(1), Position(1)});
  cache.Insert("b", {Revision(1), Position(2)});
  cache.BeginBatch();  // a new generation
  ASSERT_NE(cache.Find("a"), nullptr);
  cache.Insert("c", {Revision(1), Position(3)});
  cache.BeginBatch();  // and another: b was not used in the last one
  EXPECT_EQ(cache.Find("b"), nullptr);
  ASSERT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.Find("a")->current().position, Position(1));
}

TEST(HeadCacheTest, RollsBackToWhatWasBeforeTheBatch) {
  HeadCache cache(10);
  cache.BeginBatch();
  HeadCache::Entry* const entry = cache.Insert("a", {Revision(1), Position(1)});
  entry->Stage(cache.batch(), {Revision(2), Position(2)});
  entry->Stage(cache.batch(), {Revision(3), Position(3)});
  EXPECT_EQ(entry->current().revision, Revision(3));
  entry->Rollback(cache.batch());
  EXPECT_EQ(entry->current().revision, Revision(1));
  entry->Stage(cache.batch(), {Revision(2), Position(2)});
  cache.BeginBatch();
  entry->Rollback(cache.batch());  // this batch did not touch it
  EXPECT_EQ(entry->current().revision, Revision(2));
}

}  // namespace
}  // namespace daybook::store::internal
