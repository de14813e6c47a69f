#ifndef DAYBOOK_CDC_GATEWAY_H_
#define DAYBOOK_CDC_GATEWAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/cdc/aggregate_mapping.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/record.h"
#include "daybook/cdc/table_schema.h"
#include "daybook/store/key_value.h"

namespace daybook::cdc {

// Whether aggregates wait for the end of their source transaction.
enum class TransactionMode {
  kMetadata,  // a record that carries a transaction block waits for that transaction; others are debounced
  kIgnore,    // everything is debounced: for connectors whose transaction topic is not consumed
};

// Whether this gateway is the one that publishes.
enum class Role {
  kActive,   // puts commands into its outbox and publishes them
  kStandby,  // applies every record and publishes nothing: another gateway over the same topics does
};

struct GatewayOptions {
  // Where records that are not understood go. Aggregates and commands that were refused are always written to the
  // directory.
  enum class DeadLetters {
    kDirectory,  // a file in dead_letter_directory
    kSink,       // CommandSink::PublishDeadLetter, through the outbox
  };

  std::string name = "gateway";  // of the dead-letter file
  Catalog catalog;
  std::vector<const AggregateMapping*> mappings;  // one per aggregate of the catalog, in its order; not owned
  std::string dead_letter_directory;              // created when the first one is written
  DeadLetters dead_letters = DeadLetters::kDirectory;
  Role role = Role::kActive;
  // Its records are dead letters sent back: they lie out of their order, so that they belong to no transaction, and a
  // snapshot read among them applies only if nothing is known of its row. "" = none.
  std::string replay_topic;
  // What a logical message of the source (op m) says its transaction was: Command::source_change of what that
  // transaction causes; of several messages the first that says something. "" = it says nothing. With it, a transaction
  // waits for its messages as it waits for its rows; without, they are ignored. Pure and quick.
  std::function<std::string(std::string_view prefix, std::string_view content)> describe;
  const Clock* clock = &Clock::System();  // not owned

  TransactionMode transactions = TransactionMode::kMetadata;
  absl::Duration quiet_period = absl::Milliseconds(50);    // debounce: emitted after this long without a change
  absl::Duration delay_max = absl::Seconds(1);             // debounce: emitted after this long in any case
  absl::Duration transaction_timeout = absl::Seconds(30);  // an incomplete transaction is taken as complete
  absl::Duration parked_ttl = absl::InfiniteDuration();    // a parked aggregate is also written as a dead letter
  std::string unavailable_value = "__debezium_unavailable_value";

  std::size_t emissions_per_batch_max = 2000;  // aggregates
  std::size_t fan_out_chunk = 1000;            // rows looked at per batch for a shared row's change (rule R11)
  std::size_t commands_in_flight_max = 1024;
  std::size_t outbox_commands_max = 100'000;  // beyond it Ingest refuses
  // How many lines that were set aside are remembered, by their hash: one that comes again after so many others is a
  // dead letter again.
  std::size_t bad_lines_max = 10'000;
  // Of the letters that other gateways published and whose records are still to be read, how many are remembered, by
  // their id: the records of those before them are published as letters again.
  std::size_t letters_seen_max = 100'000;
};

// What the gateway counted since it was opened, and gauges of its state.
struct GatewayCounters {
  std::uint64_t records = 0;
  std::uint64_t applied = 0;            // c, u, d and r that changed or confirmed a row
  std::uint64_t skipped_by_offset = 0;  // delivered before
  std::uint64_t skipped_by_lsn = 0;     // delivered before, under another offset
  std::uint64_t ignored = 0;            // tombstones, heartbeats, tables not captured …
  std::uint64_t transactions = 0;       // completed
  std::uint64_t transactions_timed_out = 0;
  std::uint64_t commands = 0;      // put into the outbox
  std::uint64_t suppressed = 0;    // equal to the last one of their aggregate
  std::uint64_t published = 0;     // acknowledged by the sink
  std::uint64_t dead_letters = 0;  // records, aggregates and commands
  std::uint64_t unknown_columns = 0;
  std::uint64_t replayed = 0;  // records of the replay topic
  std::uint64_t observed = 0;  // commands taken in by Observe: of another gateway, or lost here with the machine

