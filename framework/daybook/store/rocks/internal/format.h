#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_FORMAT_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/store/event_store.h"

// The bytes of the event store on disk, as docs/reference/formats/event-store.md describes them.
namespace daybook::store::internal {

inline constexpr std::uint32_t kEventStoreFormat = 1;
inline constexpr std::size_t kPageBytes = 4096;  // a page is complete once it is this long

// --- Seals -----------------------------------------------------------------------------------------------------------

// The last four bytes of every row outside the log: a checksum of its key and value.
inline constexpr std::size_t kSealSize = 4;
void AppendSeal(std::string_view key, std::string& value);
// The value without its seal; nullopt if it does not fit `key` and value.
std::optional<std::string_view> OpenSeal(std::string_view key, std::string_view sealed);

// --- Log: last position of the page -> page --------------------------------------------------------------------------

std::string PositionKey(Position position);
void SetPositionBytes(Position position, std::string& bytes);  // the same, also the value of an index row

// Collects consecutive events into one page. Thread safety: one thread at a time.
class PageBuilder {
 public:
  // `position` is the last one's successor, unless the page is empty.
  void Add(const StreamId& stream, Revision revision, std::uint32_t index, std::uint32_t count, const EventData& event,
           Position position);

  bool empty() const { return events_ == 0; }
  bool full() const { return !empty() && records_.size() >= kHeaderRoom + kPageBytes; }

  // The page, valid until the next Add; it is empty again afterwards.
  std::string_view Finish();
  // Empties it.
  void Clear() { events_ = 0; }

 private:
  static constexpr std::size_t kHeaderRoom = 10;  // for the number of events, which Finish puts before the records

  std::string records_;
  std::uint64_t events_ = 0;
};

// Walks over the events of a page.
class PageReader {
 public:
  PageReader() = default;

  // `page` ends with position `last` and outlives the reader. kDataLoss if the head of the page is damaged.
  static absl::StatusOr<PageReader> Open(std::string_view page, Position last);

  // No events: made by the default constructor, or read to the end.
  bool at_end() const { return next_ > last_; }
  Position next() const { return Position(next_); }
  Position last() const { return Position(last_); }

  // Reads the event at next() into `event` and moves on; the views point into the page. kDataLoss if it is damaged; the
  // reader then stays. Precondition: !at_end().
  absl::Status Read(EventView& event);

  // Moves to `position` without looking at what lies between. Precondition: next() <= position <= last().
  absl::Status SkipTo(Position position);

 private:
  absl::Status Damaged(std::string_view what) const;

  std::string_view rest_;
  std::uint64_t next_ = 1;
  std::uint64_t last_ = 0;
};

// --- Index: stream, revision -> position; stream, 0 -> head ----------------------------------------------------------

inline constexpr std::size_t kRevisionSize = 8;
void SetIndexKey(std::string_view stream, Revision revision, std::string& key);
Revision RevisionOfIndexKey(std::string_view key);
std::optional<Position> ParsePositionValue(std::string_view value);

void SetHeadValue(std::string_view key, const StreamHead& head, std::string& value);
std::optional<StreamHead> ParseHeadValue(std::string_view key, std::string_view value);

// --- Other rows ------------------------------------------------------------------------------------------------------

void SetOutcomeValue(const OutcomeRow& row, std::string& value);  // the key is the id's 16 bytes
std::optional<OutcomeRow> ParseOutcome(std::string_view key, std::string_view value);
// When the outcome was decided, whatever its seal says; nullopt if the value is too short.
std::optional<Timestamp> PeekDecidedAt(std::string_view value);

void SetSnapshotValue(const SnapshotRow& row, std::string& value);  // the key is the stream's text
std::optional<SnapshotRow> ParseSnapshot(const StreamId& stream, std::string_view value);
std::optional<SnapshotRow> ParseSnapshotUnchecked(const StreamId& stream, std::string_view value);  // a seeded bug's

std::string DeadlineKey(const DeadlineRow& row);
// The first key that is not due at `until`; "" if there is none.
std::string DeadlineKeyAfter(Timestamp until);
std::string DeadlineValue(std::string_view key, std::string_view payload);
std::optional<DeadlineRow> ParseDeadline(std::string_view key, std::string_view value);

// What meta's row "commit" holds: counts the durable batches, and repeats where the log ends.
struct CommitRow {
  std::uint64_t number = 0;
  Position last;
};
inline constexpr std::string_view kMetaFormat = "format";
inline constexpr std::string_view kMetaPartition = "partition";
inline constexpr std::string_view kMetaEpoch = "epoch";
inline constexpr std::string_view kMetaCommit = "commit";
std::string MetaInputKey(std::string_view source);
std::string NumberValue(std::string_view key, std::uint64_t number);
std::optional<std::uint64_t> ParseNumberValue(std::string_view key, std::string_view value);
void SetCommitValue(const CommitRow& row, std::string& value);
std::optional<CommitRow> ParseCommitValue(std::string_view value);

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_FORMAT_H_
