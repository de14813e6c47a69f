#include "daybook/cdc/table_schema.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/check.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/cdc/aggregate_mapping.h"

namespace daybook::cdc {
namespace {

constexpr char kIntPart = 1;
constexpr char kTextPart = 2;
constexpr char kBoolPart = 3;
constexpr char kDecimalPart = 4;
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// 0x00 inside becomes 0x00 0xff, the end is 0x00 0x00: prefixes stay apart and byte order is text order.
void AppendTerminated(std::string_view text, std::string& out) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.append(2, '\0');
}

std::string ConsumeTerminated(std::string_view& in) {
  std::string out;
  std::size_t i = 0;
  while (i < in.size()) {
    const char c = in[i++];
    if (c != '\0') {
      out.push_back(c);
      continue;
    }
    if (i >= in.size()) break;
    if (in[i++] == '\0') break;
    out.push_back('\0');
  }
  in.remove_prefix(i);
  return out;
}

}  // namespace

int Table::ColumnIndex(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return static_cast<int>(i);
  }
  return -1;
}

const Value& RowView::Get(std::string_view column) const {
  const int index = table_->ColumnIndex(column);
  DAYBOOK_CHECK(index >= 0, absl::StrCat("table ", table_->name, " has no column ", ToAbsl(column)));
  return (*values_)[static_cast<std::size_t>(index)];
}

std::string_view RowView::Text(std::string_view column) const {
  const Value& value = Get(column);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* decimal = std::get_if<Decimal>(&value)) return decimal->text;
  return {};
}

std::int64_t RowView::Int(std::string_view column) const {
  const auto* number = std::get_if<std::int64_t>(&Get(column));
  return number == nullptr ? 0 : *number;
}

bool RowView::Bool(std::string_view column) const {
  const auto* flag = std::get_if<bool>(&Get(column));
  return flag != nullptr && *flag;
}

const std::vector<RowTree>& RowTree::Many(std::string_view placement) const {
  for (const auto& [name, rows] : below) {
    if (name == placement) return rows;
  }
  DAYBOOK_CHECK(false, absl::StrCat("nothing is placed as ", ToAbsl(placement), " below ", row.table().name));
}

const RowTree* RowTree::One(std::string_view placement) const {
  const std::vector<RowTree>& rows = Many(placement);
  return rows.empty() ? nullptr : &rows.front();
}

void AppendKeyPart(const Value& value, std::string& out) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out.push_back(kIntPart);
    AppendBigEndian64(out, static_cast<std::uint64_t>(*number) ^ kSignBit);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out.push_back(kTextPart);
    AppendTerminated(*text, out);
  } else if (const auto* decimal = std::get_if<Decimal>(&value)) {
    out.push_back(kDecimalPart);
    AppendTerminated(decimal->text, out);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out.push_back(kBoolPart);
    out.push_back(*flag ? 1 : 0);
  } else {
    DAYBOOK_CHECK(false, "a key has no null parts");
  }
}

std::string KeyText(std::string_view key) {
  std::string out;
  while (!key.empty()) {
    if (!out.empty()) out.push_back(',');
    const char tag = key.front();
    key.remove_prefix(1);
    if (tag == kIntPart && key.size() >= 8) {
      absl::StrAppend(&out, static_cast<std::int64_t>(ReadBigEndian64(key.data()) ^ kSignBit));
      key.remove_prefix(8);
    } else if (tag == kBoolPart && !key.empty()) {
      out.append(key.front() != 0 ? "true" : "false");
      key.remove_prefix(1);
    } else {
      out.append(ConsumeTerminated(key));
    }
  }
  return out;
}

