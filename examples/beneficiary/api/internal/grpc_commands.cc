#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/conditions.h"
#include "beneficiary/api/identifiers.h"
#include "beneficiary/api/internal/grpc_convert.h"
#include "beneficiary/api/internal/grpc_services.h"
#include "beneficiary/api/v1/commands.grpc.pb.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/grpc/status.h"
#include "daybook/grpc/unary_call.h"

namespace beneficiary::api::internal {

namespace rpc = daybook::rpc;
namespace runtime = daybook::runtime;
using daybook::Violation;
using daybook::WithReason;
using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

namespace {

enum class Key { kRequired, kOptional };
enum class Etag { kRequired, kOptional };

// What one method asks of WriteOptions.
struct Method {
  std::string_view name;
  Key key = Key::kRequired;
  Etag etag = Etag::kOptional;
  WriteRequest::Answer answer = WriteRequest::Answer::kBeneficiary;
};

absl::Status Bad(std::string_view reason, std::string_view message) {
  return WithReason(absl::InvalidArgumentError(std::string(message)), reason);
}

absl::Status NoSuchBeneficiary() {
  return WithReason(absl::NotFoundError("There is no such beneficiary."), "NOT_REGISTERED");
}

class Commands : public v1::BeneficiaryCommands::CallbackService {
 public:
  Commands(::beneficiary::Service& service, GrpcOptions options) : service_(service), options_(std::move(options)) {}

  ServerUnaryReactor* CreateBeneficiary(CallbackServerContext* context, const v1::CreateBeneficiaryRequest* request,
                                        v1::WriteResponse* response) override {
    return Admitted(options_, context, [&](rpc::UnaryCall call, const Caller& caller) {
      const std::string resource = absl::StrCat("/v1/clients/", request->client_id(), "/beneficiaries");
      Write<v1::CreateBeneficiaryRequest>(std::move(call), caller, {"CreateBeneficiary"}, *request, resource, "",
                                          ToCommand(*request), {}, response);
    });
  }

  ServerUnaryReactor* UpdateBeneficiary(CallbackServerContext* context, const v1::UpdateBeneficiaryRequest* request,
                                        v1::WriteResponse* response) override {
    std::vector<Violation> malformed;
    commands::v1::AmendBeneficiary command = ToCommand(*request, malformed);
    return WriteOne(context, {"UpdateBeneficiary", Key::kOptional, Etag::kRequired}, request, std::move(command),
                    std::move(malformed), response);
  }

  ServerUnaryReactor* DeleteBeneficiary(CallbackServerContext* context, const v1::DeleteBeneficiaryRequest* request,
                                        v1::WriteResponse* response) override {
    return WriteOne(context, {"DeleteBeneficiary", Key::kOptional, Etag::kOptional, WriteRequest::Answer::kNothing},
                    request, commands::v1::RemoveBeneficiary(), {}, response);
  }

  ServerUnaryReactor* RestoreBeneficiary(CallbackServerContext* context, const v1::RestoreBeneficiaryRequest* request,
                                         v1::WriteResponse* response) override {
    return WriteOne(context, {"RestoreBeneficiary"}, request, commands::v1::RestoreBeneficiary(), {}, response);
  }

  ServerUnaryReactor* ActivateBeneficiary(CallbackServerContext* context, const v1::ActivateBeneficiaryRequest* request,
                                          v1::WriteResponse* response) override {
    return WriteOne(context, {"ActivateBeneficiary"}, request, commands::v1::ActivateBeneficiary(), {}, response);
  }

  ServerUnaryReactor* DeactivateBeneficiary(CallbackServerContext* context,
                                            const v1::DeactivateBeneficiaryRequest* request,
                                            v1::WriteResponse* response) override {
    return WriteOne(context, {"DeactivateBeneficiary"}, request, commands::v1::DeactivateBeneficiary(), {}, response);
  }

  ServerUnaryReactor* RecordScreeningResult(CallbackServerContext* context,
                                            const v1::RecordScreeningResultRequest* request,
                                            v1::WriteResponse* response) override {
    std::vector<Violation> malformed;
    commands::v1::RecordScreeningResult command = ToCommand(*request, malformed);
    return WriteOne(context, {"RecordScreeningResult"}, request, std::move(command), std::move(malformed), response);
  }

