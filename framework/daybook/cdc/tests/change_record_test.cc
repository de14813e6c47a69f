#include "daybook/cdc/change_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "daybook/cdc/internal/column_text.h"
#include "daybook/cdc/tests/change_maker.h"

namespace daybook::cdc {
namespace {

using test::ChangeMaker;
using testing::ElementsAre;
using testing::HasSubstr;

class ChangeRecordTest : public testing::Test {
 protected:
  absl::Status Parse(const Record& record) { return parser_.Parse(record, change_); }
  absl::Status ParseOwner(const std::string& after) {
    return Parse(make_.Make({.table = "owner", .operation = 'u', .key = "{\"id\":1}", .after = after, .lsn = 7}));
  }
  const Value& Column(const std::string& name) {
    return change_.values[static_cast<std::size_t>(catalog_.tables()[0].ColumnIndex(name))];
  }

  ChangeMaker make_;
  const Catalog catalog_ = test::Garage();
  ChangeParser parser_{&catalog_};
  Change change_;
};

TEST_F(ChangeRecordTest, ABareRecordIsRead) {
  ASSERT_EQ(Parse(make_.Make({.table = "owner",
                              .operation = 'u',
                              .key = "{\"id\":1}",
                              .after = R"({"name":"A\u2028\u0001\"","id":1,"sex":"f  "})",
                              .lsn = 7,
                              .transaction = "70",
                              .order = 3})),
            absl::OkStatus());
  EXPECT_EQ(change_.kind, Change::Kind::kRow);
  EXPECT_EQ(change_.operation, Operation::kUpdate);
  EXPECT_EQ(change_.lsn, 7u);
  EXPECT_EQ(KeyText(change_.key), "1");
  EXPECT_EQ(Column("name"), Value(std::string("A\xe2\x80\xa8\x01\"")));
  EXPECT_EQ(Column("sex"), Value(std::string("f")));
  EXPECT_TRUE(IsNull(Column("size")));
  ASSERT_TRUE(change_.mark.has_value());
  EXPECT_EQ(change_.mark->transaction, 70u);
  EXPECT_EQ(change_.mark->collection_order, 3);
  EXPECT_EQ(change_.source_time_us, 1'700'000'000'000'000);
}

TEST_F(ChangeRecordTest, ARecordWithSchemasIsReadAndItsDecimalsHaveTheSchemasScale) {
  const std::string schema =
      R"({"type":"struct","fields":[{"type":"struct","field":"after",)"
      R"("fields":[{"type":"int64","field":"id"},)"
      R"({"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"3"},)"
      R"("field":"size"}]}]})";
  const std::string payload =
      R"({"before":null,"after":{"id":1,"name":"Ann","size":"1234"},"source":{"schema":"public","table":"owner",)"
      R"("lsn":3,"snapshot":true},"op":"r","transaction":null})";
  for (int i = 0; i < 2; ++i) {  // learned, then remembered
    ASSERT_EQ(Parse(make_.Raw("bos.public.owner", R"({"schema":{},"payload":{"id":1}})",
                              R"({"schema":)" + schema + R"(,"payload":)" + payload + "}")),
              absl::OkStatus());
    EXPECT_EQ(Column("size"), Value(Decimal{"-2658.824"}));  // three bytes d7 6d f8, not the number 1234
    EXPECT_EQ(change_.snapshot, SnapshotPhase::kRead);
  }
}

