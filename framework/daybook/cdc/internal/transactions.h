#ifndef DAYBOOK_CDC_INTERNAL_TRANSACTIONS_H_
#define DAYBOOK_CDC_INTERNAL_TRANSACTIONS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/change_record.h"
#include "daybook/cdc/table_schema.h"
#include "daybook/store/key_value.h"

namespace daybook::cdc::internal {

// What the source says a transaction was.
struct SaidChange {
  std::string text;          // "" = nothing
  std::int64_t time_us = 0;  // of the commit

  // The newest that says something.
  void Take(const SaidChange& other) {
    if (!other.text.empty() && (text.empty() || other.time_us >= time_us)) *this = other;
  }
};

// Source transactions of which something has arrived and something is missing (rule R4).
//
// A transaction is complete when its END was seen and as many events of every captured table as END counts, and as many
// logical messages if these are counted. Events are told apart by their place in the transaction, so that a second
// delivery does not count.
// Thread safety: one thread.
class Transactions {
 public:
  enum class Messages { kIgnored, kCounted };

  // What a transaction leaves behind.
  struct Closed {
    std::vector<std::string> waiters;  // aggregates, in order
    std::vector<std::string> rows;     // that it changed
    SaidChange said;
  };

  Transactions(const Catalog* catalog, store::TableId state, Messages messages)
      : catalog_(catalog), state_(state), messages_(messages) {}

  absl::Status Load(const store::KeyValueReader& reader, absl::Duration now);

  bool IsOpen(std::uint64_t id) const { return open_.contains(id); }
  bool WasCompleted(std::uint64_t id) const { return completed_set_.contains(id); }
  std::size_t size() const { return open_.size(); }
  // Ids of all open ones.
  std::vector<std::uint64_t> Open() const;
  // Those open for longer than `timeout`, each told of once. Looks at these only, however many are open.
  std::vector<std::uint64_t> Overdue(absl::Duration now, absl::Duration timeout);

  // An event of the transaction arrived. `row`: the changed row's id, "" = none was changed.
  void Arrived(const TransactionMark& mark, int table, std::string_view row, absl::Duration now);
  // A logical message of the transaction arrived; `said`: what it says of it.
  void Said(const TransactionMark& mark, SaidChange said, absl::Duration now);
  // Another row that the event changed.
  void AddRow(std::uint64_t id, std::string_view row);
  // END arrived.
  void Ended(std::uint64_t id, const std::vector<std::pair<std::string, std::int64_t>>& counts, absl::Duration now);
  // The aggregate waits for the transaction.
  void AddWaiter(std::uint64_t id, std::string_view aggregate);
  // Open transactions that changed the row; nullptr = none.
  const std::vector<std::uint64_t>* OfRow(std::string_view row) const;

  // Transactions that became complete since the last call.
  std::vector<std::uint64_t> TakeComplete();
  // Ends it, complete or not.
  Closed Close(std::uint64_t id);

  void AppendTo(store::WriteBatch& batch);

 private:
  struct OpenOne {
    bool ended = false;
    bool stored = false;          // there is something of it in the state table
    bool header_changed = false;  // `ended` and `missing` are not stored yet
    absl::Duration first_seen;
    std::vector<std::int64_t> expected;  // by table, then of messages; after END
    std::vector<std::int64_t> arrived;   // likewise
    absl::flat_hash_set<std::pair<int, std::int64_t>> events;
    std::vector<std::pair<std::string, std::string>> unstored;  // key and value of event and row entries
    std::vector<std::string> rows;
    StringSet waiters;
    SaidChange said;
    std::int64_t said_order = 0;  // place of the message that says it
  };

  // The place of messages behind the tables.
  std::size_t messages_place() const { return catalog_->tables().size(); }
  OpenOne& Get(std::uint64_t id, absl::Duration now);
  void CheckComplete(std::uint64_t id, const OpenOne& one);
  void NoteRow(std::uint64_t id, OpenOne& one, std::string_view row);

  const Catalog* catalog_;
  store::TableId state_;
  const Messages messages_;
  absl::flat_hash_map<std::uint64_t, OpenOne> open_;
  std::deque<std::pair<absl::Duration, std::uint64_t>> opened_;  // by first_seen; some are closed by now
  StringMap<std::vector<std::uint64_t>> rows_;
  std::vector<std::uint64_t> complete_;
  std::vector<std::uint64_t> stored_and_closed_;
  absl::flat_hash_set<std::uint64_t> changed_;
  std::deque<std::uint64_t> completed_order_;
  absl::flat_hash_set<std::uint64_t> completed_set_;
};

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_TRANSACTIONS_H_
