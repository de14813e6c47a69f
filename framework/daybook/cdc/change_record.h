#ifndef DAYBOOK_CDC_CHANGE_RECORD_H_
#define DAYBOOK_CDC_CHANGE_RECORD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "daybook/cdc/record.h"
#include "daybook/cdc/table_schema.h"
#include "daybook/cdc/value.h"

namespace daybook::cdc {

enum class Operation { kCreate, kUpdate, kDelete, kSnapshotRead };

enum class SnapshotPhase {
  kNone,         // streamed
  kRead,         // of a full snapshot, in its middle
  kFirst,        // the snapshot's first record
  kLast,         // the snapshot's last record
  kIncremental,  // of an incremental snapshot: carries no lsn
};

// A change's place in its source transaction.
struct TransactionMark {
  std::uint64_t transaction = 0;      // the part of Debezium's id before the colon
  std::int64_t collection_order = 0;  // among the events of its table, from 1
};

// What one record says, read in the words of a Catalog.
struct Change {
  enum class Kind {
    kRow,             // c, u, d or r of a captured table
    kTruncate,        // of a captured table
    kTransactionEnd,  // with the number of events per table
    kMessage,         // a logical message, which a transaction of the source wrote beside its rows
    kIgnored,         // understood, and of no consequence: see `ignored`
  };

  Kind kind = Kind::kIgnored;
  std::string_view ignored;  // "tombstone", "heartbeat", "table not captured", …

  // kRow and kTruncate. Also set, as far as they were read, if parsing failed.
  int table = -1;
  std::optional<TransactionMark> mark;
  std::int64_t source_time_us = 0;  // commit time; 0 = absent

  // kRow.
  Operation operation = Operation::kSnapshotRead;
  SnapshotPhase snapshot = SnapshotPhase::kNone;
  std::string key;                     // as AppendKeyPart makes it
  std::optional<std::string> new_key;  // d of a key change: the row goes on under this one
  std::optional<std::string> old_key;  // c of a key change: the row came from this one
  std::vector<Value> values;           // c, u, r: in the table's column order
  std::vector<int> placeholders;       // columns whose text is the placeholder for a value left out
  std::optional<std::uint64_t> lsn;    // always there for c, u, d
  std::uint64_t unknown_columns = 0;

  // kMessage; it has a mark if it belongs to a transaction.
  std::string message_prefix;
  std::string message_content;  // bytes

  // kTransactionEnd.
  std::uint64_t transaction = 0;
  std::vector<std::pair<std::string, std::int64_t>> event_counts;  // by table name
};

struct ChangeParserOptions {
  std::string unavailable_value = "__debezium_unavailable_value";
};

// Reads change records of Debezium's PostgreSQL connector: bare or with schemas, or wrapped as CloudEvents in JSON;
// with numerics as base64, text or double; and the records beside them (transactions, heartbeats, tombstones, schema
// changes).
//
//   ChangeParser parser(&catalog);
//   Change change;
//   if (absl::Status s = parser.Parse(record, change); !s.ok()) SetAside(record, s);
//
// Thread safety: one thread at a time (it keeps its buffers). The catalog outlives it.
class ChangeParser {
 public:
  explicit ChangeParser(const Catalog* catalog, ChangeParserOptions options = {});
  ~ChangeParser();

  // Replaces `change`. kInvalidArgument naming topic, partition, offset and the place in the JSON:
  // not understood; see Change for what is then set.
  absl::Status Parse(const Record& record, Change& change);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_CHANGE_RECORD_H_
