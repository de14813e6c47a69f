#include "daybook/projection/read_model.h"

#include "daybook/base/status.h"
#include "daybook/projection/internal/checkpoint.h"
#include "daybook/projection/internal/keys.h"

namespace daybook::projection {

absl::StatusOr<ReadModel> ReadModel::Open(store::KeyValue& models, std::string_view name) {
  DAYBOOK_ASSIGN_OR_RETURN(const store::TableId table, models.OpenTable(name));
  return ReadModel(models, table);
}

std::unique_ptr<store::KeyValueCursor> ReadModel::ScanPrefix(std::string_view prefix) const {
  return Scan(prefix, store::PrefixEnd(prefix));
}

ReadModel ReadModel::Snapshot() const {
  if (snapshot_) return *this;
  ReadModel out = *this;
  out.snapshot_ = live_->Snapshot();
  return out;
}

absl::StatusOr<Position> ReadModel::ReachedPosition() const {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> row, Get(internal::kCheckpointKey));
  if (!row) return Position(0);
  DAYBOOK_ASSIGN_OR_RETURN(const internal::Checkpoint checkpoint, internal::DecodeCheckpoint(*row));
  return checkpoint.position;
}

}  // namespace daybook::projection
