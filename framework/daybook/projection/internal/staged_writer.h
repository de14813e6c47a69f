#ifndef DAYBOOK_PROJECTION_INTERNAL_STAGED_WRITER_H_
#define DAYBOOK_PROJECTION_INTERNAL_STAGED_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "daybook/base/strings.h"
#include "daybook/core/projection.h"
#include "daybook/store/key_value.h"

namespace daybook::projection::internal {

// The writer of one batch: what was put lies here until the batch is committed, and Get sees it.
//
// Thread safety: one thread at a time.
// Invariant: after the first failure (the projection's, a bad key, or the store's) status() stays that one, and nothing
// of the batch may be committed.
class StagedWriter final : public ViewWriter {
 public:
  StagedWriter(const store::KeyValue& models, store::TableId table) : models_(models), table_(table) {}

  std::optional<std::string> Get(std::string_view key) override;
  void Put(std::string_view key, std::string_view value) override;
  void Delete(std::string_view key) override;
  void Fail(std::string_view why) override;

  // The framework's own rows, whose keys a projection may not use.
  std::optional<std::string> GetOwn(std::string_view key);
  void PutOwn(std::string_view key, std::string value);

  const absl::Status& status() const { return status_; }

  // Moves all staged changes into `batch`, in key order.
  void MoveTo(store::WriteBatch& batch);

  void Clear();

 private:
  using Staged = StringMap<std::optional<std::string>>;  // nullopt = deleted

  bool Admits(std::string_view key);

  const store::KeyValue& models_;
  const store::TableId table_;
  Staged staged_;
  absl::Status status_;
};

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_STAGED_WRITER_H_