absl::StatusOr<Catalog> Catalog::Make(std::vector<Table> tables, std::vector<AggregateShape> aggregates) {
  Catalog catalog;
  catalog.tables_ = std::move(tables);
  catalog.aggregates_ = std::move(aggregates);
  const std::size_t count = catalog.tables_.size();
  catalog.nodes_of_.resize(count);
  catalog.foreign_keys_of_.resize(count);
  catalog.key_columns_.resize(count);
  for (std::size_t t = 0; t < count; ++t) {
    const Table& table = catalog.tables_[t];
    if (!catalog.by_name_.emplace(table.name, static_cast<int>(t)).second) {
      return absl::InvalidArgumentError(absl::StrCat("table ", table.name, " is declared twice"));
    }
    if (table.primary_key.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("table ", table.name, " has no primary key"));
    }
    for (const std::string& name : table.primary_key) {
      const int column = table.ColumnIndex(name);
      if (column < 0 || table.columns[static_cast<std::size_t>(column)].nullability == Nullability::kNull) {
        return absl::InvalidArgumentError(
            absl::StrCat("table ", table.name, ": key column ", name, " is missing or nullable"));
      }
      catalog.key_columns_[t].push_back(column);
    }
  }
  for (std::size_t a = 0; a < catalog.aggregates_.size(); ++a) {
    const AggregateShape& shape = catalog.aggregates_[a];
    const int table = catalog.FindTable(shape.root_table);
    if (table < 0) {
      return absl::InvalidArgumentError(absl::StrCat("aggregate ", shape.name, ": no table ", shape.root_table));
    }
    const int root = static_cast<int>(catalog.nodes_.size());
    catalog.nodes_.push_back(
        {static_cast<int>(a), -1, table, Placement::Link::kChild, -1, -1, shape.name, nullptr, {}});
    catalog.roots_.push_back(root);
    catalog.nodes_of_[static_cast<std::size_t>(table)].push_back(root);
    DAYBOOK_RETURN_IF_ERROR(catalog.AddNodes(static_cast<int>(a), root, shape.placements));
  }
  return catalog;
}

absl::Status Catalog::AddNodes(int aggregate, int parent, const std::vector<Placement>& placements) {
  for (const Placement& placement : placements) {
    const std::string place = absl::StrCat(aggregates_[static_cast<std::size_t>(aggregate)].name, ".", placement.name);
    const int table = FindTable(placement.table);
    if (table < 0) return absl::InvalidArgumentError(absl::StrCat(place, ": no table ", placement.table));
    const bool is_child = placement.link == Placement::Link::kChild;
    const int above = nodes_[static_cast<std::size_t>(parent)].table;
    const int holder = is_child ? table : above;
    const int target = is_child ? above : table;
    const int column = tables_[static_cast<std::size_t>(holder)].ColumnIndex(placement.column);
    if (column < 0) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": no column ", placement.column, " in ",
                                                     tables_[static_cast<std::size_t>(holder)].name));
    }
    if (key_columns_[static_cast<std::size_t>(target)].size() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": ", tables_[static_cast<std::size_t>(target)].name,
                                                     " is linked to and has a composite key"));
    }
    const int node = static_cast<int>(nodes_.size());
    nodes_.push_back({aggregate,
                      parent,
                      table,
                      placement.link,
                      column,
                      AddForeignKey(holder, column),
                      placement.name,
                      placement.filter,
                      {}});
    nodes_[static_cast<std::size_t>(parent)].below.push_back(node);
    nodes_of_[static_cast<std::size_t>(table)].push_back(node);
    DAYBOOK_RETURN_IF_ERROR(AddNodes(aggregate, node, placement.below));
  }
  return absl::OkStatus();
}

int Catalog::AddForeignKey(int table, int column) {
  for (std::size_t i = 0; i < foreign_keys_.size(); ++i) {
    if (foreign_keys_[i].table == table && foreign_keys_[i].column == column) return static_cast<int>(i);
  }
  foreign_keys_.push_back({table, column});
  foreign_keys_of_[static_cast<std::size_t>(table)].push_back(static_cast<int>(foreign_keys_.size()) - 1);
  return static_cast<int>(foreign_keys_.size()) - 1;
}

int Catalog::FindTable(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? -1 : found->second;
}

std::uint64_t Catalog::Fingerprint() const {
  std::string text;
  for (const Table& table : tables_) {
    absl::StrAppend(&text, "table ", table.name, "(");
    for (const Column& c : table.columns) absl::StrAppend(&text, c.name, ":", static_cast<int>(c.type), ",");
    for (const std::string& key : table.primary_key) absl::StrAppend(&text, "key ", key, ",");
    absl::StrAppend(&text, ")\n");
  }
  for (const ForeignKey& key : foreign_keys_) absl::StrAppend(&text, "index ", key.table, ".", key.column, "\n");
  for (const AggregateShape& shape : aggregates_) absl::StrAppend(&text, "aggregate ", shape.name, "\n");
  return Hash64(text);
}

}  // namespace daybook::cdc
