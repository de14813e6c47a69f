#ifndef DAYBOOK_RUNTIME_COMMIT_POINT_H_
#define DAYBOOK_RUNTIME_COMMIT_POINT_H_

#include "absl/status/statusor.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime {

// The one place where the engines differ: makes a batch durable. Embedded: the synced write of the store. Clustered:
// a Kafka transaction, after which the store holds a materialisation. Everything before and after is the same code.
//
// Thread safety: called by the committer's writer thread only, one batch at a time, in order.
class CommitPoint {
 public:
  virtual ~CommitPoint() = default;

  // Returns when `batch` is durable and visible. An error whose effect may be unknown poisons the partition.
  virtual absl::StatusOr<store::Appended> Commit(const store::Batch& batch) = 0;
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_COMMIT_POINT_H_