TEST_F(ChangeRecordTest, ADeleteTakesItsKeyFromTheRecordsKey) {
  ASSERT_EQ(Parse(make_.Make({.table = "note",
                              .operation = 'd',
                              .key = R"({"schema":{"type":"struct"},"payload":{"id":-5}})",
                              .lsn = 7,
                              .before = R"({"id":0,"owner_id":0,"text":""})"})),
            absl::OkStatus());
  EXPECT_EQ(change_.operation, Operation::kDelete);
  EXPECT_EQ(KeyText(change_.key), "-5");
  EXPECT_EQ(Parse(make_.Raw("bos.public.note", std::nullopt,
                            R"({"op":"d","source":{"schema":"public","table":"note","lsn":1}})"))
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ChangeRecordTest, AKeyChangeNamesTheOtherKey) {
  ASSERT_EQ(Parse(make_.Make({.table = "note",
                              .operation = 'd',
                              .key = "{\"id\":5}",
                              .lsn = 7,
                              .headers = {{"other", ""}, {"__debezium.newkey", "{\"id\":6}"}}})),
            absl::OkStatus());
  EXPECT_EQ(KeyText(change_.new_key.value_or("")), "6");
  EXPECT_FALSE(change_.old_key.has_value());
}

TEST_F(ChangeRecordTest, TransactionIdsMatchOnThePartBeforeTheColon) {
  ASSERT_EQ(Parse(make_.End("70", {{"owner", 2}, {"other", 1}})), absl::OkStatus());
  EXPECT_EQ(change_.kind, Change::Kind::kTransactionEnd);
  EXPECT_EQ(change_.transaction, 70u);
  EXPECT_THAT(change_.event_counts, ElementsAre(std::make_pair(std::string("public.owner"), 2),
                                                std::make_pair(std::string("public.other"), 1)));
  ASSERT_EQ(Parse(make_.Begin("70")), absl::OkStatus());
  EXPECT_EQ(change_.ignored, "transaction begin");
}

TEST_F(ChangeRecordTest, ACloudEventIsUnwrapped) {
  ASSERT_EQ(
      Parse(make_.Raw("bos.public.owner", "{\"id\":1}",
                      R"({"id":"name:bos;lsn:29;txId:5","source":"/debezium/postgresql/bos","specversion":"1.0",)"
                      R"("type":"io.debezium.connector.postgresql.DataChangeEvent","iodebeziumop":"u",)"
                      R"("iodebeziumtsms":"1700000000000","iodebeziumsnapshot":"false","iodebeziumschema":"public",)"
                      R"("iodebeziumtable":"owner","iodebeziumlsn":"29",)"
                      R"("data":{"before":null,"after":{"id":1,"name":"Ann"}}})")),
      absl::OkStatus());
  EXPECT_EQ(change_.kind, Change::Kind::kRow);
  EXPECT_EQ(change_.operation, Operation::kUpdate);
  EXPECT_EQ(change_.lsn, 29u);
  EXPECT_EQ(Column("name"), Value(std::string("Ann")));
}

TEST_F(ChangeRecordTest, ATopicThatCarriesAnotherTableIsReadByItsSource) {
  ASSERT_EQ(ParseOwner(R"({"id":1,"name":"Ann"})"), absl::OkStatus());
  Record rerouted = make_.Note(7, 1, "hello", 3);
  rerouted.topic = "bos.public.owner";
  ASSERT_EQ(Parse(rerouted), absl::OkStatus());
  EXPECT_EQ(catalog_.tables()[static_cast<std::size_t>(change_.table)].name, "public.note");
  EXPECT_EQ(change_.values.size(), 3u);
}

TEST_F(ChangeRecordTest, ErrorsNameTopicPartitionOffsetAndThePlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"id":1})", "after.name: a mandatory column is missing"},
      {R"({"id":"x","name":"a"})", "after: id: expected a whole number"},
      {R"({"id":1.5,"name":"a"})", "after: id: expected a whole number"},
      {R"({"id":1,"name":null})", "after: name: null in a column that is not nullable"},
      {R"({"id":1,"name":true})", "after: name: expected text"},
      {R"({"id":1,"name":"a","size":true})", "after: size: expected a decimal number"},
      {R"({"id":1,"name":"a","size":"1..2"})", "after: size: expected a decimal number"},
      {R"({"id":1,"name":"a","seen":"yesterday"})", "after: seen: expected a time"},
      {R"({"id":1,"name":"\ud800"})", "after: name:"},
      {R"({"id":1,"name":"a)", "bos.public.owner[0]@"},
  };
  for (const auto& [after, place] : cases) {
    const absl::Status status = ParseOwner(after);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << after;
    EXPECT_THAT(std::string(status.message()), HasSubstr("bos.public.owner[0]@")) << after;
    EXPECT_THAT(std::string(status.message()), HasSubstr(place)) << after;
  }
}

TEST_F(ChangeRecordTest, DecimalsOfAllThreeFormsAreTheSameText) {
  for (const char* form : {R"("12.50")", R"("BOI=")", "12.5", R"({"scale":2,"value":"BOI="})"}) {
    ASSERT_EQ(ParseOwner(std::string(R"({"id":1,"name":"a","size":)") + form + "}"), absl::OkStatus()) << form;
    EXPECT_EQ(Column("size"), Value(Decimal{"12.50"})) << form;
  }
  for (const char* nan : {R"("NAN")", R"("NaN")"}) {
    ASSERT_EQ(ParseOwner(std::string(R"({"id":1,"name":"a","size":)") + nan + "}"), absl::OkStatus());
    EXPECT_EQ(Column("size"), Value(Decimal{"NaN"}));
  }
}

