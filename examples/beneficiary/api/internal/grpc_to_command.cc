#include <algorithm>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/internal/grpc_convert.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"

namespace beneficiary::api::internal {

namespace types = ::beneficiary::types::v1;
using daybook::Violation;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

types::EntityType ToType(v1::EntityType type) {
  switch (type) {
    case v1::ENTITY_TYPE_BUSINESS:
      return types::ENTITY_TYPE_BUSINESS;
    case v1::ENTITY_TYPE_PERSONAL:
      return types::ENTITY_TYPE_PERSONAL;
    default:
      return types::ENTITY_TYPE_UNSPECIFIED;
  }
}

const FieldDescriptor* TextField(const Message& message, const std::string& name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  const bool text = field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated();
  return text ? field : nullptr;
}

// Copies one text field into the field `to_name`, present from now on. False: one of them is not there.
bool CopyText(const Message& from, const std::string& name, Message& to, const std::string& to_name) {
  const FieldDescriptor* source = TextField(from, name);
  const FieldDescriptor* target = TextField(to, to_name);
  if (source == nullptr || target == nullptr) return false;
  to.GetReflection()->SetString(&to, target, from.GetReflection()->GetString(from, source));
  return true;
}

// The same for every text field that both have.
void CopyTexts(const Message& from, Message& to) {
  for (int i = 0; i < from.GetDescriptor()->field_count(); ++i) {
    const std::string& name = from.GetDescriptor()->field(i)->name();
    CopyText(from, name, to, name);
  }
}

void FillAccount(const v1::BankAccount& from, types::BankAccount& to) {
  CopyTexts(from, to);
  to.clear_id();
  if (from.has_bank()) CopyTexts(from.bank(), *to.mutable_bank());
  to.set_correspondent_swift_code(from.correspondent().swift_code());
  to.set_correspondent_account(from.correspondent().account_number());
  to.set_is_default(from.default_());
  to.set_active(true);
}

// The paths of a mask: those given, or all, or those that are set.
std::vector<std::string> PathsOf(const google::protobuf::FieldMask& mask, const Message& message,
                                 const std::vector<std::string>& all) {
  if (mask.paths().empty()) {
    std::vector<std::string> out;
    std::vector<const FieldDescriptor*> set;
    message.GetReflection()->ListFields(message, &set);
    for (const FieldDescriptor* field : set) out.push_back(field->name());
    return out;
  }
  if (mask.paths_size() == 1 && mask.paths(0) == "*") return all;
  return {mask.paths().begin(), mask.paths().end()};
}

void UnknownPath(const std::string& path, std::vector<Violation>& malformed) {
  malformed.push_back({"/update_mask", "UNKNOWN_FIELD", absl::StrCat("\"", path, "\" cannot be updated.")});
}

// "address.city" -> {"address", "city"}.
std::pair<std::string, std::string> Split(const std::string& path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return {path, ""};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

// A whole part or one field of it, where patch and message name their fields alike.
template <class Part, class Patch>
bool AmendPart(const Part& part, bool present, const std::string& field, Patch& patch) {
  if (!field.empty()) return CopyText(part, field, patch, field);
  if (present) {
    CopyTexts(part, patch);
  } else {
    patch.set_remove(true);
  }
  return true;
}

bool AmendOne(const v1::Beneficiary& from, const std::string& path, commands::v1::AmendBeneficiary& to) {
  const auto [head, field] = Split(path);
  if (head == "address") return AmendPart(from.address(), from.has_address(), field, *to.mutable_address());
  if (head == "regulatory") return AmendPart(from.regulatory(), from.has_regulatory(), field, *to.mutable_regulatory());
  if (path == "type") {
    to.set_type(ToType(from.type()));
  } else if (path == "email_notification") {
    to.set_email_notification(from.email_notification());
  } else if (path == "email_addresses") {
    *to.mutable_email_addresses()->mutable_email_addresses() = from.email_addresses();
  } else {
    return CopyText(from, path, to, path);
  }
  return true;
}

// bank.name -> bank_name; correspondent.account_number -> correspondent_account.
bool AmendAccountPart(const v1::BankAccount& from, const std::string& head, const std::string& field,
                      commands::v1::AmendBankAccount& to) {
  if (head == "bank") {
    for (const std::string name : {"name", "country_code", "address_line_1"}) {
      if ((field.empty() || field == name) && !CopyText(from.bank(), name, to, "bank_" + name)) return false;
    }
    return field.empty() || TextField(from.bank(), field) != nullptr;
  }
  if (field.empty() || field == "swift_code") to.set_correspondent_swift_code(from.correspondent().swift_code());
  if (field.empty() || field == "account_number") to.set_correspondent_account(from.correspondent().account_number());
  return field.empty() || TextField(from.correspondent(), field) != nullptr;
}

bool AmendOneOfAccount(const v1::BankAccount& from, const std::string& path, commands::v1::AmendBankAccount& to) {
  const auto [head, field] = Split(path);
  if (head == "bank" || head == "correspondent") return AmendAccountPart(from, head, field, to);
  if (path == "status") {
    if (from.status() != v1::STATUS_ACTIVE && from.status() != v1::STATUS_INACTIVE) return false;
    to.set_active(from.status() == v1::STATUS_ACTIVE);
    return true;
  }
  return path != "account_id" && path != "id" && CopyText(from, path, to, path);
}

}  // namespace

commands::v1::RegisterBeneficiary ToCommand(const v1::CreateBeneficiaryRequest& request) {
  const v1::Beneficiary& from = request.beneficiary();
  commands::v1::RegisterBeneficiary to;
  to.set_client_id(request.client_id());
  CopyTexts(from, *to.mutable_details());
  to.mutable_details()->set_type(ToType(from.type()));
  to.mutable_details()->set_email_notification(from.email_notification());
  if (from.has_address()) CopyTexts(from.address(), *to.mutable_address());
  if (from.has_regulatory()) CopyTexts(from.regulatory(), *to.mutable_regulatory());
  *to.mutable_aliases() = from.aliases();
  *to.mutable_email_addresses() = from.email_addresses();
  for (const v1::BankAccount& account : from.bank_accounts()) FillAccount(account, *to.add_bank_accounts());
  return to;
}

commands::v1::AmendBeneficiary ToCommand(const v1::UpdateBeneficiaryRequest& request,
                                         std::vector<Violation>& malformed) {
  static const std::vector<std::string> kAll = {
      "name",         "type",    "email_notification", "email_addresses", "reference_information", "reason_for_trade",
      "purpose_code", "address", "regulatory"};
  commands::v1::AmendBeneficiary to;
  for (const std::string& path : PathsOf(request.update_mask(), request.beneficiary(), kAll)) {
    if (!AmendOne(request.beneficiary(), path, to)) UnknownPath(path, malformed);
  }
  return to;
}

commands::v1::AddBankAccount ToCommand(const v1::CreateBankAccountRequest& request) {
  commands::v1::AddBankAccount to;
  FillAccount(request.bank_account(), *to.mutable_bank_account());
  return to;
}

commands::v1::AmendBankAccount ToCommand(const v1::UpdateBankAccountRequest& request,
                                         std::vector<Violation>& malformed) {
  static const std::vector<std::string> kAll = {
      "account_holder",       "currency",   "iban", "account_number", "bank_identifier",
      "bank_identifier_type", "swift_code", "bank", "correspondent"};
  commands::v1::AmendBankAccount to;
  for (const std::string& path : PathsOf(request.update_mask(), request.bank_account(), kAll)) {
    if (!AmendOneOfAccount(request.bank_account(), path, to)) UnknownPath(path, malformed);
  }
  to.set_account_id(request.account_id());
  return to;
}

commands::v1::RecordScreeningResult ToCommand(const v1::RecordScreeningResultRequest& request,
                                              std::vector<Violation>& malformed) {
  commands::v1::RecordScreeningResult to;
  switch (request.status()) {
    case v1::SCREENING_STATUS_PENDING:
      to.set_status(types::SCREENING_STATUS_PENDING);
      break;
    case v1::SCREENING_STATUS_CLEAR:
      to.set_status(types::SCREENING_STATUS_CLEAR);
      break;
    case v1::SCREENING_STATUS_BLOCKED:
      to.set_status(types::SCREENING_STATUS_BLOCKED);
      break;
    default:
      malformed.push_back({"/status", "UNKNOWN_VALUE", "Expected PENDING, CLEAR or BLOCKED."});
  }
  if (request.has_checked_at()) {
    const auto& at = request.checked_at();
    // Years 1 to 9999, as google.protobuf.Timestamp has them.
    constexpr std::int64_t kFirst = -62'135'596'800;
    constexpr std::int64_t kLast = 253'402'300'799;
    if (at.seconds() < kFirst || at.seconds() > kLast || at.nanos() < 0 || at.nanos() > 999'999'999) {
      malformed.push_back({"/checked_at", "NOT_A_TIME", "Expected a time of the years 1 to 9999."});
    } else {
      to.set_checked_at_us(at.seconds() * 1'000'000 + at.nanos() / 1000);
    }
  }
  return to;
}

}  // namespace beneficiary::api::internal
