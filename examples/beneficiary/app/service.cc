#include "beneficiary/app/service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace runtime = daybook::runtime;
using daybook::CommandId;
using daybook::PartitionId;
using daybook::Position;
using daybook::StreamId;
using daybook::WithReason;

namespace {

// One text for all cases, so that it tells none of them from another.
absl::Status Denied() {
  return WithReason(absl::PermissionDeniedError("The caller may not do this for this client, or there is no such thing "
                                                "among what the caller may know of."),
                    "CLIENT_NOT_ALLOWED");
}

// What somebody's question after an id comes to if the answer is `found`, of `client_id`.
template <class T>
absl::StatusOr<T> IfAllowed(const ClientSet& allowed, absl::StatusOr<T> found, std::string_view client_id) {
  if (allowed.IsAll()) return found;
  if (found.ok() ? allowed.Contains(client_id) : found.status().code() != absl::StatusCode::kNotFound) return found;
  return Denied();
}

// Null for who may write everything: there is nothing to ask. A stream without a beneficiary is for who creates one,
// for a client that has been looked at.
runtime::Executor<Beneficiary>::Guard GuardOf(const ClientSet& writable, bool creates) {
  if (writable.IsAll()) return nullptr;
  return [writable, creates](const state::v1::BeneficiaryState& state) {
    const bool is_there = state.lifecycle() == state::v1::BeneficiaryState::LIFECYCLE_REGISTERED;
    if (is_there ? writable.Contains(state.client_id()) : creates) return absl::OkStatus();
    return Denied();
  };
}

}  // namespace

absl::Status Service::NotServedHere() {
  return WithReason(absl::UnimplementedError("This process serves queries only: writes, and operations that they have "
                                             "started, are the command service's."),
                    "NOT_SERVED_HERE");
}

std::vector<std::string> Service::AllModels() const { return queries_.runner().Names(); }

void Service::Write(const Caller& caller, WriteRequest request, WriteHandler done) {
  if (engine_ == nullptr) return done(NotServedHere());
  const auto* const registers = std::get_if<commands::v1::RegisterBeneficiary>(&request.command);
  if (registers != nullptr && !caller.writable.Contains(registers->client_id())) return done(Denied());
  StreamId stream(Beneficiary::kCategory, request.beneficiary_id);
  auto decided = [this, stream = std::move(stream), wait = std::move(request.wait), answer = request.answer,
                  done = std::move(done)](absl::StatusOr<runtime::CommandOutcome> outcome) mutable {
    if (outcome.ok()) return AnswerShown(*std::move(outcome), std::move(wait), answer, std::move(done));
    if (outcome.status().code() == absl::StatusCode::kAborted) {
      // No revision matches where there is nothing: that is the better answer.
      const absl::StatusOr<daybook::store::StreamHead> head = engine_->store().Head(stream);
      if (head.ok() && head->revision == daybook::Revision()) {
        return done(WithReason(absl::NotFoundError("There is no such beneficiary."), "NOT_REGISTERED"));
      }
      return done(WithReason(std::move(outcome).status(), "REVISION_CONFLICT"));
    }
    done(std::move(outcome).status());
  };
  engine_->beneficiaries().ExecuteGuarded(request.beneficiary_id, std::move(request.command),
                                          std::move(request.options), GuardOf(caller.writable, registers != nullptr),
                                          std::move(decided));
}

void Service::AnswerShown(runtime::CommandOutcome outcome, std::optional<ShowWait> wait, WriteRequest::Answer answer,
                          WriteHandler done) {
  WriteReply reply;
  reply.outcome = std::move(outcome);
  if (reply.outcome.rejection) return done(std::move(reply));
  const Position position = reply.outcome.position;
  if (!wait) {
    reply.pending = queries_.runner().Pending(AllModels(), position);
    return done(std::move(reply));
  }
  std::vector<std::string> models = wait->models.empty() ? AllModels() : std::move(wait->models);
  const std::string detail(DetailProjection::kName);
  if (answer == WriteRequest::Answer::kBeneficiary && std::find(models.begin(), models.end(), detail) == models.end()) {
    models.push_back(detail);
  }
  queries_.runner().WhenReached(
      std::move(models), position, wait->timeout,
      [this, reply = std::move(reply), position, done = std::move(done)](absl::Status reached) mutable {
        reply.shown = reached.ok();
        reply.pending = queries_.runner().Pending(AllModels(), position);
        done(std::move(reply));
      });
}

