#ifndef DAYBOOK_PROJECTION_READ_MODEL_H_
#define DAYBOOK_PROJECTION_READ_MODEL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "daybook/core/strong.h"
#include "daybook/store/key_value.h"

namespace daybook::projection {

// What a projection has written, for those who answer queries from it.
//
//   DAYBOOK_ASSIGN_OR_RETURN(ReadModel directory, runner.Model("directory.v1"));
//   std::string body;
//   DAYBOOK_ASSIGN_OR_RETURN(bool found, directory.AppendTo(key, body));   // a seek and a copy
//
// Thread safety: a value type, cheap to copy; const methods from any thread. The KeyValue outlives it.
// Invariants:
//   1. Each call sees whole batches of the projection: never half of a command.
//   2. What Snapshot() gives does not change; several reads that must agree go through one.
class ReadModel {
 public:
  // Reads `table` as it is at each call.
  ReadModel(const store::KeyValue& models, store::TableId table) : live_(&models), table_(table) {}

  // The table of the projection `name`, created if it is not there. For tools; services ask ProjectionRunner::Model.
  static absl::StatusOr<ReadModel> Open(store::KeyValue& models, std::string_view name);

  // As store::KeyValueReader: nullopt or false = no such key; kDataLoss = damaged; kNotFound = the table was dropped.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const { return reader().Get(table_, key); }
  absl::StatusOr<bool> AppendTo(std::string_view key, std::string& out) const {
    return reader().AppendTo(table_, key, out);
  }

  // The entries in [begin, end) forwards; an empty `end` = to the table's end. Keys that start with a zero byte are the
  // framework's own (docs/reference/formats/read-models.md).
  std::unique_ptr<store::KeyValueCursor> Scan(std::string_view begin, std::string_view end) const {
    return reader().Scan(table_, begin, end);
  }
  // The entries whose keys start with `prefix`.
  std::unique_ptr<store::KeyValueCursor> ScanPrefix(std::string_view prefix) const;

  // The same model as it is now, for ever. Holds back the store's clean-up: keep it for one query only.
  ReadModel Snapshot() const;

  // store::KeyValue::ChangeNumber of the store that holds the model, also in a snapshot.
  std::uint64_t ChangeNumber() const { return live_->ChangeNumber(); }

  // The position up to which the log is folded into what this model shows; 0 = nothing yet.
  absl::StatusOr<daybook::Position> ReachedPosition() const;

 private:
  const store::KeyValueReader& reader() const {
    if (snapshot_) return *snapshot_;
    return *live_;
  }

  const store::KeyValue* live_;
  std::shared_ptr<const store::KeyValueReader> snapshot_;
  store::TableId table_;
};

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_READ_MODEL_H_
