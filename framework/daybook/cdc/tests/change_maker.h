#ifndef DAYBOOK_CDC_TESTS_CHANGE_MAKER_H_
#define DAYBOOK_CDC_TESTS_CHANGE_MAKER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/cdc/gateway.h"
#include "daybook/cdc/internal/json_text.h"
#include "daybook/cdc/record.h"
#include "daybook/cdc/table_schema.h"
#include "daybook/store/memory/memory_key_value.h"

namespace daybook::cdc::test {

// Owners with notes, cars (each of a shared make), a badge; and makes as aggregates of their own.
inline Catalog Garage() {
  const auto id = [](std::string name) { return Column{std::move(name), ColumnType::kInt64}; };
  const auto maybe = [](Column column) {
    column.nullability = Nullability::kNull;
    return column;
  };
  Column size{"size", ColumnType::kDecimal, Nullability::kNull, Presence::kOptional, 2};
  Column seen{"seen", ColumnType::kTimestampTz, Nullability::kNull, Presence::kOptional};
  absl::StatusOr<Catalog> catalog = Catalog::Make(
      {{"public.owner",
        {id("id"),
         {"name", ColumnType::kText},
         size,
         seen,
         {"sex", ColumnType::kPaddedText, Nullability::kNull, Presence::kOptional}},
        {"id"}},
       {"public.note", {id("id"), id("owner_id"), {"text", ColumnType::kText}}, {"id"}},
       {"public.car", {id("id"), maybe(id("owner_id")), id("make_id"), {"ours", ColumnType::kBool}}, {"id"}},
       {"public.make", {id("id"), {"name", ColumnType::kText}}, {"id"}}},
      {{"owner",
        "public.owner",
        {Placement::Child("notes", "public.note", "owner_id"),
         Placement::Child("cars", "public.car", "owner_id", {Placement::Reference("make", "public.make", "make_id")},
                          [](const RowView& car) { return car.Bool("ours"); })}},
       {"make", "public.make", {}}});
  return *std::move(catalog);
}

// Prints a tree: "Ann [hello,world] {Fiat}".
class TextMapping final : public AggregateMapping {
 public:
  explicit TextMapping(std::string category) : category_(std::move(category)) {}
  StreamId Stream(std::string_view key) const override { return StreamId(category_, key); }
  absl::StatusOr<MappedCommand> Sync(std::string_view, const RowTree& root) const override {
    std::string text(root.row.Text("name"));
    if (text == "unmappable") return absl::InvalidArgumentError("no");
    if (category_ == "make") return MappedCommand{"Sync", text};
    text += " [";
    for (const RowTree& note : root.Many("notes")) text += std::string(note.row.Text("text")) + ",";
    text += "] {";
    for (const RowTree& car : root.Many("cars")) text += std::string(car.One("make")->row.Text("name")) + ",";
    return MappedCommand{"Sync", text + "}"};
  }
  MappedCommand Forget(std::string_view) const override { return {"Forget", ""}; }

 private:
  const std::string category_;
};

// Records as Debezium makes them, kept alive; each table is a topic, `partition` is the test's choice.
class ChangeMaker {
 public:
  static constexpr char kMessages[] = "LOGICAL_DECODING_MESSAGE";  // as END counts them

  struct Spec {
    std::string table;  // "owner"
    char operation = 'c';
    std::string key;    // {"id":1}
    std::string after;  // JSON object, "" = null
    std::optional<std::int64_t> lsn = 0;
    std::string transaction;  // "" = none
    int order = 1;
    int partition = 0;
    std::string snapshot = "false";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string before = "";
  };

  Record Make(const Spec& s) {
    std::string value = absl::StrCat(
        "{\"before\":", s.before.empty() ? "null" : s.before, ",\"after\":", s.after.empty() ? "null" : s.after,
        ",\"source\":{\"ts_ms\":1700000000000,\"snapshot\":\"", s.snapshot, "\",\"schema\":\"public\",\"table\":\"",
        s.table, "\",\"txId\":1,\"lsn\":", s.lsn ? absl::StrCat(*s.lsn) : "null", "},\"op\":\"",
        std::string(1, s.operation), "\"");
    if (s.transaction.empty()) {
      absl::StrAppend(&value, ",\"transaction\":null}");
    } else {
      absl::StrAppend(&value, ",\"transaction\":{\"id\":\"", s.transaction, ":", s.lsn.value_or(0),
                      "\",\"total_order\":", s.order, ",\"data_collection_order\":", s.order, "}}");
    }
    return Raw(absl::StrCat("bos.public.", s.table), s.key, value, s.partition, s.headers);
  }

  // END of a transaction, with its counts by table.
  Record End(const std::string& transaction, const std::vector<std::pair<std::string, int>>& counts) {
    std::string list;
    for (const auto& [table, count] : counts) {
      absl::StrAppend(&list, list.empty() ? "" : ",", "{\"data_collection\":\"", table == kMessages ? "" : "public.",
                      table, "\",\"event_count\":", count, "}");
    }
    return Raw("bos.transaction", "{\"id\":\"1\"}",
               absl::StrCat("{\"status\":\"END\",\"id\":\"", transaction, ":999999\",\"event_count\":1,",
                            "\"data_collections\":[", list, "],\"ts_ms\":1}"));
  }
  Record Begin(const std::string& transaction) {
    return Raw("bos.transaction", "{\"id\":\"1\"}",
               absl::StrCat("{\"status\":\"BEGIN\",\"id\":\"", transaction,
                            ":1\",\"event_count\":null,\"data_collections\":null,\"ts_ms\":1}"));
  }