absl::Status Service::CheckModels(const std::vector<std::string>& names) const {
  const std::vector<std::string> known = AllModels();
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return WithReason(absl::InvalidArgumentError(absl::StrCat("There is no read model \"", name,
                                                                "\"; there are: ", absl::StrJoin(known, ", "), ".")),
                        "UNKNOWN_READ_MODEL");
    }
  }
  return absl::OkStatus();
}

void Service::WhenFresh(std::string_view model, Position position, absl::Duration timeout,
                        absl::AnyInvocable<void(absl::Status)> done) {
  queries_.runner().WhenReached(
      model, position, timeout, [done = std::move(done), name = std::string(model)](absl::Status reached) mutable {
        if (reached.ok()) return done(absl::OkStatus());
        done(WithReason(
            absl::UnavailableError(absl::StrCat(
                "The read model ", name, " does not show what the consistency token asks for ", "yet; try again.")),
            "NOT_YET_SHOWN"));
      });
}

absl::StatusOr<Operation> Service::FindOperation(const Caller& caller, PartitionId partition, CommandId id) {
  if (engine_ == nullptr) return NotServedHere();
  absl::StatusOr<Operation> found = FindAnyOperation(partition, id);
  if (caller.readable.IsAll() || caller.writable.IsAll()) return found;
  std::string client_id;
  if (found.ok()) {
    DAYBOOK_ASSIGN_OR_RETURN(auto loaded, engine_->beneficiaries().Load(found->outcome.stream.key()));
    client_id = loaded.state.client_id();  // "" of what never was, or is no more
  }
  const ClientSet& allowed = caller.readable.Contains(client_id) ? caller.readable : caller.writable;
  return IfAllowed(allowed, std::move(found), client_id);
}

absl::StatusOr<Operation> Service::FindAnyOperation(PartitionId partition, CommandId id) {
  const absl::Status unknown = WithReason(
      absl::NotFoundError("There is no such operation: it was never accepted here, or its outcome has expired."),
      "OPERATION_NOT_FOUND");
  if (partition != engine_->partition().options().partition) return unknown;
  absl::StatusOr<runtime::CommandOutcome> outcome = engine_->beneficiaries().FindOutcome(id);
  if (!outcome.ok()) return outcome.status().code() == absl::StatusCode::kNotFound ? unknown : outcome.status();
  // Clients are not a resource of this API, and neither are the commands on them.
  if (outcome->stream.category() != Beneficiary::kCategory) return unknown;
  Operation operation;
  if (!outcome->rejection) operation.pending = queries_.runner().Pending(AllModels(), outcome->position);
  operation.outcome = *std::move(outcome);
  return operation;
}

absl::StatusOr<Detail> Service::Get(const Caller& caller, std::string_view id) const {
  absl::StatusOr<Detail> found = queries_.detail().Get(id);
  const std::string client_id = found.ok() ? found->client_id : "";
  return IfAllowed(caller.readable, std::move(found), client_id);
}

absl::StatusOr<std::string> Service::Validation(const Caller& caller, std::string_view id) const {
  absl::StatusOr<Warnings> found = queries_.detail().Validation(id);
  const std::string client_id = found.ok() ? found->client_id : "";
  DAYBOOK_ASSIGN_OR_RETURN(Warnings allowed, IfAllowed(caller.readable, std::move(found), client_id));
  return std::move(allowed.json);
}

absl::StatusOr<ListPage> Service::AppendList(const Caller& caller, const ListRequest& request, std::string& out) const {
  if (!caller.readable.Contains(request.filter.client_id)) return Denied();
  return queries_.list().AppendTo(request, out);
}

absl::StatusOr<CompatPage> Service::CompatPageOf(const Caller& caller, const CompatRequest& request) const {
  if (!caller.readable.Contains(request.client_id)) return Denied();
  return queries_.compat().Page(request);
}

absl::StatusOr<std::string> Service::CompatInstance() const {
  if (!options_.compat_instance.empty()) return options_.compat_instance;
  absl::StatusOr<std::vector<std::string>> instances = queries_.compat().Instances();
  if (!instances.ok()) return instances.status();
  if (instances->empty()) return std::string();
  if (instances->size() == 1) return instances->front();
  return absl::FailedPreconditionError(absl::StrCat("There are several BOS instances (",
                                                    absl::StrJoin(*instances, ", "),
                                                    "): the service must be started with --compat_instance=NAME."));
}

}  // namespace beneficiary