  ServerUnaryReactor* AddAlias(CallbackServerContext* context, const v1::AddAliasRequest* request,
                               v1::WriteResponse* response) override {
    commands::v1::AddAlias command;
    command.set_alias(request->alias());
    return WriteOne(context, {"AddAlias", Key::kOptional}, request, std::move(command), {}, response);
  }

  ServerUnaryReactor* RemoveAlias(CallbackServerContext* context, const v1::RemoveAliasRequest* request,
                                  v1::WriteResponse* response) override {
    commands::v1::RemoveAlias command;
    command.set_alias(request->alias());
    return WriteOne(context, {"RemoveAlias", Key::kOptional, Etag::kOptional, WriteRequest::Answer::kNothing}, request,
                    std::move(command), {}, response);
  }

  ServerUnaryReactor* CreateBankAccount(CallbackServerContext* context, const v1::CreateBankAccountRequest* request,
                                        v1::WriteResponse* response) override {
    return WriteOne(context, {"CreateBankAccount"}, request, ToCommand(*request), {}, response);
  }

  ServerUnaryReactor* UpdateBankAccount(CallbackServerContext* context, const v1::UpdateBankAccountRequest* request,
                                        v1::WriteResponse* response) override {
    std::vector<Violation> malformed;
    commands::v1::AmendBankAccount command = ToCommand(*request, malformed);
    return WriteOne(context, {"UpdateBankAccount", Key::kOptional, Etag::kRequired}, request, std::move(command),
                    std::move(malformed), response);
  }

  ServerUnaryReactor* DeleteBankAccount(CallbackServerContext* context, const v1::DeleteBankAccountRequest* request,
                                        v1::WriteResponse* response) override {
    commands::v1::RemoveBankAccount command;
    command.set_account_id(request->account_id());
    return WriteOne(context, {"DeleteBankAccount", Key::kOptional, Etag::kOptional, WriteRequest::Answer::kNothing},
                    request, std::move(command), {}, response);
  }

  ServerUnaryReactor* MakeBankAccountDefault(CallbackServerContext* context,
                                             const v1::MakeBankAccountDefaultRequest* request,
                                             v1::WriteResponse* response) override {
    commands::v1::MakeBankAccountDefault command;
    command.set_account_id(request->account_id());
    return WriteOne(context, {"MakeBankAccountDefault"}, request, std::move(command), {}, response);
  }

 private:
  // A write on an existing beneficiary.
  template <class Request>
  ServerUnaryReactor* WriteOne(CallbackServerContext* context, Method method, const Request* request,
                               Beneficiary::Command command, std::vector<Violation> malformed,
                               v1::WriteResponse* response) {
    return Admitted(options_, context, [&](rpc::UnaryCall call, const Caller& caller) {
      const std::optional<std::string> id = CanonicalUuid(request->id());
      if (!id) return call.Finish(NoSuchBeneficiary(), kErrorDomain);
      Write(std::move(call), caller, method, *request, absl::StrCat("/v1/beneficiaries/", *id), *id, std::move(command),
            std::move(malformed), response);
    });
  }

  // beneficiary_id: "" = created by this command.
  template <class Request>
  void Write(rpc::UnaryCall call, const Caller& caller, Method method, const Request& request,
             const std::string& resource, std::string beneficiary_id, Beneficiary::Command command,
             std::vector<Violation> malformed, v1::WriteResponse* response) {
    if (service_.serves() == ::beneficiary::Service::Serves::kReads) {
      return call.Finish(::beneficiary::Service::NotServedHere(), kErrorDomain);
    }
    if (!malformed.empty()) {
      rpc::ErrorDetails details{"MALFORMED_REQUEST", kErrorDomain, {}, std::move(malformed), std::nullopt};
      return call.Finish(
          rpc::ToGrpc(absl::InvalidArgumentError("The request has fields that cannot be meant."), details));
    }
    Request content = request;
    content.clear_options();
    absl::StatusOr<WriteRequest> write =
        Prepare(call, caller, method, request.options(), resource, content.SerializeAsString());
    if (!write.ok()) return call.Finish(write.status(), kErrorDomain);
    write->beneficiary_id =
        beneficiary_id.empty() ? BeneficiaryIdOf(write->options.id).ToString() : std::move(beneficiary_id);
    write->command = std::move(command);
    write->answer = method.answer;
    service_.Write(caller, *std::move(write),
                   [this, caller, method, response, call = std::move(call)](absl::StatusOr<WriteReply> reply) mutable {
                     if (!reply.ok()) return call.Finish(reply.status(), kErrorDomain);
                     if (reply->outcome.rejection) return call.Finish(*reply->outcome.rejection, kErrorDomain);
                     call.Finish(Answer(caller, *reply, method, *response), kErrorDomain);
                   });
  }

