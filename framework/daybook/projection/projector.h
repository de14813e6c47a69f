#ifndef DAYBOOK_PROJECTION_PROJECTOR_H_
#define DAYBOOK_PROJECTION_PROJECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/codec/event_codec.h"
#include "daybook/core/projection.h"
#include "daybook/projection/event_source.h"
#include "daybook/projection/folding.h"
#include "daybook/projection/internal/typed_body.h"
#include "daybook/projection/read_model.h"
#include "daybook/projection/shown.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"

namespace daybook::projection {

struct ProjectorOptions {
  std::size_t batch_events_max = 1024;
  std::size_t batch_bytes_max = 8 * 1024 * 1024;
  // Folding projections keep this much of their states parsed, each; the rest is read again when it is needed.
  std::size_t fold_cache_bytes_max = 32 * 1024 * 1024;
  PartitionId partition;  // whose log it is; shown to projections
  const Clock* clock = &Clock::System();
  ShownHandler on_shown;  // none: nobody is told
};

// Where one projection stands; for readiness, metrics and /status.
struct ProjectionStatus {
  std::string name;
  Position position;             // committed with the read model
  Position log_end;              // the last position known to be there (of a store: the durable watermark)
  std::uint64_t lag_events = 0;  // log_end - position
  std::uint64_t events = 0;      // applied since position 1, whenever that was
  bool caught_up = false;        // has once reached what was the log's end at Start
  absl::Status error;            // OK, or why and where it stopped
  absl::Status waiting;          // OK, or why nothing comes although there is more; it goes on by itself
};

// Called exactly once when a position has been reached (OK), or never will be:
//   kDeadlineExceeded    not within the time-out; reason NOT_YET_PROJECTED
//   kFailedPrecondition  the projection has stopped: the message says where and why; reason PROJECTION_STOPPED
//   kCancelled           the runner is stopping
//   kNotFound            no such projection
// Runs on a thread of the runner, or on the caller's if the answer is known at once: it hands work on, never blocks.
using ReachedHandler = absl::AnyInvocable<void(absl::Status)>;

// Runs projections side by side over one partition's log, each on a thread of its own, with its own checkpoint and
// table. The log is a store's, or comes from elsewhere (event_source.h).
//
//   ProjectionRunner runner(store, read_models, {});
//   DAYBOOK_RETURN_IF_ERROR((runner.Add<Directory, Payee>()));
//   runner.Start();
//   DAYBOOK_RETURN_IF_ERROR(runner.WaitUntil("directory.v1", outcome.position, absl::Seconds(2)));
//
// Thread safety: Add, Recognise and Start from one thread, in this order; everything else from any thread. Store or
// source, and read models outlive it.
// Invariants:
//   1. A read model and its checkpoint commit in one batch: any redelivery is harmless, any crash resumes.
//   2. A batch never ends inside a command, so no reader sees half of one.
//   3. An event that fails (undecodable, of unknown type, ViewWriter::Fail, a throw) stops that projection only; what
//      came before its command is committed, and Status() says where and why.
//   4. A projection's table holds the fold of the log up to its position: equal bytes however often it was restarted.
//   5. A position counts as reached only after the batch that reaches it is committed.
class ProjectionRunner {
 public:
  ProjectionRunner(store::EventStore& store, store::KeyValue& read_models, ProjectorOptions options);
  ProjectionRunner(EventSource& source, store::KeyValue& read_models, ProjectorOptions options);
  // As Stop().
  ~ProjectionRunner();
  ProjectionRunner(const ProjectionRunner&) = delete;
  ProjectionRunner& operator=(const ProjectionRunner&) = delete;

  // Adds the projection P (core/projection.h: per event; folding.h: per command) of these aggregates, and opens its
  // table, named P::kName. A new name starts from position 1; the old table stays until DropTable.
  // kAlreadyExists: the name was added; kInvalidArgument: not [a-z0-9_.]{1,64}; else the store's error.
  template <class P, class... Aggregates>
  absl::Status Add() {
    return AddBody(internal::MakeBody<P, Aggregates...>(codec::EventCodec<typename Aggregates::Event>()...));
  }
  // The same with codecs that know older shapes of the events.
  template <class P, class... Aggregates>
  absl::Status AddWith(codec::EventCodec<typename Aggregates::Event>... codecs) {
    return AddBody(internal::MakeBody<P, Aggregates...>(std::move(codecs)...));
  }

  // Makes the events of A known, though no projection here reads them: they are skipped. An event of an aggregate that
  // is neither added nor recognised stops every projection that meets it.
  template <class A>
  void Recognise() {
    RecogniseTypes(internal::TypeChecker<A>(codec::EventCodec<typename A::Event>()));
  }

  // Starts one thread per projection. A projection that cannot start (damaged checkpoint, or a read model of another
  // log) stops alone, with its error in Status(). One whose source cannot be reached tries again until it can.
  void Start();

  // Ends the threads after their present batch and answers every waiter with kCancelled. Idempotent.
  void Stop();

  // kNotFound: no such projection.
  absl::StatusOr<ReadModel> Model(std::string_view name) const;
  std::vector<std::string> Names() const;

  // Calls `done` once every named projection has reached `position`, or as ReachedHandler says. No names: at once.
  void WhenReached(std::vector<std::string> names, Position position, absl::Duration timeout, ReachedHandler done);
  void WhenReached(std::string_view name, Position position, absl::Duration timeout, ReachedHandler done);

  // The same, blocking. Costs a thread: for tools and tests. Never call it from a handler.
  absl::Status WaitUntil(const std::vector<std::string>& names, Position position, absl::Duration timeout);
  absl::Status WaitUntil(std::string_view name, Position position, absl::Duration timeout);

  // Those of `names` that have not reached `position` yet; an unknown name counts as pending.
  std::vector<std::string> Pending(const std::vector<std::string>& names, Position position) const;

  std::vector<ProjectionStatus> Status() const;

  // OK once every projection has caught up and none has stopped; else kUnavailable or kFailedPrecondition, naming each.
  // One that has caught up and then has to wait (its broker is away) serves what it has, and stays ready.
  absl::Status Readiness() const;

  // Removes the table of a projection that is no longer added. kFailedPrecondition: it is in use; kNotFound.
  absl::Status DropTable(std::string_view name);

 private:
  struct Impl;

  absl::Status AddBody(std::unique_ptr<internal::ProjectionBody> body);
  void RecogniseTypes(internal::KnowsType knows);

  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_PROJECTOR_H_
