#ifndef BENEFICIARY_API_INTERNAL_GRPC_CONVERT_H_
#define BENEFICIARY_API_INTERNAL_GRPC_CONVERT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "beneficiary/api/v1/commands.pb.h"
#include "beneficiary/api/v1/queries.pb.h"
#include "beneficiary/api/v1/resources.pb.h"
#include "beneficiary/app/service.h"
#include "beneficiary/commands/v1/commands.pb.h"
#include "daybook/core/decision.h"

namespace beneficiary::api::internal {

// From what the read models hold, the definitive JSON, to messages. kInternal: it is not that.
absl::Status BeneficiaryFromJson(std::string_view json, v1::Beneficiary& out);
absl::Status PageFromJson(std::string_view json, v1::ListBeneficiariesResponse& out);
absl::Status WarningsFromJson(std::string_view json, v1::BeneficiaryValidation& out);

void FillOperation(const Operation& operation, v1::Operation& out);

// From requests to commands. What cannot be meant is added to `malformed`; the aggregate judges the rest.
commands::v1::RegisterBeneficiary ToCommand(const v1::CreateBeneficiaryRequest& request);
commands::v1::AmendBeneficiary ToCommand(const v1::UpdateBeneficiaryRequest& request,
                                         std::vector<daybook::Violation>& malformed);
commands::v1::AddBankAccount ToCommand(const v1::CreateBankAccountRequest& request);
commands::v1::AmendBankAccount ToCommand(const v1::UpdateBankAccountRequest& request,
                                         std::vector<daybook::Violation>& malformed);
commands::v1::RecordScreeningResult ToCommand(const v1::RecordScreeningResultRequest& request,
                                              std::vector<daybook::Violation>& malformed);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_GRPC_CONVERT_H_