  absl::Status Answer(const Caller& caller, const WriteReply& reply, const Method& method,
                      v1::WriteResponse& response) {
    FillOperation(Operation{reply.outcome, reply.pending}, *response.mutable_operation());
    if (!reply.shown || method.answer == WriteRequest::Answer::kNothing) return absl::OkStatus();
    const absl::StatusOr<Detail> detail = service_.Get(caller, reply.outcome.stream.key());
    // Gone again, or of a client that the caller may write and not read: what was stored stays stored.
    if (!detail.ok()) return absl::OkStatus();
    return BeneficiaryFromJson(detail->json, *response.mutable_beneficiary());
  }

  // Everything of the write but id and command.
  absl::StatusOr<WriteRequest> Prepare(const rpc::UnaryCall& call, const Caller& caller, const Method& method,
                                       const v1::WriteOptions& options, const std::string& resource,
                                       const std::string& content) {
    WriteRequest write;
    if (!options.request_id().empty()) {
      if (const absl::Status checked = CheckIdempotencyKey(options.request_id()); !checked.ok()) {
        return Bad("REQUEST_ID_MALFORMED", "request_id must be 1 to 128 printable ASCII characters.");
      }
      write.options.id = CommandIdOfKey(caller.name, resource, options.request_id());
      write.options.fingerprint =
          RequestFingerprint(absl::StrCat("grpc ", std::string(method.name)), resource, options.etag(), content);
    } else if (method.key == Key::kRequired) {
      return Bad("REQUEST_ID_REQUIRED", "options.request_id is required.");
    }
    DAYBOOK_ASSIGN_OR_RETURN(write.options.expected, ExpectedOf(method, options.etag()));
    const absl::Time now = daybook::ToAbslTime(options_.clock->Now());
    write.options.deadline = std::min(call.deadline(), now + options_.command_wait);
    write.options.actor = caller.name;
    if (options.has_wait()) {
      DAYBOOK_ASSIGN_OR_RETURN(write.wait, WaitOf(options.wait(), call.deadline() - now));
    }
    return write;
  }

  static absl::StatusOr<daybook::store::ExpectedRevision> ExpectedOf(const Method& method, const std::string& etag) {
    using daybook::store::ExpectedRevision;
    if (etag.empty()) {
      if (method.etag == Etag::kRequired) return Bad("ETAG_REQUIRED", "options.etag is required.");
      return ExpectedRevision::Any();
    }
    const absl::StatusOr<IfMatch> condition = IfMatch::Parse(etag);
    if (!condition.ok()) return Bad("ETAG_MALFORMED", "options.etag must be an etag in its quotes, or *.");
    switch (condition->kind) {
      case IfMatch::Kind::kAnything:
        return ExpectedRevision::Exists();
      case IfMatch::Kind::kRevision:
        return ExpectedRevision::Exactly(condition->revision);
      case IfMatch::Kind::kNothing:
        break;
    }
    return WithReason(absl::AbortedError("options.etag is not the beneficiary's."), "REVISION_CONFLICT");
  }

  absl::StatusOr<ShowWait> WaitOf(const v1::Wait& wait, absl::Duration left) const {
    const absl::Duration timeout = absl::Seconds(wait.timeout().seconds()) + absl::Nanoseconds(wait.timeout().nanos());
    if (timeout < absl::ZeroDuration() || timeout > absl::Seconds(kWaitSecondsMax)) {
      return Bad("WAIT_OUT_OF_RANGE", "options.wait.timeout must be 0 to 60 s.");
    }
    ShowWait out;
    out.timeout = std::clamp(left, absl::ZeroDuration(), timeout);
    out.models.assign(wait.models().begin(), wait.models().end());
    DAYBOOK_RETURN_IF_ERROR(service_.CheckModels(out.models));
    return out;
  }

  ::beneficiary::Service& service_;
  const GrpcOptions options_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeCommandService(Service& service, const GrpcOptions& options) {
  return std::make_unique<Commands>(service, options);
}

}  // namespace beneficiary::api::internal