  // A logical message; `content` in base64.
  Record Message(const std::string& prefix, const std::string& content, const std::string& transaction, int order = 1,
                 std::int64_t time_ms = 1700000000000) {
    return Raw("bos.message", absl::StrCat("{\"prefix\":", Quoted(prefix), "}"),
               absl::StrCat(
                   "{\"op\":\"m\",\"ts_ms\":1,\"source\":{\"ts_ms\":", time_ms,
                   ",\"snapshot\":\"false\",\"schema\":\"\",\"table\":\"\",\"txId\":1,\"lsn\":5},",
                   "\"message\":{\"prefix\":", Quoted(prefix), ",\"content\":\"", content, "\"},", "\"transaction\":",
                   transaction.empty() ? "null"
                                       : absl::StrCat("{\"id\":\"", transaction,
                                                      ":5\",\"total_order\":1,\"data_collection_order\":", order, "}"),
                   "}"));
  }

  Record Raw(const std::string& topic, const std::optional<std::string>& key, const std::optional<std::string>& value,
             int partition = 0, const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    const auto keep = [this](std::string text) -> std::string_view { return kept_.emplace_back(std::move(text)); };
    Record record;
    record.topic = keep(topic);
    record.partition = partition;
    record.offset = next_[{topic, partition}]++;
    if (key) record.key = keep(*key);
    if (value) record.value = keep(*value);
    for (const auto& [name, text] : headers) record.headers.push_back({keep(name), keep(text)});
    return record;
  }

  // Shorthands: the usual rows.
  Record Owner(int id, const std::string& name, std::int64_t lsn, const std::string& tx = "", char op = 'c',
               int order = 1) {
    return Make(
        {"owner", op, KeyOf(id), absl::StrCat("{\"id\":", id, ",\"name\":", Quoted(name), "}"), lsn, tx, order});
  }
  Record Note(int id, int owner, const std::string& text, std::int64_t lsn, const std::string& tx = "", char op = 'c',
              int order = 1) {
    return Make({"note", op, KeyOf(id),
                 absl::StrCat("{\"id\":", id, ",\"owner_id\":", owner, ",\"text\":", Quoted(text), "}"), lsn, tx,
                 order});
  }
  Record Car(int id, int owner, int make, std::int64_t lsn, const std::string& tx = "", char op = 'c',
             bool ours = true) {
    return Make({"car", op, KeyOf(id),
                 absl::StrCat("{\"id\":", id, ",\"owner_id\":", owner == 0 ? "null" : absl::StrCat(owner),
                              ",\"make_id\":", make, ",\"ours\":", ours ? "true" : "false", "}"),
                 lsn, tx});
  }
  Record MakeRow(int id, const std::string& name, std::int64_t lsn, const std::string& tx = "", char op = 'c') {
    return Make({"make", op, KeyOf(id), absl::StrCat("{\"id\":", id, ",\"name\":", Quoted(name), "}"), lsn, tx});
  }
  Record Delete(const std::string& table, int id, std::int64_t lsn, const std::string& tx = "", int order = 1) {
    // As Debezium does it: the key, and zero values for the rest.
    return Make({.table = table,
                 .operation = 'd',
                 .key = KeyOf(id),
                 .lsn = lsn,
                 .transaction = tx,
                 .order = order,
                 .before = absl::StrCat("{\"id\":", id, ",\"owner_id\":0,\"text\":\"\",\"name\":\"\"}")});
  }

  static std::string KeyOf(int id) { return absl::StrCat("{\"id\":", id, "}"); }
  static std::string Quoted(const std::string& text) {
    std::string out;
    internal::AppendJsonString(text, out);
    return out;
  }

 private:
  std::deque<std::string> kept_;
  std::map<std::pair<std::string, int>, std::int64_t> next_;
};

class ManualClock final : public Clock {
 public:
  Timestamp Now() const override {
    return Timestamp::FromMicros(1'700'000'001'000'000 + absl::ToInt64Microseconds(passed_));
  }
  absl::Duration Monotonic() const override { return absl::Seconds(100) + passed_; }
  void Advance(absl::Duration by) { passed_ += by; }

 private:
  absl::Duration passed_ = absl::ZeroDuration();
};

// Writes down "owner/1 Ann [] {}".
class ListingSink final : public CommandSink {
 public:
  absl::Status Publish(const Command& command, Done done) override {
    if (!refuse.ok()) return refuse;
    ids.push_back(command.id.ToString());
    changes.push_back(command.source_change);
    list.push_back(absl::StrCat(command.stream.text(), " ", command.type == "Forget" ? "forgotten" : command.payload));
    if (keep_answers) {
      answers.push_back(std::move(done));
    } else {
      done(answer);
    }
    return absl::OkStatus();
  }
  std::vector<std::string> Take() { return std::exchange(list, {}); }

  absl::Status refuse;
  absl::Status answer;
  bool keep_answers = false;
  std::vector<Done> answers;
  std::vector<std::string> ids;
  std::vector<std::string> changes;  // what the source says of each
  std::vector<std::string> list;
};

}  // namespace daybook::cdc::test

#endif  // DAYBOOK_CDC_TESTS_CHANGE_MAKER_H_
