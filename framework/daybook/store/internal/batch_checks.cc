#include "daybook/store/internal/batch_checks.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::store::internal {
namespace {

absl::Status CheckStream(const StreamId& stream, std::string_view where) {
  if (stream.IsValid()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(where), ": \"", absl::CHexEscape(stream.text()), "\" is not a valid stream id"));
}

absl::Status CheckAppend(const StreamAppend& append, std::size_t& bytes) {
  DAYBOOK_RETURN_IF_ERROR(CheckStream(append.stream, "append"));
  const std::string& name = append.stream.text();
  if (append.events.empty()) return absl::InvalidArgumentError(absl::StrCat("append to ", name, ": no events"));
  if (append.events.size() > kAppendEventsMax) {
    return absl::InvalidArgumentError(absl::StrCat("append to ", name, ": ", append.events.size(),
                                                   " events, but one command may have at most ", kAppendEventsMax));
  }
  for (const EventData& event : append.events) {
    const std::size_t size = event.type.size() + event.envelope.size() + event.data.size();
    if (size > kEventBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("append to ", name, ": an event of ", size, " bytes, but the limit is ", kEventBytesMax));
    }
    bytes += size;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSnapshot(const SnapshotRow& row) {
  DAYBOOK_RETURN_IF_ERROR(CheckStream(row.stream, "snapshot"));
  if (row.revision == Revision() || row.position == Position()) {
    return absl::InvalidArgumentError(
        absl::StrCat("snapshot of ", row.stream.text(), ": revision and position start at 1"));
  }
  return absl::OkStatus();
}

absl::Status CheckBatch(const Batch& batch) {
  std::size_t bytes = 0;
  for (const StreamAppend& append : batch.appends) DAYBOOK_RETURN_IF_ERROR(CheckAppend(append, bytes));
  for (const OutcomeRow& row : batch.outcomes) bytes += row.value.size();
  for (const SnapshotRow& row : batch.snapshots) {
    DAYBOOK_RETURN_IF_ERROR(CheckSnapshot(row));
    bytes += row.state.size();
  }
  for (const DeadlineRow& row : batch.deadlines_set) bytes += row.payload.size();
  if (bytes > kBatchBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a batch of ", bytes, " bytes, but the limit is ", kBatchBytesMax));
  }
  return absl::OkStatus();
}

absl::Status CheckEpoch(WriterEpoch epoch, WriterEpoch seen) {
  if (epoch >= seen) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("writer epoch ", epoch.value(), " is fenced: epoch ", seen.value(),
                                                    " owns the partition now; stop writing"));
}

absl::Status CheckFirstPosition(Position wanted, Position next) {
  if (wanted == Position() || wanted == next) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the batch starts at position ", wanted.value(), " but the log's next is ",
                                          next.value(), "; nothing was written"));
}

absl::Status CheckExpected(const StreamAppend& append, Revision head) {
  if (append.expected.Admits(head)) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("stream ", append.stream.text(), ": expected ", append.expected.ToString(),
                                         ", but it is at revision ", head.value()));
}

bool TakesSnapshot(const SnapshotRow& row, Revision stored, Position watermark) {
  return row.position <= watermark && row.revision >= stored;
}

absl::Status CheckTableName(std::string_view name) {
  bool valid = !name.empty() && name.size() <= 64;
  for (const char c : name) {
    valid = valid && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.');
  }
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CHexEscape(ToAbsl(name)), "\" is not a table name: [a-z0-9_.], 1 to 64 characters"));
}

absl::Status CheckChange(const WriteBatch::Change& change) {
  if (change.kind != WriteBatch::Change::Kind::kDeleteRange || !change.value.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("DeleteRange without an end: name the first key that stays");
}

}  // namespace daybook::store::internal
