#include "daybook/runtime/internal/load_state.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::runtime::internal {
namespace {

constexpr std::size_t kChecksumBytes = 8;

std::uint64_t ChecksumOf(const store::SnapshotRow& row, std::string_view state) {
  std::string covered;
  covered.reserve(state.size() + row.stream.text().size() + 32);
  AppendLengthPrefixed(covered, row.stream.text());
  AppendBigEndian64(covered, row.revision.value());
  AppendBigEndian64(covered, row.position.value());
  AppendBigEndian64(covered, row.fingerprint);
  covered.append(state);
  return Hash64(covered);
}

std::string Place(const StreamId& stream, const store::EventView& event) {
  return absl::StrCat("position ", event.position.value(), " (stream ", stream.text(), " revision ",
                      event.revision.value(), ", type ", ToAbsl(event.type), ")");
}

// Folds the events behind `loaded.revision`. If a snapshot was used, the first event read is the snapshot's own, which
// must lie where the snapshot says: kFailedPrecondition if not.
absl::Status FoldRest(store::EventStore& store, const AggregateOps& ops, const StreamId& stream, LoadedState& loaded) {
  const bool from_snapshot = loaded.revision != Revision();
  const auto cursor =
      store.ReadStream(stream, from_snapshot ? loaded.revision : Revision(1), store::Direction::kForwards);
  if (from_snapshot) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool found, cursor->Next());
    if (!found || cursor->event().revision != loaded.revision || cursor->event().position != loaded.position) {
      return absl::FailedPreconditionError("the snapshot is not on the log");
    }
  }
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return absl::OkStatus();
    const store::EventView& event = cursor->event();
    if (event.revision != loaded.revision.Next() || event.position <= loaded.position) {
      return absl::DataLossError(absl::StrCat(Place(stream, event), " follows revision ", loaded.revision.value(),
                                              " at position ", loaded.position.value(), ": the stream is damaged"));
    }
    if (absl::Status folded = ops.Fold(event.type, event.data, *loaded.state); !folded.ok()) {
      folded = Annotate(folded, Place(stream, event));
      if (folded.code() != absl::StatusCode::kNotFound) return folded;
      return WithReason(absl::DataLossError(folded.message()), "UNKNOWN_EVENT_TYPE");
    }
    loaded.revision = event.revision;
    loaded.position = event.position;
  }
}

// True if the row may stand for the events up to its revision; what only the log can say is left to FoldRest.
bool IsTrustworthy(const AggregateOps& ops, const StreamId& stream, const store::SnapshotRow& row,
                   const store::StreamHead& head) {
  if (daybook::internal::SeededBug("snapshot_unchecked")) return true;
  if (row.stream != stream || row.fingerprint != ops.state_fingerprint()) return false;
  if (row.revision == Revision() || row.revision > head.revision || row.position > head.position) return false;
  if (row.state.size() < kChecksumBytes) return false;
  const std::string_view state = std::string_view(row.state).substr(0, row.state.size() - kChecksumBytes);
  return ReadBigEndian64(row.state.data() + state.size()) == ChecksumOf(row, state);
}

// The state from the snapshot and the events behind it; nullopt if the snapshot is in doubt.
absl::StatusOr<std::optional<LoadedState>> LoadFromSnapshot(store::EventStore& store, const AggregateOps& ops,
                                                            const StreamId& stream, const store::SnapshotRow& row,
                                                            const store::StreamHead& head) {
  if (!IsTrustworthy(ops, stream, row, head)) return std::nullopt;
  LoadedState loaded;
  loaded.state = ops.NewState();
  const std::size_t size = row.state.size() < kChecksumBytes ? 0 : row.state.size() - kChecksumBytes;
  if (!ops.ParseState(std::string_view(row.state).substr(0, size), *loaded.state).ok()) return std::nullopt;
  loaded.revision = row.revision;
  loaded.position = row.position;
  loaded.snapshot_revision = row.revision;
  if (daybook::internal::SeededBug("snapshot_unchecked") && row.revision >= head.revision) return loaded;
  const absl::Status folded = FoldRest(store, ops, stream, loaded);
  if (folded.code() == absl::StatusCode::kFailedPrecondition) return std::nullopt;
  DAYBOOK_RETURN_IF_ERROR(folded);
  if (loaded.revision < head.revision) return std::nullopt;
  return loaded;
}

}  // namespace

absl::StatusOr<LoadedState> LoadState(store::EventStore& store, const AggregateOps& ops, const StreamId& stream) {
  if (!stream.IsValid()) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat("\"", stream.text(), "\" is no valid stream")),
                      "BAD_STREAM_KEY");
  }
  LoadedState loaded;
  DAYBOOK_ASSIGN_OR_RETURN(store::StreamHead head, store.Head(stream));
  if (head.revision != Revision()) {
    const absl::StatusOr<std::optional<store::SnapshotRow>> row = store.FindSnapshot(stream);
    if (!row.ok()) {
      loaded.snapshots_ignored = 1;  // the events themselves will show whether the store can be read
    } else if (row->has_value()) {
      if ((*row)->revision > head.revision) {  // taken since the head was read, perhaps
        DAYBOOK_ASSIGN_OR_RETURN(head, store.Head(stream));
      }
      DAYBOOK_ASSIGN_OR_RETURN(std::optional<LoadedState> quick, LoadFromSnapshot(store, ops, stream, **row, head));
      if (quick.has_value()) return *std::move(quick);
      loaded.snapshots_ignored = 1;
    }
  }
  loaded.state = ops.NewState();
  if (head.revision == Revision()) return loaded;
  DAYBOOK_RETURN_IF_ERROR(FoldRest(store, ops, stream, loaded));
  if (loaded.revision < head.revision) {
    return absl::DataLossError(absl::StrCat("stream ", stream.text(), " ends at revision ", loaded.revision.value(),
                                            ", but its head says ", head.revision.value()));
  }
  return loaded;
}

store::SnapshotRow MakeSnapshot(const AggregateOps& ops, const StreamId& stream, Revision revision, Position position,
                                const StateBox& state) {
  store::SnapshotRow row;
  row.stream = stream;
  row.revision = revision;
  row.position = position;
  row.fingerprint = ops.state_fingerprint();
  row.state = ops.SerializeState(state);
  const std::uint64_t checksum = ChecksumOf(row, row.state);
  AppendBigEndian64(row.state, checksum);
  return row;
}

}  // namespace daybook::runtime::internal