  std::uint64_t outbox = 0;             // waiting or in flight
  std::uint64_t dirty = 0;              // aggregates changed and not yet emitted
  std::uint64_t held = 0;               // of those: a standby waits until the active one's command is read back
  std::uint64_t open_transactions = 0;  // incomplete
  std::uint64_t parked = 0;             // aggregates waiting for a row
  absl::Duration oldest_parked;
  std::uint64_t incomplete = 0;                  // of the parked: a value was left out and is not known (rule R9)
  std::uint64_t rows_missing_from_snapshot = 0;  // SnapshotCheck::missing
  absl::Duration source_lag;                     // now - commit time of the newest change seen (rule R14)
};

// What is known of the newest full snapshot of the source (rule R12): rows that it lacks were deleted, or given another
// key, while nobody listened. Nothing is done about them here.
struct SnapshotCheck {
  enum class Stage {
    kNone,     // none was seen
    kReading,  // its end was not seen yet
    kEnded,    // which rows it lacks is to be found out, or is being
    kChecked,  // it is known
  };
  static constexpr std::size_t kRowsNamedMax = 1000;

  Stage stage = Stage::kNone;
  std::uint64_t lsn = 0;                         // the snapshot's
  std::uint64_t missing = 0;                     // rows that are here, and neither in it nor changed since
  std::vector<std::string> rows;                 // the first of them, as "table key"
  std::vector<std::string> tables_without_rows;  // that have rows here and none in it: not counted as missing, since a
                                                 // snapshot of some tables looks like one of tables that are empty
};
std::string_view StageName(SnapshotCheck::Stage stage);

struct InputPosition {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;        // the last one applied: go on after it
  std::int64_t timestamp_ms = 0;  // that record's; 0 = not known
};

// A command or a dead letter, read back from where the sink puts them.
struct Published {
  std::string_view writer;     // Gateway::writer() of the one that published it
  std::string_view aggregate;  // Command::aggregate; "" = a dead letter
  std::uint64_t emission = 0;
  Uuid id;  // of the command or the letter
  std::string_view type;
  std::string_view payload;
};

// Turns change records of captured tables into one command per changed aggregate (rules R1 to R14 of
// docs/reference/formats/gateway.md): an anti-corruption layer between a relational source and event-sourced
// aggregates.
//
//   auto gateway = *Gateway::Open(std::move(options), kv, sink);
//   while (Poll(records)) DAYBOOK_RETURN_IF_ERROR(gateway->Ingest(records));   // Tick() when there are none
//   DAYBOOK_RETURN_IF_ERROR(gateway->Flush());                                 // a file's end
//
// Thread safety: one thread drives it; counters() and snapshot_check() from any thread. The sink may answer from any
// thread.
// Invariants:
//   1. Rows, indexes, open transactions, outbox and input positions of one Ingest are one WriteBatch: killed anywhere,
//      it goes on from the stored positions, and what was in the outbox is published again with the same command ids.
//   2. A command is published only after its batch is written and, unless the sink is read back (CommandSink::Recall),
//      it and all before it are durable; it leaves the outbox only when it is acknowledged. Other batches are not
//      synced: after a crash of the machine their records are read again, and what was published of them is read back.
//   3. The final state does not depend on how the partitions interleave.
//   4. With transaction metadata no command shows a part of a transaction (time-out and Flush excepted).
//   5. A record that cannot be understood is durable among the dead letters before the position moves past it.
//   6. After an error of the KeyValue every call returns that error: open a new Gateway.
//   7. Of gateways over the same topics, each with a KeyValue of its own, one active at a time: given all that was
//      published (Observe) and all that the one before had read, before it becomes active, the next one publishes what
//      is missing, and nothing twice (of dead letters as far as letters_seen_max goes).
class Gateway {
 public:
  // Reads its state from `kv` (tables "cdc.*"; both not owned, outlive it). kFailedPrecondition: written by another
  // catalog or format; the message says what to do.
  static absl::StatusOr<std::unique_ptr<Gateway>> Open(GatewayOptions options, store::KeyValue* kv, CommandSink* sink);
  ~Gateway();

