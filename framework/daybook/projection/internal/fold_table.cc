#include "daybook/projection/internal/fold_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/codec/message_codec.h"
#include "daybook/projection/internal/keys.h"

namespace daybook::projection::internal {

namespace {

// A parsed message takes a few times its wire form; measured on the beneficiary's state, 3 to 4.
constexpr std::size_t kParsedFactor = 4;
constexpr std::size_t kEntryOverheadBytes = 512;

absl::Status Damaged(std::string_view stream) {
  return absl::DataLossError(absl::StrCat("the kept state of stream ", ToAbsl(stream), " does not parse: rebuild"));
}

}  // namespace

absl::StatusOr<FoldTable::Entry> FoldTable::Load(const store::EventView& event, const google::protobuf::Message& empty,
                                                 StagedWriter& out) {
  Entry entry;
  std::optional<StreamId> stream = StreamId::Parse(event.stream);
  if (!stream) return absl::DataLossError(absl::StrCat("'", ToAbsl(event.stream), "' is no stream id"));
  entry.stream = *std::move(stream);
  entry.state.reset(empty.New());
  entry.bytes = kEntryOverheadBytes + event.data.size() * kParsedFactor;
  if (event.revision == Revision(1)) return entry;  // spares the lookup of what cannot be there

  std::optional<std::string> row = out.GetOwn(StateKey(event.stream));
  if (!row) return entry;
  std::string_view rest = *row;
  std::uint64_t revision = 0;
  std::string_view memo;
  if (!ConsumeVarint(rest, revision) || !ConsumeLengthPrefixed(rest, memo)) return Damaged(event.stream);
  if (!entry.state->ParseFromArray(rest.data(), static_cast<int>(rest.size()))) return Damaged(event.stream);
  entry.revision = Revision(revision);
  entry.memo = memo;
  entry.bytes = kEntryOverheadBytes + row->size() * kParsedFactor;
  return entry;
}

absl::StatusOr<FoldTable::Entry*> FoldTable::Advance(const store::EventView& event,
                                                     const google::protobuf::Message& empty, StagedWriter& out) {
  auto found = by_stream_.find(event.stream);
  if (found == by_stream_.end()) {
    absl::StatusOr<Entry> loaded = Load(event, empty, out);
    if (!loaded.ok()) return std::move(loaded).status();
    entries_.push_front(*std::move(loaded));
    bytes_ += entries_.front().bytes;
    found = by_stream_.emplace(std::string(event.stream), entries_.begin()).first;
  } else if (found->second != entries_.begin()) {
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  Entry& entry = *found->second;
  if (entry.revision.Next() != event.revision) {
    return absl::DataLossError(absl::StrCat("the kept state of stream ", ToAbsl(event.stream), " is at revision ",
                                            entry.revision.value(), ", so revision ", event.revision.value(),
                                            " is not its next event: the read model is not of this log; rebuild"));
  }
  entry.revision = event.revision;
  if (!entry.dirty) {
    entry.dirty = true;
    dirty_.push_back(&entry);
  }
  return &entry;
}

absl::Status FoldTable::Flush(StagedWriter& out) {
  for (Entry* entry : dirty_) {
    std::string row;
    row.reserve(entry->bytes / kParsedFactor);
    AppendVarint(row, entry->revision.value());
    AppendLengthPrefixed(row, entry->memo);
    codec::AppendDeterministically(*entry->state, row);
    bytes_ -= entry->bytes;
    entry->bytes = kEntryOverheadBytes + row.size() * kParsedFactor;
    out.PutOwn(StateKey(entry->stream.text()), std::move(row));
    bytes_ += entry->bytes;
    entry->dirty = false;
  }
  dirty_.clear();
  while (bytes_ > bytes_max_ && !entries_.empty()) {
    bytes_ -= entries_.back().bytes;
    by_stream_.erase(entries_.back().stream.text());
    entries_.pop_back();
  }
  return absl::OkStatus();
}

void FoldTable::Reset() {
  by_stream_.clear();
  entries_.clear();
  dirty_.clear();
  bytes_ = 0;
}

}  // namespace daybook::projection::internal
