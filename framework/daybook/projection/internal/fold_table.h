#ifndef DAYBOOK_PROJECTION_INTERNAL_FOLD_TABLE_H_
#define DAYBOOK_PROJECTION_INTERNAL_FOLD_TABLE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/base/strings.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/projection/internal/staged_writer.h"
#include "daybook/store/event_store.h"
#include "google/protobuf/message.h"

namespace daybook::projection::internal {

// The folded states of a folding projection: rows of its own table (docs/reference/formats/read-models.md), and the
// most recently used of them parsed in memory. A state is parsed when its stream comes up again after it was dropped,
// and serialised once per batch, however many events it had.
//
// Thread safety: one thread at a time.
// Invariant: after Flush, memory and staged rows agree; what was not flushed exists in memory only.
class FoldTable {
 public:
  struct Entry {
    StreamId stream;
    Revision revision;  // folded up to and including this one
    std::unique_ptr<google::protobuf::Message> state;
    std::string memo;
    bool dirty = false;
    std::size_t bytes = 0;  // rough size in memory
  };

  void LimitMemory(std::size_t bytes_max) { bytes_max_ = bytes_max; }

  // The entry to fold `event` into, already counted as folded; `empty` is the state of a new stream. Valid until the
  // next call. kDataLoss: the row is damaged, or the event is not the stream's next one.
  absl::StatusOr<Entry*> Advance(const store::EventView& event, const google::protobuf::Message& empty,
                                 StagedWriter& out);

  // Stages every changed entry and drops the least recently used ones above the limit.
  absl::Status Flush(StagedWriter& out);

  // Forgets everything in memory.
  void Reset();

 private:
  using Entries = std::list<Entry>;

  absl::StatusOr<Entry> Load(const store::EventView& event, const google::protobuf::Message& empty, StagedWriter& out);

  std::size_t bytes_max_ = 32 * 1024 * 1024;
  std::size_t bytes_ = 0;
  Entries entries_;  // most recently used first
  StringMap<Entries::iterator> by_stream_;
  std::vector<Entry*> dirty_;
};

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_FOLD_TABLE_H_