  // Applies the records in order and emits what became complete. Records of one partition come in the order of their
  // offsets. kResourceExhausted, of an active one: the outbox is full, nothing was applied, call Tick until it is not.
  // kFailedPrecondition: a captured table was truncated (rule R8); everything before that record is applied.
  absl::Status Ingest(std::span<const Record> records);

  // Emits what is due by the clock, publishes from the outbox, removes what was acknowledged. Call it at least every
  // quiet_period / 2 while there is no input. Never blocks on the sink.
  absl::Status Tick();

  // The inputs hold more than was read, and what an open transaction lacks may lie there: its time-out begins anew. For
  // who lags behind, or reads a file; called again as long as that is so.
  void NoteBehind();

  // Emits everything that is open, also of incomplete transactions. Parked aggregates stay parked.
  absl::Status Flush();

  // Ticks until the outbox is empty. kDeadlineExceeded with the number left.
  absl::Status Drain(absl::Duration timeout);

  // Where to go on, per partition; for the consumer's seek after Open.
  std::vector<InputPosition> Positions() const;
  // nullopt: nothing of this partition was applied or observed.
  std::optional<InputPosition> PositionIn(std::string_view topic, std::int32_t partition) const;

  // Takes in what was read back from the output, in its order, with the place of the last record of each partition
  // (all that was read, also what is other gateways'). What is in the outbox and was published leaves it; what another
  // gateway published becomes the last command of its aggregate, in place of any that waits here.
  absl::Status Observe(std::span<const Published> published, std::span<const InputPosition> places);

  // kActive: emits what differs from what was published. Call it once everything was applied and observed that the
  // one before may have read or written, and that one can write no more. kStandby: publishes nothing from now on.
  void SetRole(Role role);
  Role role() const;

  // Names this gateway's KeyValue among others; made when it is first opened.
  const std::string& writer() const;

  // Forgets where it stood in these topics: they were made anew, or what comes next there was deleted. Rows stay, so
  // that a snapshot taken into them brings what was missed. Returns how many partitions were forgotten.
  absl::StatusOr<std::size_t> ForgetPositions(std::span<const std::string> topics);

  // Remembers that a line of an input file could not be read: a dead letter, once per content (as long as
  // bad_lines_max allows).
  absl::Status SetAside(std::string_view raw, std::string_view place, const absl::Status& why);

  // Rule R12: when, by the clock's monotonic time, the end of a full snapshot was noticed that was not checked yet, or
  // that lacks rows and was checked before the last Open. nullopt: there is nothing to check. The end is the record
  // that says so, or, if that is of a table that is not captured, the first change behind the snapshot.
  std::optional<absl::Duration> SnapshotEndedAt() const;

  // Looks at the next `rows_max` rows for such as that snapshot lacks. True: all were looked at, or there is nothing to
  // check. To be called again and again once every partition was read to its end after SnapshotEndedAt(): what lies
  // unread is missing until it is applied, and what is applied then is taken off again. A row of a transaction that was
  // open when the snapshot was taken may be among them, until it changes. Reads all rows once, one to two microseconds
  // each, so that 10,000 hold the input up for 10 to 20 ms.
  absl::StatusOr<bool> CheckSnapshot(std::size_t rows_max);
  SnapshotCheck snapshot_check() const;

  GatewayCounters counters() const;

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_GATEWAY_H_
