#include "beneficiary/api/internal/rest_writes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/internal/write_exchange.h"
#include "beneficiary/api/write_body.h"
#include "daybook/base/strings.h"

namespace beneficiary::api::internal {

namespace http = daybook::http;
using daybook::ToAbsl;

namespace {

// What distinguishes one write route from another, besides its body.
struct WriteRoute {
  http::Method method;
  std::string_view path_template;
  Success success;
  BodyKind kind = BodyKind::kBeneficiary;
};

// A revision that cannot be: nothing matches a tag that no revision has.
http::Problem NothingMatches() {
  return ProblemWith(http::StatusCode::kPreconditionFailed, "REVISION_CONFLICT",
                     "If-Match names a tag that the beneficiary does not have.");
}

bool CanNeverMatch(const WriteHead& head) { return head.condition && head.condition->kind == IfMatch::Kind::kNothing; }

// Adds a write on an existing beneficiary. `read` is one of write_body.h; `complete` puts the path's parameters into
// the command that the body gave, or refuses with a problem.
template <class ReadBody, class Complete>
void AddWrite(const SharedContext& context, const WriteRoute& route, ReadBody read, Complete complete,
              std::vector<Route>& out) {
  const auto handle = [context, route, read, complete](const Caller& caller, http::Request request,
                                                       http::Responder responder) {
    const std::optional<std::string> id = CanonicalUuid(request.PathParam("id"));
    if (!id) {
      return responder.Send(
          ProblemWith(http::StatusCode::kNotFound, "NOT_REGISTERED", "There is no such beneficiary."));
    }
    auto head = ReadWriteHead(*context, caller, request, absl::StrCat("/v1/beneficiaries/", *id));
    if (auto* problem = std::get_if<http::Problem>(&head)) return responder.Send(std::move(*problem));
    auto body = read(request.body());
    if (auto problem = ProblemOfBody(std::move(body.malformed), std::move(body.broken_rules))) {
      return responder.Send(*std::move(problem));
    }
    if (CanNeverMatch(std::get<WriteHead>(head))) return responder.Send(NothingMatches());
    WriteRequest write;
    write.beneficiary_id = *id;
    write.command = complete(request, std::move(body.command));
    write.options = OptionsOf(*context, request, std::get<WriteHead>(head), body.canonical);
    Execute(context, caller, std::move(write), std::get<WriteHead>(head).prefer, route.success, route.kind,
            std::move(responder));
  };
  out.push_back({route.method, std::string(route.path_template), handle});
}

// For a command that is all in the path.
template <class Command>
Beneficiary::Command Bare(const http::Request&, Nothing) {
  return Command();
}

template <class Command>
Beneficiary::Command WithAlias(const http::Request& request, Nothing) {
  Command command;
  command.set_alias(std::string(request.PathParam("alias")));
  return command;
}

template <class Command, class FromBody>
Beneficiary::Command WithAccount(const http::Request& request, FromBody body) {
  Command command;
  if constexpr (std::is_same_v<Command, FromBody>) command = std::move(body);
  // An id that is no UUID names no account; the aggregate says so.
  const std::string_view account = request.PathParam("account_id");
  command.set_account_id(CanonicalUuid(account).value_or(std::string(account)));
  return command;
}

void AddRegister(const SharedContext& context, std::vector<Route>& out) {
  const auto handle = [context](const Caller& caller, http::Request request, http::Responder responder) {
    const std::string_view client_id = request.PathParam("client_id");
    auto head =
        ReadWriteHead(*context, caller, request, absl::StrCat("/v1/clients/", ToAbsl(client_id), "/beneficiaries"));
    if (auto* problem = std::get_if<http::Problem>(&head)) return responder.Send(std::move(*problem));
    Body<commands::v1::RegisterBeneficiary> body = ReadRegister(request.body());
    if (auto problem = ProblemOfBody(std::move(body.malformed), std::move(body.broken_rules))) {
      return responder.Send(*std::move(problem));
    }
    const WriteHead& checked = std::get<WriteHead>(head);
    if (checked.condition) return responder.Send(NothingMatches());  // there is nothing yet that could match
    body.command.set_client_id(std::string(client_id));
    WriteRequest write;
    write.options = OptionsOf(*context, request, checked, body.canonical);
    write.beneficiary_id = BeneficiaryIdOf(write.options.id).ToString();
    write.command = std::move(body.command);
    Execute(context, caller, std::move(write), checked.prefer, Success::kCreated, BodyKind::kBeneficiary,
            std::move(responder));
  };
  out.push_back({http::Method::kPost, "/v1/clients/{client_id}/beneficiaries", handle});
}

void AddAccountWrites(const SharedContext& context, std::vector<Route>& out) {
  AddWrite(
      context, {http::Method::kPost, "/v1/beneficiaries/{id}/bank-accounts", Success::kCreated, BodyKind::kBankAccount},
      ReadAddBankAccount,
      [](const http::Request&, commands::v1::AddBankAccount command) -> Beneficiary::Command { return command; }, out);
  constexpr std::string_view kAccount = "/v1/beneficiaries/{id}/bank-accounts/{account_id}";
  AddWrite(context, {http::Method::kPatch, kAccount, Success::kBeneficiary, BodyKind::kBankAccount},
           ReadAmendBankAccount, WithAccount<commands::v1::AmendBankAccount, commands::v1::AmendBankAccount>, out);
  AddWrite(context, {http::Method::kDelete, kAccount, Success::kNoContent}, ReadNothing,
           WithAccount<commands::v1::RemoveBankAccount, Nothing>, out);
  AddWrite(
      context,
      {http::Method::kPost, "/v1/beneficiaries/{id}/bank-accounts/{account_id}:make-default", Success::kBeneficiary},
      ReadNothing, WithAccount<commands::v1::MakeBankAccountDefault, Nothing>, out);
}

}  // namespace

void AddWrites(const SharedContext& context, std::vector<Route>& out) {
  AddRegister(context, out);
  constexpr std::string_view kOne = "/v1/beneficiaries/{id}";
  AddWrite(
      context, {http::Method::kPatch, kOne, Success::kBeneficiary}, ReadAmend,
      [](const http::Request&, commands::v1::AmendBeneficiary command) -> Beneficiary::Command { return command; },
      out);
  AddWrite(context, {http::Method::kDelete, kOne, Success::kNoContent}, ReadNothing,
           Bare<commands::v1::RemoveBeneficiary>, out);
  constexpr std::string_view kAlias = "/v1/beneficiaries/{id}/aliases/{alias}";
  AddWrite(context, {http::Method::kPut, kAlias, Success::kBeneficiary}, ReadNothing, WithAlias<commands::v1::AddAlias>,
           out);
  AddWrite(context, {http::Method::kDelete, kAlias, Success::kNoContent}, ReadNothing,
           WithAlias<commands::v1::RemoveAlias>, out);
  AddAccountWrites(context, out);
  AddWrite(context, {http::Method::kPost, "/v1/beneficiaries/{id}:activate", Success::kBeneficiary}, ReadNothing,
           Bare<commands::v1::ActivateBeneficiary>, out);
  AddWrite(context, {http::Method::kPost, "/v1/beneficiaries/{id}:deactivate", Success::kBeneficiary}, ReadNothing,
           Bare<commands::v1::DeactivateBeneficiary>, out);
  AddWrite(context, {http::Method::kPost, "/v1/beneficiaries/{id}:restore", Success::kBeneficiary}, ReadNothing,
           Bare<commands::v1::RestoreBeneficiary>, out);
  AddWrite(
      context, {http::Method::kPost, "/v1/beneficiaries/{id}:screening-result", Success::kBeneficiary},
      ReadScreeningResult,
      [](const http::Request&, commands::v1::RecordScreeningResult command) -> Beneficiary::Command { return command; },
      out);
}

}  // namespace beneficiary::api::internal
