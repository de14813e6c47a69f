#ifndef BENEFICIARY_APP_QUERY_SIDE_H_
#define BENEFICIARY_APP_QUERY_SIDE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "beneficiary/projections/compat.h"
#include "beneficiary/projections/detail.h"
#include "beneficiary/projections/list.h"
#include "daybook/base/clock.h"
#include "daybook/projection/event_source.h"
#include "daybook/projection/projector.h"
#include "daybook/projection/shown.h"
#include "daybook/store/key_value.h"

namespace beneficiary {

struct QuerySideOptions {
  daybook::projection::ShownHandler on_shown;  // see projection/shown.h; may be empty
  const daybook::Clock* clock = &daybook::Clock::System();
};

// The read models of the service and the queries over them, fed from wherever the events are: the log of this process,
// or topics.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto queries, QuerySide::Open(source, *read_models, {}));
//   queries->runner().WhenReached("detail.v1", position, absl::Seconds(2), shown);
//
// Thread safety: every method from any thread. Source and read models outlive it.
class QuerySide {
 public:
  // The projections run when it returns. Errors as ProjectionRunner::Add.
  static absl::StatusOr<std::unique_ptr<QuerySide>> Open(daybook::projection::EventSource& source,
                                                         daybook::store::KeyValue& read_models,
                                                         QuerySideOptions options);
  // As Stop().
  ~QuerySide() = default;
  QuerySide(const QuerySide&) = delete;
  QuerySide& operator=(const QuerySide&) = delete;

  // Ends the projections after their present batches. Queries go on. Idempotent.
  void Stop() { runner_->Stop(); }

  daybook::projection::ProjectionRunner& runner() { return *runner_; }
  const daybook::projection::ProjectionRunner& runner() const { return *runner_; }
  const DetailQuery& detail() const { return *detail_; }
  const ListQuery& list() const { return *list_; }
  const CompatQuery& compat() const { return *compat_; }

 private:
  QuerySide() = default;

  std::unique_ptr<daybook::projection::ProjectionRunner> runner_;
  std::unique_ptr<DetailQuery> detail_;
  std::unique_ptr<ListQuery> list_;
  std::unique_ptr<CompatQuery> compat_;
};

// Adds the service's projections to a runner: the one list of them, for serving, rebuilding and verifying.
absl::Status AddProjections(daybook::projection::ProjectionRunner& runner);

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_QUERY_SIDE_H_
