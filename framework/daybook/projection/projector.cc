#include "daybook/projection/projector.h"

#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "daybook/base/check.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/projection/internal/progress_board.h"
#include "daybook/projection/internal/worker.h"

namespace daybook::projection {

struct ProjectionRunner::Impl {
  Impl(std::unique_ptr<EventSource> owned, EventSource& source, store::KeyValue& models, ProjectorOptions options)
      : owned_source(std::move(owned)),
        source(source),
        models(models),
        options(std::move(options)),
        board(*this->options.clock) {}

  bool KnownElsewhere(std::string_view type) const {
    for (const auto& worker : workers) {
      if (worker->body().Knows(type)) return true;
    }
    for (const internal::KnowsType& knows : recognised) {
      if (knows(type)) return true;
    }
    return false;
  }

  // Constant after Start.
  const std::unique_ptr<EventSource> owned_source;  // may be null
  EventSource& source;
  store::KeyValue& models;
  const ProjectorOptions options;
  std::vector<internal::KnowsType> recognised;
  std::vector<std::unique_ptr<internal::Worker>> workers;
  bool started = false;

  internal::ProgressBoard board;
  absl::Mutex stop_mu;
  std::vector<std::jthread> threads ABSL_GUARDED_BY(stop_mu);
};

ProjectionRunner::ProjectionRunner(store::EventStore& store, store::KeyValue& read_models, ProjectorOptions options) {
  auto source = std::make_unique<StoreEventSource>(store);
  EventSource& events = *source;
  impl_ = std::make_unique<Impl>(std::move(source), events, read_models, std::move(options));
}

ProjectionRunner::ProjectionRunner(EventSource& source, store::KeyValue& read_models, ProjectorOptions options)
    : impl_(std::make_unique<Impl>(nullptr, source, read_models, std::move(options))) {}

ProjectionRunner::~ProjectionRunner() { Stop(); }

absl::Status ProjectionRunner::AddBody(std::unique_ptr<internal::ProjectionBody> body) {
  DAYBOOK_CHECK(!impl_->started, "projections are added before Start");
  if (impl_->board.Find(body->name())) {
    return absl::AlreadyExistsError(absl::StrCat("projection ", ToAbsl(body->name()), " was added before"));
  }
  DAYBOOK_ASSIGN_OR_RETURN(const store::TableId table, impl_->models.OpenTable(body->name()));
  DAYBOOK_ASSIGN_OR_RETURN(const std::size_t index, impl_->board.AddName(body->name()));
  body->LimitMemory(impl_->options.fold_cache_bytes_max);
  impl_->workers.push_back(
      std::make_unique<internal::Worker>(index, std::move(body), impl_->source, impl_->models, table, impl_->board));
  return absl::OkStatus();
}

void ProjectionRunner::RecogniseTypes(internal::KnowsType knows) {
  DAYBOOK_CHECK(!impl_->started, "aggregates are recognised before Start");
  impl_->recognised.push_back(std::move(knows));
}

void ProjectionRunner::Start() {
  DAYBOOK_CHECK(!impl_->started, "a runner starts once");
  impl_->started = true;
  internal::Worker::Settings settings;
  settings.limits = {impl_->options.batch_events_max, impl_->options.batch_bytes_max};
  settings.partition = impl_->options.partition;
  settings.known_elsewhere = [impl = impl_.get()](std::string_view type) { return impl->KnownElsewhere(type); };
  settings.on_shown = impl_->options.on_shown;
  settings.clock = impl_->options.clock;
  absl::MutexLock lock(&impl_->stop_mu);
  for (const auto& worker : impl_->workers) {
    impl_->threads.emplace_back([w = worker.get(), settings] { w->Run(settings); });
  }
}

void ProjectionRunner::Stop() {
  for (const auto& worker : impl_->workers) worker->Cancel();
  {
    absl::MutexLock lock(&impl_->stop_mu);
    impl_->threads.clear();  // joins
  }
  impl_->board.Stop();
}

absl::StatusOr<ReadModel> ProjectionRunner::Model(std::string_view name) const {
  for (const auto& worker : impl_->workers) {
    if (worker->name() == name) return ReadModel(impl_->models, worker->table());
  }
  return absl::NotFoundError(absl::StrCat("there is no projection ", ToAbsl(name)));
}

std::vector<std::string> ProjectionRunner::Names() const { return impl_->board.Names(); }

void ProjectionRunner::WhenReached(std::vector<std::string> names, Position position, absl::Duration timeout,
                                   ReachedHandler done) {
  impl_->board.WhenReached(names, position, timeout, std::move(done));
}

void ProjectionRunner::WhenReached(std::string_view name, Position position, absl::Duration timeout,
                                   ReachedHandler done) {
  impl_->board.WhenReached({std::string(name)}, position, timeout, std::move(done));
}

absl::Status ProjectionRunner::WaitUntil(const std::vector<std::string>& names, Position position,
                                         absl::Duration timeout) {
  // Shared with the handler, which still touches the notification while the waiting thread is already on its way.
  struct Wait {
    absl::Notification done;
    absl::Status status;
  };
  const auto wait = std::make_shared<Wait>();
  impl_->board.WhenReached(names, position, timeout, [wait](absl::Status status) {
    wait->status = std::move(status);
    wait->done.Notify();
  });
  wait->done.WaitForNotification();
  return std::move(wait->status);
}

absl::Status ProjectionRunner::WaitUntil(std::string_view name, Position position, absl::Duration timeout) {
  return WaitUntil(std::vector<std::string>{std::string(name)}, position, timeout);
}

std::vector<std::string> ProjectionRunner::Pending(const std::vector<std::string>& names, Position position) const {
  const std::vector<internal::ProgressBoard::Row> rows = impl_->board.Rows();
  std::vector<std::string> out;
  for (const std::string& name : names) {
    bool reached = false;
    for (const auto& row : rows) reached = reached || (row.name == name && row.position >= position);
    if (!reached) out.push_back(name);
  }
  return out;
}

std::vector<ProjectionStatus> ProjectionRunner::Status() const {
  std::vector<ProjectionStatus> out;
  const std::vector<internal::ProgressBoard::Row> rows = impl_->board.Rows();
  const Position log_end = impl_->source.end();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const internal::ProgressBoard::Row& row = rows[i];
    ProjectionStatus& status = out.emplace_back();
    status.name = row.name;
    status.position = row.position;
    status.log_end = log_end;
    status.lag_events = log_end > row.position ? log_end.value() - row.position.value() : 0;
    status.events = row.events;
    status.caught_up = row.CaughtUp();
    status.error = row.error;
    status.waiting = impl_->workers[i]->waiting();
  }
  return out;
}

