#ifndef DAYBOOK_CDC_TABLE_SCHEMA_H_
#define DAYBOOK_CDC_TABLE_SCHEMA_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/value.h"

namespace daybook::cdc {

enum class ColumnType {
  kBool,
  kInt64,
  kText,             // text, varchar, uuid, enum, json
  kPaddedText,       // char(n): the blanks it is padded with are taken off
  kDecimal,          // numeric: whichever of Debezium's three forms arrives
  kTimestampTz,      // ISO text -> microseconds
  kTimestampMicros,  // timestamp(4..6) -> microseconds
  kTimestampMillis,  // timestamp(0..3) -> microseconds
  kDate,             // days since 1970
};

enum class Nullability { kNotNull, kNull };

// Whether a record without the column can be understood.
enum class Presence { kMandatory, kOptional };

struct Column {
  std::string name;
  ColumnType type = ColumnType::kText;
  Nullability nullability = Nullability::kNotNull;
  Presence presence = Presence::kMandatory;
  int scale = 0;           // kDecimal: digits after the point
  int max_characters = 0;  // text: declared length, 0 = unlimited. Short ones are never stored out of line (rule R9)
};

struct Table {
  std::string name;  // with its schema, as transaction records list it: "public.core_bank"
  std::vector<Column> columns;
  std::vector<std::string> primary_key;

  // -1: no such column.
  int ColumnIndex(std::string_view column) const;
};

// One stored row, seen by mappings and filters. Thread safety: a view; as long as the row.
// Asking for a column that the table does not have is a broken program and aborts.
class RowView {
 public:
  RowView(const Table* table, const std::vector<Value>* values) : table_(table), values_(values) {}

  const Table& table() const { return *table_; }
  const Value& Get(std::string_view column) const;
  bool IsNull(std::string_view column) const { return cdc::IsNull(Get(column)); }
  std::string_view Text(std::string_view column) const;  // text or decimal; "" if null or of another type
  std::int64_t Int(std::string_view column) const;       // 0 if null or of another type
  bool Bool(std::string_view column) const;              // false if null or of another type

 private:
  const Table* table_;
  const std::vector<Value>* values_;
};

// Where rows of a table belong in an aggregate, below the root or below another placement.
struct Placement {
  enum class Link {
    kChild,      // its own `column` holds the key of the row above: any number of rows
    kReference,  // the row above holds its key in `column`: none or one row; other aggregates may share it
  };
  using Filter = std::function<bool(const RowView&)>;

  std::string name;  // what the mapping asks for
  Link link = Link::kChild;
  std::string table;
  std::string column;
  std::vector<Placement> below;
  Filter filter;  // kChild: rows for which it is false do not belong to the aggregate; none = all do

  static Placement Child(std::string name, std::string table, std::string column, std::vector<Placement> below = {},
                         Filter filter = nullptr) {
    return {std::move(name), Link::kChild, std::move(table), std::move(column), std::move(below), std::move(filter)};
  }
  static Placement Reference(std::string name, std::string table, std::string column,
                             std::vector<Placement> below = {}) {
    return {std::move(name), Link::kReference, std::move(table), std::move(column), std::move(below), nullptr};
  }
};

// How captured tables make up one kind of aggregate: one aggregate per row of `root_table`.
struct AggregateShape {
  std::string name;  // in messages and metrics
  std::string root_table;
  std::vector<Placement> placements;
};

// The captured tables and the aggregates made of them: the user's declaration, checked and indexed.
//
//   Catalog catalog = *Catalog::Make({bank, account, owner}, {AggregateShape{"owner", "public.owner",
//       {Placement::Child("accounts", "public.account", "owner_id",
//                         {Placement::Reference("bank", "public.bank", "bank_id")})}}});
//
// Thread safety: immutable. Invariants:
//   1. every table, column and link named in it exists; rows that are linked to have a primary key of one column;
//   2. tables, foreign keys and placements are numbered from 0 in order of declaration.
class Catalog {
 public:
  // An indexed foreign key: rows of `table` found by the value of `column`.
  struct ForeignKey {
    int table;
    int column;
  };
  // A placement or a root (then parent = -1), flattened.
  struct Node {
    int aggregate;
    int parent;  // index of a Node
    int table;
    Placement::Link link;
    int column;       // kChild: of `table`; kReference: of the parent's table
    int foreign_key;  // kChild: finds the rows below a parent; kReference: finds the parents of a row
    std::string name;
    Placement::Filter filter;
    std::vector<int> below;
  };

  // kInvalidArgument with the offending name.
  static absl::StatusOr<Catalog> Make(std::vector<Table> tables, std::vector<AggregateShape> aggregates);

  const std::vector<Table>& tables() const { return tables_; }
  const std::vector<AggregateShape>& aggregates() const { return aggregates_; }
  const std::vector<ForeignKey>& foreign_keys() const { return foreign_keys_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<int>& roots() const { return roots_; }                        // node of each aggregate
  const std::vector<int>& nodes_of(int table) const { return nodes_of_[table]; }  // where a table is placed
  const std::vector<int>& foreign_keys_of(int table) const { return foreign_keys_of_[table]; }
  const std::vector<int>& key_columns(int table) const { return key_columns_[table]; }

  // -1: not captured.
  int FindTable(std::string_view name) const;

  // Changes whenever what is stored by this catalog would have another meaning.
  std::uint64_t Fingerprint() const;

 private:
  absl::Status AddNodes(int aggregate, int parent, const std::vector<Placement>& placements);
  int AddForeignKey(int table, int column);

  std::vector<Table> tables_;
  std::vector<AggregateShape> aggregates_;
  std::vector<ForeignKey> foreign_keys_;
  std::vector<Node> nodes_;
  std::vector<int> roots_;
  std::vector<std::vector<int>> nodes_of_;
  std::vector<std::vector<int>> foreign_keys_of_;
  std::vector<std::vector<int>> key_columns_;
  StringMap<int> by_name_;
};

// A row's key as bytes: equal keys have equal bytes, whole numbers sort by their value.
void AppendKeyPart(const Value& value, std::string& out);
// The key as people write it: "1234"; the parts of a composite one separated by commas.
std::string KeyText(std::string_view key);

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_TABLE_SCHEMA_H_
