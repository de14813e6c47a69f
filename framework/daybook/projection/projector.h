#ifndef DAYBOOK_PROJECTION_PROJECTOR_H_
#define DAYBOOK_PROJECTION_PROJECTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/core/projection.h"
#include "daybook/projection/read_model.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"

namespace daybook::projection {

struct ProjectorOptions {
  std::size_t batch_events_max = 1024;
  std::size_t batch_bytes_max = 8 * 1024 * 1024;
  const Clock* clock = &Clock::System();
};

// Where one projection stands; for readiness, metrics and /status.
struct ProjectionStatus {
  std::string name;
  Position position;   // committed with the read model
  Position log_end;    // the durable watermark now; lag in events = log_end - position
  absl::Status error;  // OK, or why and where it stopped
};

// Called when a position has been reached (OK), or never will be: kDeadlineExceeded, kFailedPrecondition (the
// projection has stopped; the message says where and why), kCancelled (shutting down), kNotFound (no such projection).
using ReachedHandler = absl::AnyInvocable<void(absl::Status)>;

// Runs projections side by side over one partition's log, each on a thread of its own, with its own checkpoint and
// table.
//
//   ProjectionRunner runner(store, read_models, {});
//   DAYBOOK_RETURN_IF_ERROR((runner.Add<Directory, Payee>()));
//   runner.Start();
//   DAYBOOK_RETURN_IF_ERROR(runner.WaitUntil("directory.v1", outcome.position, absl::Seconds(2)));
//
// Thread safety: Add before Start from one thread; everything else from any thread. Store and read models outlive it.
// Invariants:
//   1. A read model and its checkpoint commit in one batch: any redelivery is harmless, any crash resumes.
//   2. A batch never ends inside a command.
//   3. An event that fails (undecodable, unknown, ViewWriter::Fail, a throw) stops that projection only, at that event,
//      and status() says where and why.
//   4. A projection's table holds the fold of the log up to its position: equal bytes however often it was restarted.
class ProjectionRunner;

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_PROJECTOR_H_