absl::Status ProjectionRunner::Readiness() const {
  std::vector<std::string> stopped;
  std::vector<std::string> behind;
  const std::vector<internal::ProgressBoard::Row> rows = impl_->board.Rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const internal::ProgressBoard::Row& row = rows[i];
    if (!row.error.ok()) {
      const std::string reason = ReasonOf(row.error);
      stopped.push_back(absl::StrCat(row.name, ": ", reason, reason.empty() ? "" : ": ", row.error.message()));
    } else if (!row.CaughtUp()) {
      std::string why = row.started
                            ? absl::StrCat(row.name, " is at ", row.position.value(), " of ", row.start_end.value())
                            : absl::StrCat(row.name, " has not started");
      const absl::Status waiting = impl_->workers[i]->waiting();
      if (!waiting.ok()) absl::StrAppend(&why, ": ", waiting.message());
      behind.push_back(std::move(why));
    }
  }
  if (!stopped.empty()) return absl::FailedPreconditionError(absl::StrJoin(stopped, "; "));
  if (!behind.empty()) return absl::UnavailableError(absl::StrJoin(behind, "; "));
  return absl::OkStatus();
}

absl::Status ProjectionRunner::DropTable(std::string_view name) {
  if (impl_->board.Find(name)) {
    return absl::FailedPreconditionError(absl::StrCat("table ", ToAbsl(name), " belongs to a projection in use"));
  }
  return impl_->models.DropTable(name);
}

}  // namespace daybook::projection
