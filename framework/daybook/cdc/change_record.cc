#include "daybook/cdc/change_record.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/shape.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/internal/column_text.h"

namespace daybook::cdc {
namespace {

namespace json = simdjson::ondemand;

constexpr std::string_view kNewKeyHeader = "__debezium.newkey";
constexpr std::string_view kOldKeyHeader = "__debezium.oldkey";

absl::Status Bad(std::string_view place, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(place), place.empty() ? "" : ": ", ToAbsl(what)));
}

absl::Status Bad(std::string_view place, simdjson::error_code error) {
  return Bad(place, simdjson::error_message(error));
}

#define DAYBOOK_CDC_JSON(place, expr)                                                        \
  do {                                                                                       \
    if (const simdjson::error_code daybook_json = (expr); daybook_json != simdjson::SUCCESS) \
      return Bad(place, daybook_json);                                                       \
  } while (false)

// The transaction part of "txid:lsn". Ids that are no numbers (other connectors) are hashed; the top bit keeps the two
// kinds apart.
std::uint64_t TransactionNumber(std::string_view id) {
  const std::string_view head = id.substr(0, id.find(':'));
  std::uint64_t number = 0;
  if (absl::SimpleAtoi(ToAbsl(head), &number) && number < (std::uint64_t{1} << 63)) return number;
  return Hash64(head) | (std::uint64_t{1} << 63);
}

SnapshotPhase PhaseOf(std::string_view text) {
  if (text == "false" || text.empty()) return SnapshotPhase::kNone;
  if (text == "first") return SnapshotPhase::kFirst;
  if (text == "last") return SnapshotPhase::kLast;
  if (text == "incremental") return SnapshotPhase::kIncremental;
  return SnapshotPhase::kRead;
}

