#include "payee/service.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/time/time.h"
#include "daybook/base/status.h"
#include "daybook/base/uuid_source.h"
#include "daybook/http/problem.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_key_value.h"
#include "payee/directory.h"

namespace payee {
namespace {

using daybook::http::Method;
using daybook::http::Problem;
using daybook::http::ProblemOf;
using daybook::http::Request;
using daybook::http::Responder;
using daybook::http::Response;
using daybook::http::StatusCode;
using daybook::runtime::CommandOptions;
using daybook::runtime::CommandOutcome;

constexpr absl::Duration kShownWithin = absl::Seconds(5);

// [command-id]
// The same Idempotency-Key on the same path is the same command: whoever retries gets the first one's outcome.
CommandOptions OptionsOf(const Request& request) {
  CommandOptions options;
  if (const auto key = request.Header("Idempotency-Key")) {
    const std::string name = std::string(request.path()) + "\n" + std::string(*key);
    options.id = daybook::CommandId(daybook::NameBasedUuid(daybook::kUuidNamespaceDns, name));
  }
  return options;
}
// [command-id]

template <class Command>
absl::StatusOr<Command> Parse(std::string_view body) {
  Command command;
  const auto parsed = google::protobuf::util::JsonStringToMessage(std::string(body), &command);
  if (!parsed.ok()) return absl::InvalidArgumentError("body: " + std::string(parsed.message()));
  return command;
}

}  // namespace

// [open]
absl::Status Service::Open(const std::string& data_dir) {
  DAYBOOK_ASSIGN_OR_RETURN(events_, daybook::store::OpenRocksEventStore({.path = data_dir + "/events"}));
  DAYBOOK_ASSIGN_OR_RETURN(read_models_, daybook::store::OpenRocksKeyValue({.path = data_dir + "/read-models"}));
  DAYBOOK_ASSIGN_OR_RETURN(partition_, daybook::runtime::Partition::Start({}, *events_));
  payees_ = std::make_unique<daybook::runtime::Executor<Payee>>(*partition_);

  projections_ = std::make_unique<daybook::projection::ProjectionRunner>(*events_, *read_models_,
                                                                         daybook::projection::ProjectorOptions());
  DAYBOOK_RETURN_IF_ERROR((projections_->Add<Directory, Payee>()));
  projections_->Start();
  return absl::OkStatus();
}
// [open]

// [routes]
daybook::http::Router Service::Routes() {
  daybook::http::Router router;
  router.Add(Method::kPut, "/payees/{id}", [this](Request request, Responder responder) {
    auto command = Parse<v1::Register>(request.body());
    if (!command.ok()) return responder.Send(command.status());
    Execute(request, *std::move(command), std::move(responder));
  });
  router.Add(Method::kPost, "/payees/{id}:suspend", [this](Request request, Responder responder) {
    auto command = Parse<v1::Suspend>(request.body());
    if (!command.ok()) return responder.Send(command.status());
    Execute(request, *std::move(command), std::move(responder));
  });
  router.Add(Method::kGet, "/payees/{id}",
             [this](Request request, Responder responder) { Answer(request.PathParam("id"), std::move(responder)); });
  return router;
}
// [routes]

// [admin]
daybook::http::Router Service::AdminRoutes() {
  health_.AddCheck("partition", [this] { return partition_->health(); });
  health_.AddCheck("read_models", [this] { return projections_->Readiness(); });
  metrics_.AddProcessMetrics();
  daybook::http::Router router;
  daybook::http::AddPages(admin_pages_.endpoints(), router);
  return router;
}
// [admin]

// [execute]
void Service::Execute(const Request& request, Payee::Command command, Responder responder) {
  std::string id(request.PathParam("id"));
  auto when_decided = [this, id, responder = std::move(responder)](absl::StatusOr<CommandOutcome> outcome) mutable {
    if (!outcome.ok()) return responder.Send(outcome.status());
    if (outcome->rejection.has_value()) return responder.Send(ProblemOf(*outcome->rejection));
    // Durable. Shown to readers a moment later: wait for it, so that the caller reads its own write.
    auto when_shown = [this, id, responder = std::move(responder)](absl::Status shown) mutable {
      if (!shown.ok()) return responder.Send(Response(StatusCode::kAccepted));
      Answer(id, std::move(responder));
    };
    projections_->WhenReached(Directory::kName, outcome->position, kShownWithin, std::move(when_shown));
  };
  payees_->Execute(id, std::move(command), OptionsOf(request), std::move(when_decided));
}
// [execute]

// [answer]
void Service::Answer(std::string_view id, Responder responder) const {
  const auto directory = projections_->Model(Directory::kName);
  if (!directory.ok()) return responder.Send(directory.status());
  const auto stored = directory->Get(id);
  if (!stored.ok()) return responder.Send(stored.status());
  v1::Entry entry;
  if (!stored->has_value() || !entry.ParseFromString(**stored)) {
    return responder.Send(Problem(StatusCode::kNotFound, "There is no such payee."));
  }
  std::string json;
  const auto rendered = google::protobuf::util::MessageToJsonString(entry, &json);
  if (!rendered.ok()) return responder.Send(absl::InternalError("the entry does not render"));
  responder.Send(Response(StatusCode::kOk, daybook::http::kJson, std::move(json)));
}
// [answer]

// [start]
absl::StatusOr<std::unique_ptr<Service>> Service::Start(const std::string& data_dir, const Addresses& addresses) {
  std::unique_ptr<Service> service(new Service);
  DAYBOOK_RETURN_IF_ERROR(service->Open(data_dir));
  daybook::http::ServerOptions options;
  options.address = addresses.admin;
  DAYBOOK_ASSIGN_OR_RETURN(service->admin_, daybook::http::Server::Start(service->AdminRoutes(), options));
  options.address = addresses.api;
  DAYBOOK_ASSIGN_OR_RETURN(service->server_, daybook::http::Server::Start(service->Routes(), options));
  return service;
}

Service::~Service() {
  // Requests first, then what they wait for.
  if (server_ != nullptr && !server_->Drain(absl::Seconds(10)).ok()) server_.reset();
  if (projections_ != nullptr) projections_->Stop();
  if (partition_ != nullptr) partition_->Stop(absl::Seconds(10));
}
// [start]

}  // namespace payee
