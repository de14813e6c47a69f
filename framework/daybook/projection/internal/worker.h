#ifndef DAYBOOK_PROJECTION_INTERNAL_WORKER_H_
#define DAYBOOK_PROJECTION_INTERNAL_WORKER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"
#include "daybook/projection/event_source.h"
#include "daybook/projection/internal/checkpoint.h"
#include "daybook/projection/internal/progress_board.h"
#include "daybook/projection/internal/staged_writer.h"
#include "daybook/projection/internal/typed_body.h"
#include "daybook/projection/shown.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"

namespace daybook::projection::internal {

// The loop of one projection: subscribe behind the checkpoint, apply a batch, commit rows and checkpoint in one write,
// publish the position. Compiled once for all projections.
//
// Thread safety: Run on one thread; Cancel from any.
class Worker {
 public:
  struct Settings {
    store::BatchLimits limits;
    PartitionId partition;
    KnowsType known_elsewhere;  // types of aggregates that this projection does not read
    ShownHandler on_shown;      // may be empty
    const Clock* clock = nullptr;
  };

  Worker(std::size_t index, std::unique_ptr<ProjectionBody> body, EventSource& source, store::KeyValue& models,
         store::TableId table, ProgressBoard& board);

  const ProjectionBody& body() const { return *body_; }
  std::string_view name() const { return body_->name(); }
  store::TableId table() const { return table_; }

  // Returns after Cancel, or when the projection stops for good, which the board then knows.
  void Run(const Settings& settings);

  void Cancel();

  // OK, or why nothing comes for a while. From any thread.
  absl::Status waiting() const;

 private:
  enum class Verdict { kApply, kSkip, kUnknown };
  // How far a batch could be applied.
  struct Applied {
    std::size_t events = 0;     // before the failing one
    std::uint64_t counted = 0;  // of them, those of types that the projection knows
    absl::Status failure;
  };

  absl::Status Open();
  absl::StatusOr<std::unique_ptr<EventFeed>> OpenFeed();
  absl::Status Loop(const Settings& settings);
  absl::Status Project(std::span<const store::EventView> events, const Settings& settings);
  Applied ApplyAll(std::span<const store::EventView> events, const Settings& settings);
  absl::Status ApplyOne(const store::EventView& event, PartitionId partition);
  // Commits what was applied: the first events of the feed's last batch.
  absl::Status Commit(std::span<const store::EventView> events, std::uint64_t counted);
  void TellShown(std::span<const store::EventView> events, const Settings& settings);
  absl::Status Write(const Checkpoint& next);
  Verdict Judge(std::string_view type, const Settings& settings);
  absl::Status At(const store::EventView& event, const absl::Status& why) const;

  const std::size_t index_;
  const std::unique_ptr<ProjectionBody> body_;
  EventSource& source_;
  store::KeyValue& models_;
  const store::TableId table_;
  ProgressBoard& board_;

  // The projection's thread only.
  Checkpoint checkpoint_;
  Position start_end_;              // the log's end when the feed was opened
  EventFeed* open_feed_ = nullptr;  // feed_, once it is open
  StagedWriter writer_;
  StringMap<Verdict> verdicts_;

  mutable absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status unreachable_ ABSL_GUARDED_BY(mu_);  // while the feed cannot be opened
  std::unique_ptr<EventFeed> feed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_WORKER_H_