// simdjson reads a few bytes past the end, so input is copied to where it may.
class PaddedCopy {
 public:
  simdjson::padded_string_view Of(std::string_view text) {
    if (buffer_.size() < text.size() + simdjson::SIMDJSON_PADDING) {
      buffer_.resize(2 * text.size() + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(buffer_.data(), text.data(), text.size());
    std::memset(buffer_.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
    return simdjson::padded_string_view(buffer_.data(), text.size(), buffer_.size());
  }

 private:
  std::string buffer_;
};

// What the envelope's own members say, before they are made a Change.
struct Envelope {
  std::string operation;
  bool has_source = false;
  bool has_values = false;   // `after` was an object
  bool values_read = false;  // and is decoded into Change::values by the hinted table
  bool has_tables_changed = false;
  std::string schema_name;
  std::string table_name;
  std::string snapshot;
  std::optional<std::uint64_t> lsn;
  std::optional<std::int64_t> time_ms;
  std::optional<std::int64_t> time_us;
  std::optional<std::string> transaction;
  std::int64_t collection_order = 0;
  // Transaction records.
  std::string status;
  std::string id;
  bool has_counts = false;
  // CloudEvents.
  bool is_cloud_event = false;

  void Clear() { *this = Envelope(); }
};

// Scales of decimal columns by name, from a record's `schema`; kept by the hash of its text.
using Scales = StringMap<int>;

}  // namespace

struct ChangeParser::Impl {
  Impl(const Catalog* c, ChangeParserOptions o) : catalog(c), options(std::move(o)) {
    column_order.resize(catalog->tables().size());
  }

  absl::Status ParseValue(const Record& record, Change& change);
  int TableOfEnvelope(std::string_view topic, int hint);
  absl::Status ReadAgainWithoutRow(simdjson::padded_string_view text, Change& change);
  absl::Status ReadEnvelope(json::object object, int table, bool inside_payload, Change& change);
  absl::Status ReadEnvelopeMember(json::field& field, int table, Change& change, bool& known);
  absl::Status ReadPayload(json::value value, int table, Change& change);
  absl::Status ReadCloudEventMember(json::field& field, int table, Change& change);
  absl::Status ReadSource(json::value value);
  absl::Status ReadTransactionBlock(json::value value);
  absl::Status ReadMessage(json::value value, Change& change);
  absl::Status ReadCounts(json::value value, Change& change);
  absl::Status ReadRow(json::object row, int table, Change& change);
  absl::Status ReadColumn(json::value value, const Column& column, int index, Change& change);
  absl::Status ReadDecimal(json::value value, const Column& column, Value& out);
  absl::Status ReadSchema(json::value value);
  absl::Status LearnScales(std::string_view raw, Scales& scales);
  absl::Status ReadKey(std::string_view text, std::string_view place, int table, std::string& out);
  absl::Status ReadKeyObject(json::object object, std::string_view place, int table, std::string& out);
  absl::Status Finish(const Record& record, Change& change);
  absl::Status FinishRow(const Record& record, Change& change);
  absl::Status FinishTransaction(Change& change);

  const Catalog* catalog;
  const ChangeParserOptions options;
  simdjson::ondemand::parser parser;
  simdjson::ondemand::parser key_parser;
  PaddedCopy value_copy;
  PaddedCopy key_copy;
  Envelope envelope;
  StringMap<int> table_of_topic;               // learned from `source`; saves a second pass over the record
  std::vector<std::vector<int>> column_order;  // per table: the column last seen at each place of a row
  absl::flat_hash_map<std::uint64_t, Scales> scales_by_schema;
  const Scales* scales = nullptr;  // of the record's schema, if it has one
  std::vector<bool> seen;
  std::string collection;
};

absl::Status ChangeParser::Impl::ReadDecimal(json::value value, const Column& column, Value& out) {
  int scale = column.scale;
  if (scales != nullptr) {
    if (const auto found = scales->find(column.name); found != scales->end()) scale = found->second;
  }
  json::json_type type;
  DAYBOOK_CDC_JSON(column.name, value.type().get(type));
  std::optional<std::string> text;
  if (type == json::json_type::string) {
    std::string_view raw;
    DAYBOOK_CDC_JSON(column.name, value.get_string().get(raw));
    // Base64 of a scaled number and plain digits differ by the point; without one the schema's word decides.
    if (scales == nullptr || !scales->contains(column.name)) text = internal::ParseDecimalText(raw);
    if (!text) text = internal::ParseDecimalBase64(raw, scale);
    if (!text) text = internal::ParseDecimalText(raw);
  } else if (type == json::json_type::number) {
    double number = 0;
    DAYBOOK_CDC_JSON(column.name, value.get_double().get(number));
    text = internal::DecimalFromDouble(number, column.scale);
  } else if (type == json::json_type::object) {  // numeric without a declared scale: {"scale":…,"value":base64}
    std::int64_t own_scale = 0;
    std::string_view raw;
    json::object object;
    DAYBOOK_CDC_JSON(column.name, value.get_object().get(object));
    DAYBOOK_CDC_JSON(column.name, object["scale"].get_int64().get(own_scale));
    DAYBOOK_CDC_JSON(column.name, object["value"].get_string().get(raw));
    if (own_scale >= 0 && own_scale < 20'000) text = internal::ParseDecimalBase64(raw, static_cast<int>(own_scale));
  }
  if (!text) return Bad(column.name, "expected a decimal number");
  out = Decimal{*std::move(text)};
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadColumn(json::value value, const Column& column, int index, Change& change) {
  Value& out = change.values[static_cast<std::size_t>(index)];
  bool null = false;
  DAYBOOK_CDC_JSON(column.name, value.is_null().get(null));
  if (null) {
    if (column.nullability == Nullability::kNotNull) return Bad(column.name, "null in a column that is not nullable");
    out = std::monostate();
    return absl::OkStatus();
  }
  switch (column.type) {
    case ColumnType::kBool: {
      bool flag = false;
      if (value.get_bool().get(flag) != simdjson::SUCCESS) return Bad(column.name, "expected true or false");
      out = flag;
      return absl::OkStatus();
    }
    case ColumnType::kInt64:
    case ColumnType::kDate:
    case ColumnType::kTimestampMicros:
    case ColumnType::kTimestampMillis: {
      std::int64_t number = 0;
      if (value.get_int64().get(number) != simdjson::SUCCESS) return Bad(column.name, "expected a whole number");
      if (column.type == ColumnType::kTimestampMillis) {
        constexpr std::int64_t kMillisMax = kInfiniteFuture / 1000;
        number = number > kMillisMax ? kInfiniteFuture : number < -kMillisMax ? kInfinitePast : number * 1000;
      }
      out = number;
      return absl::OkStatus();
    }
    case ColumnType::kDecimal:
      return ReadDecimal(value, column, out);
    case ColumnType::kText:
    case ColumnType::kPaddedText:
    case ColumnType::kTimestampTz:
      break;
  }
  std::string_view text;
  if (const auto error = value.get_string().get(text); error != simdjson::SUCCESS) {
    return error == simdjson::INCORRECT_TYPE ? Bad(column.name, "expected text") : Bad(column.name, error);
  }
  if (column.type == ColumnType::kTimestampTz) {
    const std::optional<std::int64_t> micros = internal::ParseTimestampText(text);
    if (!micros) return Bad(column.name, "expected a time in ISO 8601");
    out = *micros;
    return absl::OkStatus();
  }
  if (text == options.unavailable_value) change.placeholders.push_back(index);
  if (column.type == ColumnType::kPaddedText) text = text.substr(0, text.find_last_not_of(' ') + 1);
  out = std::string(text);
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadRow(json::object row, int table_index, Change& change) {
  const Table& table = catalog->tables()[static_cast<std::size_t>(table_index)];
  std::vector<int>& order = column_order[static_cast<std::size_t>(table_index)];
  change.values.assign(table.columns.size(), Value());
  change.placeholders.clear();
  change.unknown_columns = 0;
  seen.assign(table.columns.size(), false);
  std::size_t place = 0;
  for (auto member : row) {
    json::field field;
    DAYBOOK_CDC_JSON("row", std::move(member).get(field));
    const json::raw_json_string name = field.key();
    int index = place < order.size() ? order[place] : -1;
    if (index < 0 || !(name == std::string_view(table.columns[static_cast<std::size_t>(index)].name))) {
      index = -1;
      for (std::size_t i = 0; i < table.columns.size() && index < 0; ++i) {
        if (name == std::string_view(table.columns[i].name)) index = static_cast<int>(i);
      }
      if (order.size() <= place && place < 1024) order.resize(place + 1, -1);
      if (place < order.size()) order[place] = index;
    }
    ++place;
    if (index < 0) {
      ++change.unknown_columns;
      continue;
    }
    seen[static_cast<std::size_t>(index)] = true;
    if (absl::Status status = ReadColumn(field.value(), table.columns[static_cast<std::size_t>(index)], index, change);
        !status.ok()) {
      return Annotate(status, "after");
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i] && table.columns[i].presence == Presence::kMandatory) {
      return Bad(absl::StrCat("after.", table.columns[i].name), "a mandatory column is missing");
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadSource(json::value value) {
  json::object source;
  if (value.get_object().get(source) != simdjson::SUCCESS) {
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) return absl::OkStatus();  // a CloudEvent's own attribute
    return Bad("source", "expected an object");
  }
  envelope.has_source = true;
  for (auto member : source) {
    json::field field;
    DAYBOOK_CDC_JSON("source", std::move(member).get(field));
    const json::raw_json_string name = field.key();
    std::string_view text;
    if (name == "schema") {
      if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.schema_name = std::string(text);
    } else if (name == "table") {
      if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.table_name = std::string(text);
    } else if (name == "lsn") {
      std::uint64_t lsn = 0;
      if (field.value().get_uint64().get(lsn) == simdjson::SUCCESS) envelope.lsn = lsn;
    } else if (name == "ts_ms" || name == "ts_us") {
      std::int64_t time = 0;
      if (field.value().get_int64().get(time) == simdjson::SUCCESS) {
        (name == "ts_ms" ? envelope.time_ms : envelope.time_us) = time;
      }
    } else if (name == "snapshot") {
      bool flag = false;  // older connectors: true, false
      if (field.value().get_bool().get(flag) == simdjson::SUCCESS) {
        envelope.snapshot = flag ? "true" : "false";
      } else if (field.value().get_string().get(text) == simdjson::SUCCESS) {
        envelope.snapshot = std::string(text);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadTransactionBlock(json::value value) {
  bool null = false;
  DAYBOOK_CDC_JSON("transaction", value.is_null().get(null));
  if (null) return absl::OkStatus();
  json::object block;
  if (value.get_object().get(block) != simdjson::SUCCESS) return Bad("transaction", "expected an object");
  for (auto member : block) {
    json::field field;
    DAYBOOK_CDC_JSON("transaction", std::move(member).get(field));
    const json::raw_json_string name = field.key();
    if (name == "id") {
      std::string_view id;
      if (field.value().get_string().get(id) != simdjson::SUCCESS) return Bad("transaction.id", "expected text");
      envelope.transaction = std::string(id);
    } else if (name == "data_collection_order") {
      if (field.value().get_int64().get(envelope.collection_order) != simdjson::SUCCESS) {
        return Bad("transaction.data_collection_order", "expected a whole number");
      }
    }
  }
  return absl::OkStatus();
}

// Its content in base64, which is how both of the connector's usual settings show bytes.
absl::Status ChangeParser::Impl::ReadMessage(json::value value, Change& change) {
  json::object message;
  std::string_view prefix;
  std::string_view content;
  if (value.get_object().get(message) != simdjson::SUCCESS) return absl::OkStatus();  // another connector's own word
  if (message["prefix"].get_string().get(prefix) != simdjson::SUCCESS) return absl::OkStatus();
  change.message_prefix = std::string(prefix);
  if (message["content"].get_string().get(content) != simdjson::SUCCESS) return absl::OkStatus();
  if (!absl::Base64Unescape(ToAbsl(content), &change.message_content)) change.message_content.clear();
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadCounts(json::value value, Change& change) {
  bool null = false;
  DAYBOOK_CDC_JSON("data_collections", value.is_null().get(null));
  envelope.has_counts = true;
  if (null) return absl::OkStatus();
  json::array list;
  if (value.get_array().get(list) != simdjson::SUCCESS) return Bad("data_collections", "expected a list");
  for (auto element : list) {
    json::object entry;
    std::string_view collection;
    std::int64_t count = 0;
    if (element.get_object().get(entry) != simdjson::SUCCESS ||
        entry["data_collection"].get_string().get(collection) != simdjson::SUCCESS ||
        entry["event_count"].get_int64().get(count) != simdjson::SUCCESS) {
      return Bad("data_collections", "expected {data_collection, event_count}");
    }
    change.event_counts.emplace_back(std::string(collection), count);
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::LearnScales(std::string_view raw, Scales& out) {
  simdjson::dom::parser dom;  // once per schema, so convenience wins
  simdjson::dom::element root;
  DAYBOOK_CDC_JSON("schema", dom.parse(raw.data(), raw.size()).get(root));
  simdjson::dom::array parts;
  if (root["fields"].get(parts) != simdjson::SUCCESS) return absl::OkStatus();
  for (const simdjson::dom::element part : parts) {
    simdjson::dom::array columns;
    std::string_view part_name;
    if (part["field"].get(part_name) != simdjson::SUCCESS || part_name != "after") continue;
    if (part["fields"].get(columns) != simdjson::SUCCESS) continue;
    for (const simdjson::dom::element column : columns) {
      std::string_view type;
      std::string_view field;
      std::string_view scale_text;
      int scale = 0;
      if (column["field"].get(field) != simdjson::SUCCESS || column["name"].get(type) != simdjson::SUCCESS) continue;
      if (type != "org.apache.kafka.connect.data.Decimal") continue;
      if (column["parameters"]["scale"].get(scale_text) != simdjson::SUCCESS) continue;
      if (absl::SimpleAtoi(ToAbsl(scale_text), &scale)) out[std::string(field)] = scale;
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadSchema(json::value value) {
  json::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return absl::OkStatus();  // null: nothing to learn
  std::string_view raw;
  DAYBOOK_CDC_JSON("schema", object.raw_json().get(raw));
  const std::uint64_t hash = Hash64(raw);
  auto found = scales_by_schema.find(hash);
  if (found == scales_by_schema.end()) {
    Scales learned;
    DAYBOOK_RETURN_IF_ERROR(LearnScales(raw, learned));
    if (scales_by_schema.size() > 4096) scales_by_schema.clear();  // schemas change a few times in a table's life
    found = scales_by_schema.emplace(hash, std::move(learned)).first;
  }
  scales = &found->second;
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadPayload(json::value value, int table, Change& change) {
  json::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return absl::OkStatus();  // null: as a tombstone
  return ReadEnvelope(object, table, true, change);
}

absl::Status ChangeParser::Impl::ReadCloudEventMember(json::field& field, int table, Change& change) {
  const json::raw_json_string name = field.key();
  std::string_view text;
  if (name == "data") return ReadPayload(field.value(), table, change);
  if (name == "iodebeziumop") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.operation = std::string(text);
  } else if (name == "iodebeziumschema") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.schema_name = std::string(text);
  } else if (name == "iodebeziumtable") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.table_name = std::string(text);
    envelope.has_source = true;
  } else if (name == "iodebeziumsnapshot") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.snapshot = std::string(text);
  } else if (name == "iodebeziumlsn" || name == "iodebeziumtsms" ||
             name == "iodebeziumtransactiondatacollectionorder") {
    std::string_view raw;  // CloudEvents has only 32-bit integers, so these come as text or as numbers
    std::int64_t number = 0;
    json::value value = field.value();
    if (value.get_int64().get(number) != simdjson::SUCCESS &&
        (value.get_string().get(raw) != simdjson::SUCCESS || !absl::SimpleAtoi(ToAbsl(raw), &number))) {
      return absl::OkStatus();
    }
    if (name == "iodebeziumlsn") envelope.lsn = static_cast<std::uint64_t>(number);
    if (name == "iodebeziumtsms") envelope.time_ms = number;
    if (name == "iodebeziumtransactiondatacollectionorder") envelope.collection_order = number;
  } else if (name == "iodebeziumtransactionid") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.transaction = std::string(text);
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadEnvelopeMember(json::field& field, int table, Change& change, bool& known) {
  const json::raw_json_string name = field.key();
  known = true;
  if (name == "after") {
    json::object row;
    if (field.value().get_object().get(row) != simdjson::SUCCESS) return absl::OkStatus();
    envelope.has_values = true;
    if (table < 0) return absl::OkStatus();
    envelope.values_read = true;
    return ReadRow(row, table, change);
  }
  std::string_view text;
  if (name == "source") return ReadSource(field.value());
  if (name == "transaction") return ReadTransactionBlock(field.value());
  if (name == "data_collections") return ReadCounts(field.value(), change);
  if (name == "message") return ReadMessage(field.value(), change);
  if (name == "op") {
    if (field.value().get_string().get(text) != simdjson::SUCCESS) return Bad("op", "expected text");
    envelope.operation = std::string(text);
  } else if (name == "status") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.status = std::string(text);
  } else if (name == "id") {
    if (field.value().get_string().get(text) == simdjson::SUCCESS) envelope.id = std::string(text);
  } else if (name == "ddl" || name == "tableChanges") {
    envelope.has_tables_changed = true;
  } else {
    known = false;
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadEnvelope(json::object object, int table, bool inside_payload, Change& change) {
  for (auto member : object) {
    json::field field;
    DAYBOOK_CDC_JSON("", std::move(member).get(field));
    const json::raw_json_string name = field.key();
    if (name == "schema") {
      DAYBOOK_RETURN_IF_ERROR(ReadSchema(field.value()));
    } else if (name == "payload") {
      DAYBOOK_RETURN_IF_ERROR(ReadPayload(field.value(), table, change));
    } else if (!inside_payload && name == "specversion") {
      envelope.is_cloud_event = true;
    } else {
      bool known = false;
      DAYBOOK_RETURN_IF_ERROR(ReadEnvelopeMember(field, table, change, known));
      if (!known && !inside_payload) DAYBOOK_RETURN_IF_ERROR(ReadCloudEventMember(field, table, change));
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadKeyObject(json::object object, std::string_view place, int table,
                                               std::string& out) {
  const std::vector<int>& columns = catalog->key_columns(table);
  const Table& schema = catalog->tables()[static_cast<std::size_t>(table)];
  std::vector<Value> parts(columns.size());
  for (auto member : object) {
    json::field field;
    DAYBOOK_CDC_JSON(place, std::move(member).get(field));
    const json::raw_json_string name = field.key();
    if (name == "payload") {
      json::object inner;
      if (field.value().get_object().get(inner) != simdjson::SUCCESS) return Bad(place, "payload is not an object");
      return ReadKeyObject(inner, place, table, out);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Column& column = schema.columns[static_cast<std::size_t>(columns[i])];
      if (!(name == std::string_view(column.name))) continue;
      Change scratch;
      scratch.values.resize(schema.columns.size());
      if (absl::Status s = ReadColumn(field.value(), column, columns[i], scratch); !s.ok()) return Annotate(s, place);
      parts[i] = std::move(scratch.values[static_cast<std::size_t>(columns[i])]);
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (IsNull(parts[i])) {
      return Bad(place,
                 absl::StrCat("key column ", schema.columns[static_cast<std::size_t>(columns[i])].name, " is missing"));
    }
  }
  out.clear();
  for (const Value& part : parts) AppendKeyPart(part, out);
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::ReadKey(std::string_view text, std::string_view place, int table, std::string& out) {
  json::document document;
  json::object object;
  DAYBOOK_CDC_JSON(place, key_parser.iterate(key_copy.Of(text)).get(document));
  if (document.get_object().get(object) != simdjson::SUCCESS) return Bad(place, "expected an object");
  return ReadKeyObject(object, place, table, out);
}

absl::Status ChangeParser::Impl::FinishTransaction(Change& change) {
  if (envelope.status == "BEGIN") {
    change.kind = Change::Kind::kIgnored;
    change.ignored = "transaction begin";
    return absl::OkStatus();
  }
  if (envelope.status != "END") return Bad("status", absl::StrCat("neither BEGIN nor END: ", ShapeOf(envelope.status)));
  change.kind = Change::Kind::kTransactionEnd;
  change.transaction = TransactionNumber(envelope.id);
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::FinishRow(const Record& record, Change& change) {
  change.kind = Change::Kind::kRow;
  change.lsn = envelope.lsn;
  change.snapshot = PhaseOf(envelope.snapshot);
  const std::string& op = envelope.operation;
  if (op == "c") change.operation = Operation::kCreate;
  if (op == "u") change.operation = Operation::kUpdate;
  if (op == "d") change.operation = Operation::kDelete;
  if (op == "r") change.operation = Operation::kSnapshotRead;
  if (op != "r" && !change.lsn) return Bad("source.lsn", "missing, and only snapshot records may lack it");
  if (op == "d") {
    if (!record.key) return Bad("key", "null in a delete");
    DAYBOOK_RETURN_IF_ERROR(ReadKey(*record.key, "key", change.table, change.key));
  } else {
    if (!envelope.values_read) return Bad("after", "expected an object");
    change.key.clear();
    for (const int column : catalog->key_columns(change.table)) {
      AppendKeyPart(change.values[static_cast<std::size_t>(column)], change.key);
    }
  }
  for (const RecordHeader& header : record.headers) {
    if (op == "d" && header.name == kNewKeyHeader) {
      DAYBOOK_RETURN_IF_ERROR(ReadKey(header.value, kNewKeyHeader, change.table, change.new_key.emplace()));
    } else if (op == "c" && header.name == kOldKeyHeader) {
      DAYBOOK_RETURN_IF_ERROR(ReadKey(header.value, kOldKeyHeader, change.table, change.old_key.emplace()));
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeParser::Impl::Finish(const Record& record, Change& change) {
  change.source_time_us = envelope.time_us ? *envelope.time_us : envelope.time_ms.value_or(0) * 1000;
  if (envelope.transaction) {
    change.mark = TransactionMark{TransactionNumber(*envelope.transaction), envelope.collection_order};
  }
  const std::string& op = envelope.operation;
  change.kind = Change::Kind::kIgnored;
  if (op.empty()) {
    if (!envelope.status.empty() && !envelope.id.empty()) return FinishTransaction(change);
    if (envelope.has_tables_changed) {
      change.ignored = "schema change";
      return absl::OkStatus();
    }
    if (table_of_topic.contains(record.topic) || envelope.has_source || envelope.has_values) {
      return Bad("op", "missing");
    }
    change.ignored = "no change event";  // heartbeats, and whatever else shares the consumer's topics
    return absl::OkStatus();
  }
  if (op == "m") {
    change.kind = Change::Kind::kMessage;
    return absl::OkStatus();
  }
  if (!envelope.has_source || envelope.table_name.empty()) return Bad("source.table", "missing");
  if (change.table < 0) {
    change.ignored = "table not captured";
    return absl::OkStatus();
  }
  if (op == "t") {
    change.kind = Change::Kind::kTruncate;
    return absl::OkStatus();
  }
  if (op != "c" && op != "u" && op != "d" && op != "r")
    return Bad("op", absl::StrCat("unknown operation ", ShapeOf(op)));
  return FinishRow(record, change);
}

absl::Status ChangeParser::Impl::ReadAgainWithoutRow(simdjson::padded_string_view text, Change& change) {
  envelope.Clear();
  change.event_counts.clear();
  json::document document;
  json::object object;
  DAYBOOK_CDC_JSON("", parser.iterate(text).get(document));
  DAYBOOK_CDC_JSON("", document.get_object().get(object));
  return ReadEnvelope(object, -1, false, change);
}

// `hint`: the table that the topic had before, usually right.
int ChangeParser::Impl::TableOfEnvelope(std::string_view topic, int hint) {
  if (envelope.table_name.empty()) return -1;
  collection.assign(envelope.schema_name).append(1, '.').append(envelope.table_name);
  if (hint >= 0 && catalog->tables()[static_cast<std::size_t>(hint)].name == collection) return hint;
  const int table = catalog->FindTable(collection);
  if (table >= 0 && table_of_topic.size() < 10'000) table_of_topic[std::string(topic)] = table;
  return table;
}

absl::Status ChangeParser::Impl::ParseValue(const Record& record, Change& change) {
  const auto hint = table_of_topic.find(record.topic);
  int table = hint == table_of_topic.end() ? -1 : hint->second;
  const simdjson::padded_string_view text = value_copy.Of(*record.value);
  for (int pass = 0; pass < 2; ++pass) {
    envelope.Clear();
    change.event_counts.clear();
    scales = nullptr;
    json::document document;
    json::object object;
    DAYBOOK_CDC_JSON("", parser.iterate(text).get(document));
    if (const auto error = document.get_object().get(object); error != simdjson::SUCCESS) {
      return error == simdjson::INCORRECT_TYPE ? Bad("", "expected an object") : Bad("", error);
    }
    const absl::Status read = ReadEnvelope(object, table, false, change);
    // Even if a column was bad: whose record it is decides what becomes of it, and `source` follows `after`.
    if (!read.ok() && table >= 0 && !ReadAgainWithoutRow(text, change).ok()) {
      change.table = table;
      return read;
    }
    const int actual = TableOfEnvelope(record.topic, table);
    change.table = actual;
    if (!read.ok() && actual == table) {
      if (envelope.transaction) {
        change.mark = TransactionMark{TransactionNumber(*envelope.transaction), envelope.collection_order};
      }
      return read;
    }
    if (!read.ok() && table < 0) return read;
    if (actual == table || actual < 0 || !envelope.has_values) break;
    table = actual;  // the topic's usual table is not this record's
  }
  return Finish(record, change);
}

ChangeParser::ChangeParser(const Catalog* catalog, ChangeParserOptions options)
    : impl_(std::make_unique<Impl>(catalog, std::move(options))) {}
ChangeParser::~ChangeParser() = default;

absl::Status ChangeParser::Parse(const Record& record, Change& change) {
  change.kind = Change::Kind::kIgnored;
  change.ignored = {};
  change.table = -1;
  change.mark.reset();
  change.source_time_us = 0;
  change.snapshot = SnapshotPhase::kNone;
  change.new_key.reset();
  change.old_key.reset();
  change.lsn.reset();
  change.unknown_columns = 0;
  change.transaction = 0;
  change.message_prefix.clear();
  change.message_content.clear();
  if (!record.value) {
    change.ignored = "tombstone";
    return absl::OkStatus();
  }
  absl::Status status = impl_->ParseValue(record, change);
  if (status.ok()) return status;
  return Annotate(status, absl::StrCat(ToAbsl(record.topic), "[", record.partition, "]@", record.offset));
}

}  // namespace daybook::cdc
