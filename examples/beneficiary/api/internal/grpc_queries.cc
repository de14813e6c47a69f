#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "beneficiary/api/identifiers.h"
#include "beneficiary/api/internal/grpc_convert.h"
#include "beneficiary/api/internal/grpc_services.h"
#include "beneficiary/api/requirements.h"
#include "beneficiary/api/v1/queries.grpc.pb.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/grpc/unary_call.h"

namespace beneficiary::api::internal {

namespace rpc = daybook::rpc;
using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

namespace {

constexpr int kPageSizeDefault = 50;

std::optional<std::string> Filter(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

// As REST names it; what REST has no name for is refused there.
std::string_view TypeText(v1::EntityType type) {
  switch (type) {
    case v1::ENTITY_TYPE_UNSPECIFIED:
      return "";
    case v1::ENTITY_TYPE_BUSINESS:
      return "business";
    case v1::ENTITY_TYPE_PERSONAL:
      return "personal";
    default:
      return "unknown";
  }
}

absl::StatusOr<ListRequest> ToListRequest(const v1::ListBeneficiariesRequest& request) {
  ListRequest list;
  if (request.page_size() < 0 || request.page_size() > static_cast<int>(ListQuery::kLimitMax)) {
    return daybook::WithReason(absl::InvalidArgumentError("page_size must be 1 to 200; 0 is 50"), "BAD_PARAMETER");
  }
  list.limit = static_cast<std::size_t>(request.page_size() == 0 ? kPageSizeDefault : request.page_size());
  list.cursor = request.page_token();
  list.filter.client_id = request.client_id();
  switch (request.status()) {
    case v1::STATUS_UNSPECIFIED:
      break;
    case v1::STATUS_ACTIVE:
      list.filter.status = ListFilter::Status::kActive;
      break;
    case v1::STATUS_INACTIVE:
      list.filter.status = ListFilter::Status::kInactive;
      break;
    case v1::STATUS_DELETED:
      list.filter.status = ListFilter::Status::kDeleted;
      break;
    default:
      return daybook::WithReason(absl::InvalidArgumentError("status is none of the known ones"), "BAD_PARAMETER");
  }
  list.filter.currency = Filter(request.currency());
  list.filter.bank_country = Filter(request.bank_country());
  list.filter.iban = Filter(request.iban());
  list.filter.q = Filter(request.query());
  list.filter.instance = Filter(request.instance());
  return list;
}

class Queries : public v1::BeneficiaryQueries::CallbackService {
 public:
  Queries(::beneficiary::Service& service, GrpcOptions options) : service_(service), options_(std::move(options)) {}

  ServerUnaryReactor* GetBeneficiary(CallbackServerContext* context, const v1::GetBeneficiaryRequest* request,
                                     v1::Beneficiary* response) override {
    return ReadWhenFresh(context, DetailProjection::kName, request->consistency_token(),
                         [=, this](const Caller& caller) -> absl::Status {
                           DAYBOOK_ASSIGN_OR_RETURN(const Detail detail, service_.Get(caller, request->id()));
                           return BeneficiaryFromJson(detail.json, *response);
                         });
  }

  ServerUnaryReactor* ListBeneficiaries(CallbackServerContext* context, const v1::ListBeneficiariesRequest* request,
                                        v1::ListBeneficiariesResponse* response) override {
    return ReadWhenFresh(context, ListProjection::kName, request->consistency_token(),
                         [=, this](const Caller& caller) -> absl::Status {
                           DAYBOOK_ASSIGN_OR_RETURN(const ListRequest list, ToListRequest(*request));
                           std::string page;
                           DAYBOOK_RETURN_IF_ERROR(service_.AppendList(caller, list, page).status());
                           return PageFromJson(page, *response);
                         });
  }

  ServerUnaryReactor* GetBeneficiaryValidation(CallbackServerContext* context, const v1::GetBeneficiaryRequest* request,
                                               v1::BeneficiaryValidation* response) override {
    return ReadWhenFresh(context, DetailProjection::kName, request->consistency_token(),
                         [=, this](const Caller& caller) -> absl::Status {
                           DAYBOOK_ASSIGN_OR_RETURN(const std::string warnings,
                                                    service_.Validation(caller, request->id()));
                           return WarningsFromJson(warnings, *response);
                         });
  }

  ServerUnaryReactor* ListRequirements(CallbackServerContext* context, const v1::ListRequirementsRequest* request,
                                       v1::ListRequirementsResponse* response) override {
    return Admitted(options_, context, [&](rpc::UnaryCall call, const Caller&) {  // no client's
      const auto rules = FindRequirements(request->bank_country(), request->currency(), TypeText(request->type()));
      if (!rules.ok()) return call.Finish(rules.status(), kErrorDomain);
      for (const Requirement& rule : *rules) {
        v1::Requirement* const to = response->add_requirements();
        to->set_field(rule.field);
        to->set_required(rule.required);
        to->set_pattern(rule.pattern);
        to->set_check(rule.check);
      }
      call.Finish(absl::OkStatus(), kErrorDomain);
    });
  }

  ServerUnaryReactor* GetOperation(CallbackServerContext* context, const v1::GetOperationRequest* request,
                                   v1::Operation* response) override {
    return Admitted(options_, context, [&](rpc::UnaryCall call, const Caller& caller) {
      const std::optional<OperationId> id = OperationId::Parse(request->id());
      absl::StatusOr<Operation> operation =
          id ? service_.FindOperation(caller, id->partition, id->command_id)
             : daybook::WithReason(absl::NotFoundError("There is no such operation."), "OPERATION_NOT_FOUND");
      if (operation.ok()) FillOperation(*operation, *response);
      call.Finish(operation.status(), kErrorDomain);
    });
  }

 private:
  // Ends the call with what `read` gives, once `model` shows what the token asks for.
  ServerUnaryReactor* ReadWhenFresh(CallbackServerContext* context, std::string_view model, const std::string& token,
                                    std::function<absl::Status(const Caller&)> read) {
    return Admitted(options_, context, [&](rpc::UnaryCall call, const Caller& caller) {
      if (token.empty()) return call.Finish(read(caller), kErrorDomain);
      const absl::StatusOr<daybook::Position> position = PositionOfToken(token);
      if (!position.ok()) return call.Finish(position.status(), kErrorDomain);
      const absl::Duration left = call.deadline() - daybook::ToAbslTime(options_.clock->Now());
      const absl::Duration wait = std::clamp(left, absl::ZeroDuration(), options_.freshness_wait);
      service_.WhenFresh(model, *position, wait,
                         [caller, call = std::move(call), read = std::move(read)](const absl::Status& fresh) mutable {
                           call.Finish(fresh.ok() ? read(caller) : fresh, kErrorDomain);
                         });
    });
  }

  ::beneficiary::Service& service_;
  const GrpcOptions options_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeQueryService(Service& service, const GrpcOptions& options) {
  return std::make_unique<Queries>(service, options);
}

}  // namespace beneficiary::api::internal
