#include "beneficiary/app/query_side.h"

#include <utility>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace projection = daybook::projection;

absl::Status AddProjections(projection::ProjectionRunner& runner) {
  DAYBOOK_RETURN_IF_ERROR((runner.Add<DetailProjection, Beneficiary>()));
  DAYBOOK_RETURN_IF_ERROR((runner.Add<ListProjection, Beneficiary>()));
  DAYBOOK_RETURN_IF_ERROR((runner.Add<CompatProjection, Beneficiary, Client>()));
  runner.Recognise<Client>();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<QuerySide>> QuerySide::Open(projection::EventSource& source,
                                                           daybook::store::KeyValue& read_models,
                                                           QuerySideOptions options) {
  std::unique_ptr<QuerySide> side(new QuerySide());
  projection::ProjectorOptions projector;
  projector.clock = options.clock;
  projector.on_shown = std::move(options.on_shown);
  side->runner_ = std::make_unique<projection::ProjectionRunner>(source, read_models, std::move(projector));
  DAYBOOK_RETURN_IF_ERROR(AddProjections(*side->runner_));
  DAYBOOK_ASSIGN_OR_RETURN(projection::ReadModel detail, side->runner_->Model(DetailProjection::kName));
  DAYBOOK_ASSIGN_OR_RETURN(projection::ReadModel list, side->runner_->Model(ListProjection::kName));
  DAYBOOK_ASSIGN_OR_RETURN(projection::ReadModel compat, side->runner_->Model(CompatProjection::kName));
  side->detail_ = std::make_unique<DetailQuery>(std::move(detail));
  side->list_ = std::make_unique<ListQuery>(std::move(list));
  side->compat_ = std::make_unique<CompatQuery>(std::move(compat));
  side->runner_->Start();
  return side;
}

}  // namespace beneficiary