TEST_F(ChangeRecordTest, UnscaledDecimalsAreTwosComplementOfAnyLength) {
  using internal::ParseDecimalBase64;
  EXPECT_EQ(ParseDecimalBase64("AQ==", 4), "0.0001");
  EXPECT_EQ(ParseDecimalBase64("/w==", 4), "-0.0001");
  EXPECT_EQ(ParseDecimalBase64("AA==", 4), "0.0000");
  EXPECT_EQ(ParseDecimalBase64("gA==", 0), "-128");
  EXPECT_EQ(ParseDecimalBase64("A+g=", 4), "0.1000");
  EXPECT_EQ(ParseDecimalBase64("BWvHXi1jD///", 4), "9999999999999999.9999");
  EXPECT_EQ(ParseDecimalBase64("+pQ4odKc8AAB", 4), "-9999999999999999.9999");
  EXPECT_EQ(ParseDecimalBase64("AQAAAAAAAAAAAAAAAAAAAAA=", 0), "340282366920938463463374607431768211456");
  EXPECT_EQ(ParseDecimalBase64("", 4), std::nullopt);
  EXPECT_EQ(ParseDecimalBase64("???", 4), std::nullopt);
}

TEST_F(ChangeRecordTest, TimesReachFromInfinityToInfinity) {
  using internal::ParseTimestampText;
  EXPECT_EQ(ParseTimestampText("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ParseTimestampText("1969-12-31T23:59:59.500000Z"), -500'000);
  EXPECT_EQ(ParseTimestampText("2026-01-02T03:04:05.123456789Z"), 1'767'323'045'123'456);
  EXPECT_EQ(ParseTimestampText("2026-01-02T03:04:05.1+02:30"), 1'767'314'045'100'000);
  EXPECT_EQ(ParseTimestampText("2000-02-29T00:00:00Z"), 951'782'400'000'000);
  EXPECT_EQ(ParseTimestampText("infinity"), kInfiniteFuture);
  EXPECT_EQ(ParseTimestampText("-infinity"), kInfinitePast);
  EXPECT_EQ(ParseTimestampText("+294277-01-09T00:00:00Z"), kInfiniteFuture);
  EXPECT_EQ(ParseTimestampText("-4712-01-01T00:00:00Z"), -210'863'520'000'000'000);
  EXPECT_EQ(ParseTimestampText("0001-01-01T00:00:00Z"), -62'135'596'800'000'000);
  for (const char* bad : {"", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "now"}) {
    EXPECT_EQ(ParseTimestampText(bad), std::nullopt) << bad;
  }
}

TEST_F(ChangeRecordTest, KeysSortByNumberAndTellApartWhatLooksAlike) {
  const auto key = [](const Value& value) {
    std::string out;
    AppendKeyPart(value, out);
    return out;
  };
  EXPECT_LT(key(std::int64_t{-1}), key(std::int64_t{0}));
  EXPECT_LT(key(std::int64_t{9}), key(std::int64_t{10}));
  EXPECT_NE(key(std::string("1")), key(std::int64_t{1}));
  const std::string zero("a\0b", 3);
  EXPECT_EQ(KeyText(key(zero)), zero);
  EXPECT_EQ(KeyText(key(std::int64_t{-12}) + key(std::string("x"))), "-12,x");
}

// Rubbish of every kind is an error or is read as something; nothing else happens. A sanitizer watches.
TEST_F(ChangeRecordTest, MutatedRecordsNeverCrash) {
  constexpr int kRounds = 20'000;
  constexpr std::uint64_t kSeed = 20'261'122;
  std::mt19937_64 random(kSeed);
  std::cout << "seed " << kSeed << std::endl;
  const std::vector<Record> originals = {
      make_.Make({.table = "owner",
                  .operation = 'u',
                  .key = "{\"id\":1}",
                  .after = R"({"id":1,"name":"A\u2028","size":"BOI=","seen":"2026-01-02T03:04:05Z"})",
                  .lsn = 7,
                  .transaction = "70"}),
      make_.End("70", {{"owner", 2}}),
      make_.Make({.table = "note",
                  .operation = 'd',
                  .key = R"({"schema":{},"payload":{"id":5}})",
                  .lsn = 7,
                  .headers = {{"__debezium.newkey", "{\"id\":6}"}}})};
  constexpr char kBytes[] = "{}[]\",:\\u0000\xff\x80 nulltruefalse-1e9";
  int refused = 0;
  for (int round = 0; round < kRounds; ++round) {
    Record record = originals[random() % originals.size()];
    std::string value(*record.value);
    std::string key(record.key.value_or(""));
    for (int edits = 1 + static_cast<int>(random() % 4); edits > 0; --edits) {
      std::string& text = random() % 5 == 0 && !key.empty() ? key : value;
      if (text.empty()) continue;
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = kBytes[random() % (sizeof kBytes - 1)];
          break;
        case 1:
          text.erase(at, 1 + random() % 10);
          break;
        case 2:
          text.insert(at, 1, kBytes[random() % (sizeof kBytes - 1)]);
          break;
        default:
          text.resize(at);
          break;
      }
    }
    record.value = value;
    record.key = key;
    if (!Parse(record).ok()) ++refused;
  }
  EXPECT_GT(refused, kRounds / 4);
}

}  // namespace
}  // namespace daybook::cdc
