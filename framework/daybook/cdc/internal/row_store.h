#ifndef DAYBOOK_CDC_INTERNAL_ROW_STORE_H_
#define DAYBOOK_CDC_INTERNAL_ROW_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/table_schema.h"
#include "daybook/cdc/value.h"
#include "daybook/store/key_value.h"

namespace daybook::cdc::internal {

// Table number and key of a row as one string.
std::string RowId(int table, std::string_view key);
int TableOfRowId(std::string_view id);
std::string_view KeyOfRowId(std::string_view id);

// The last image of a captured row with its version (rule R1); kept when the row is deleted.
struct StoredRow {
  bool exists = false;
  bool held = false;               // deleted by a key change whose new row has not arrived: still shown (rule R7)
  std::uint64_t lsn = 0;           // of the last c, u or d applied; 0 = only snapshots so far
  std::uint64_t transaction = 0;   // of the same
  std::uint64_t moved_lsn = 0;     // the new key's record said that this row left with this lsn
  std::uint64_t snapshot_lsn = 0;  // of the last full snapshot that contained it
  std::string moved_to;            // key it went on under
  std::string coming_from;         // key of a held row that waits for this one
  std::vector<int> unknown;        // columns whose value was left out and is not known (rule R9)
  std::vector<Value> values;       // empty unless it exists or is held

  // Whether the row takes part in aggregates.
  bool Visible() const { return (held || exists) && moved_lsn <= lsn; }
  // Whether the source ever showed it, as against an entry that only waits for it.
  bool Seen() const { return exists || lsn > 0 || moved_lsn > 0; }
};

void EncodeRow(const StoredRow& row, std::string& out);
// False: not a row of this format.
bool DecodeRow(std::string_view in, StoredRow& row);

// Rows and their foreign-key indexes over a KeyValue, with the changes of the current batch on top.
//
// Thread safety: one thread. Invariant: the index holds exactly the visible rows (rule R2).
class RowStore {
 public:
  RowStore(const Catalog* catalog, store::KeyValue* kv, store::TableId rows, store::TableId index)
      : catalog_(catalog), kv_(kv), rows_(rows), index_(index) {}

  // nullptr: never seen. The pointer lives until Committed().
  absl::StatusOr<const StoredRow*> Find(int table, std::string_view key);

  // Replaces the row and its index entries.
  absl::Status Put(int table, std::string_view key, StoredRow row);

  // Keys of the visible rows whose foreign key has the value `target` (as AppendKeyPart makes it), in order, after the
  // key `after`, at most `limit`.
  absl::Status FindByForeignKey(int foreign_key, std::string_view target, std::string_view after, std::size_t limit,
                                std::vector<std::string>& keys);

  void AppendTo(store::WriteBatch& batch);
  void Committed();

 private:
  struct Entry {
    bool known = false;  // there is a row
    bool changed = false;
    std::string id;
    StoredRow row;
  };

  absl::StatusOr<Entry*> Load(int table, std::string_view key);
  void IndexKeys(int table, std::string_view key, const StoredRow& row, std::vector<std::string>& out) const;
  enum class IndexChange { kAdded, kRemoved };
  void ChangeIndex(std::string index_key, std::size_t key_size, IndexChange change);

  const Catalog* catalog_;
  store::KeyValue* kv_;
  store::TableId rows_;
  store::TableId index_;
  StringMap<std::unique_ptr<Entry>> cache_;  // by RowId
  std::vector<Entry*> changed_;
  absl::btree_map<std::string, bool> index_changes_;  // true = added
  // All keys below a value of a foreign key, with the current batch's: of few rows, that were asked for as a whole.
  StringMap<std::vector<std::string>> children_;
  std::string scratch_;
};

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_ROW_STORE_H_
