#ifndef DAYBOOK_STORE_KEY_VALUE_H_
#define DAYBOOK_STORE_KEY_VALUE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace daybook::store {

// One table of a KeyValue, from OpenTable; valid as long as the KeyValue, until the table is dropped.
class TableId {
 public:
  TableId() = default;
  explicit TableId(std::uint32_t value) : value_(value) {}
  std::uint32_t value() const { return value_; }
  friend bool operator==(TableId, TableId) = default;

 private:
  std::uint32_t value_ = 0;
};

// Changes to any tables of one KeyValue that are applied together, in order.
//
//   WriteBatch batch;
//   batch.Put(rows, key, image);
//   batch.Delete(index, old_key);
//   DAYBOOK_RETURN_IF_ERROR(kv->Write(batch, Durability::kSynced));
//
// Thread safety: one thread at a time.
class WriteBatch {
 public:
  struct Change {
    enum class Kind { kPut, kDelete, kDeleteRange };
    Kind kind;
    TableId table;
    std::string key;
    std::string value;  // kPut: the value; kDeleteRange: the end, exclusive
  };

  void Put(TableId table, std::string_view key, std::string_view value) {
    bytes_ += key.size() + value.size();
    changes_.push_back({Change::Kind::kPut, table, std::string(key), std::string(value)});
  }
  void Delete(TableId table, std::string_view key) {
    bytes_ += key.size();
    changes_.push_back({Change::Kind::kDelete, table, std::string(key), {}});
  }
  // Deletes every key in [begin, end). An empty `end` makes Write fail with kInvalidArgument.
  void DeleteRange(TableId table, std::string_view begin, std::string_view end) {
    bytes_ += begin.size() + end.size();
    changes_.push_back({Change::Kind::kDeleteRange, table, std::string(begin), std::string(end)});
  }

  const std::vector<Change>& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }
  std::size_t bytes() const { return bytes_; }
  void Clear() {
    changes_.clear();
    bytes_ = 0;
  }

 private:
  std::vector<Change> changes_;
  std::size_t bytes_ = 0;
};

// Walks over a key range in byte order. Thread safety: one thread at a time.
class KeyValueCursor {
 public:
  virtual ~KeyValueCursor() = default;

  // Moves to the next entry. False at the end. kDataLoss, naming the table, if what lies there is damaged.
  virtual absl::StatusOr<bool> Next() = 0;

  // Precondition: the last Next() gave true. The views live until the next call.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
};

// Reading, of a KeyValue as it is or of a snapshot of it. Thread safety: every method from any thread. It outlives its
// cursors.
class KeyValueReader {
 public:
  virtual ~KeyValueReader() = default;

  // nullopt: no such key. kDataLoss: damaged. kNotFound: the table was dropped.
  virtual absl::StatusOr<std::optional<std::string>> Get(TableId table, std::string_view key) const = 0;

  // Appends the value to `out` (a read without a copy of its own). False: no such key.
  virtual absl::StatusOr<bool> AppendTo(TableId table, std::string_view key, std::string& out) const = 0;

  // The entries in [begin, end) forwards, as they are at this call. An empty `end` = to the table's end. A dropped or
  // unknown table: the first Next is kNotFound.
  virtual std::unique_ptr<KeyValueCursor> Scan(TableId table, std::string_view begin, std::string_view end) const = 0;
};

// Whether Write returns before or after the data would survive a crash of the machine.
enum class Durability {
  kUnsynced,  // survives the process; after a machine's crash some suffix of the batches may be gone, never half of one
  kSynced,    // survives everything
};

// Ordered maps of bytes with atomic batches over them: read models, the gateway's rows and indexes.
//
//   DAYBOOK_ASSIGN_OR_RETURN(TableId rows, kv->OpenTable("rows"));
//   DAYBOOK_ASSIGN_OR_RETURN(std::optional<std::string> image, kv->Get(rows, key));
//
// Implementations: store/memory, store/rocks. testing/key_value_contract.h is the suite that both pass.
// Thread safety: every method from any thread; writers do not overlap (the implementation serialises them).
// Invariants:
//   1. A batch is applied whole or not at all, across any crash, over all its tables.
//   2. Batches survive in the order in which they were written: after a crash a prefix of them is there.
//   3. Damaged bytes are kDataLoss, never served.
class KeyValue : public KeyValueReader {
 public:
  // Opens, creating it if it is not there. Names: [a-z0-9_.]{1,64}, else kInvalidArgument.
  virtual absl::StatusOr<TableId> OpenTable(std::string_view name) = 0;

  // Removes the table and its contents. kNotFound if there is none.
  virtual absl::Status DropTable(std::string_view name) = 0;

  // Every table's name, sorted.
  virtual std::vector<std::string> TableNames() const = 0;

  // Applies the batch. kNotFound, nothing written: a table of it was dropped or never opened. kUnavailable once a write
  // has failed (poisoned, as EventStore invariant 4).
  virtual absl::Status Write(const WriteBatch& batch, Durability durability) = 0;

  // A consistent view of all tables as they are now. The KeyValue outlives it.
  virtual std::unique_ptr<KeyValueReader> Snapshot() const = 0;

  // Grows when a batch becomes readable, and at no other time: while it stays the same, so does what is read (of
  // tables that are not dropped). So what was made from reads that began after one call is still true if a later call
  // gives the same number. Says nothing beyond this object's life. Costs no more than reading an atomic number.
  virtual std::uint64_t ChangeNumber() const = 0;
};

// The end of the range of all keys that start with `prefix`; "" if there is none (all bytes 0xff).
std::string PrefixEnd(std::string_view prefix);

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_KEY_VALUE_H_
