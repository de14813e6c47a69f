#include <boost/json.hpp>

#include "beneficiary/api/identifiers.h"
#include "beneficiary/api/internal/grpc_convert.h"
#include "daybook/base/clock.h"

namespace beneficiary::api::internal {

namespace json = boost::json;

namespace {

// The text of a member; "" for null and for what is no text.
std::string Text(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->get_string().data(), value->get_string().size());
}

bool Flag(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* Object(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array& Array(const json::object& object, const char* name) {
  static const json::array kNone;
  const json::value* value = object.if_contains(name);
  return value == nullptr || !value->is_array() ? kNone : value->get_array();
}

void FillTime(const json::object& object, const char* name, google::protobuf::Timestamp* (*make)(v1::Beneficiary&),
              v1::Beneficiary& out) {
  const absl::StatusOr<daybook::Timestamp> time = daybook::ParseTimestamp(Text(object, name));
  if (!time.ok()) return;
  google::protobuf::Timestamp* const at = make(out);
  const absl::Time t = daybook::ToAbslTime(*time);
  at->set_seconds(absl::ToUnixSeconds(t));
  at->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(t - absl::FromUnixSeconds(at->seconds()))));
}

v1::Status StatusOf(const std::string& word) {
  if (word == "active") return v1::STATUS_ACTIVE;
  if (word == "inactive") return v1::STATUS_INACTIVE;
  if (word == "deleted") return v1::STATUS_DELETED;
  return v1::STATUS_UNSPECIFIED;
}

// The members of `object` into the text fields of the same names.
void FillTexts(const json::object& object, google::protobuf::Message& out) {
  const auto* descriptor = out.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING || field->is_repeated()) continue;
    std::string text = Text(object, field->name().c_str());
    if (!text.empty()) out.GetReflection()->SetString(&out, field, std::move(text));
  }
}

void FillAccount(const json::object& object, v1::BankAccount& out) {
  FillTexts(object, out);
  if (const json::object* bank = Object(object, "bank")) FillTexts(*bank, *out.mutable_bank());
  if (const json::object* via = Object(object, "correspondent")) FillTexts(*via, *out.mutable_correspondent());
  out.set_default_(Flag(object, "default"));
  out.set_status(StatusOf(Text(object, "status")));
}

void FillScreening(const json::object& object, v1::Beneficiary& out) {
  const std::string status = Text(object, "status");
  out.mutable_screening()->set_status(status == "pending"   ? v1::SCREENING_STATUS_PENDING
                                      : status == "clear"   ? v1::SCREENING_STATUS_CLEAR
                                      : status == "blocked" ? v1::SCREENING_STATUS_BLOCKED
                                                            : v1::SCREENING_STATUS_UNSPECIFIED);
  FillTime(
      object, "checked_at", [](v1::Beneficiary& b) { return b.mutable_screening()->mutable_checked_at(); }, out);
}

void FillBeneficiary(const json::object& object, v1::Beneficiary& out) {
  FillTexts(object, out);
  if (const json::value* version = object.if_contains("version"); version != nullptr && version->is_int64()) {
    out.set_version(static_cast<std::uint64_t>(version->get_int64()));
    out.set_etag("\"" + std::to_string(out.version()) + "\"");
  }
  out.set_status(StatusOf(Text(object, "status")));
  const std::string type = Text(object, "type");
  if (type == "business") out.set_type(v1::ENTITY_TYPE_BUSINESS);
  if (type == "personal") out.set_type(v1::ENTITY_TYPE_PERSONAL);
  for (const json::value& alias : Array(object, "aliases")) out.add_aliases(json::value_to<std::string>(alias));
  for (const json::value& email : Array(object, "email_addresses")) {
    out.add_email_addresses(json::value_to<std::string>(email));
  }
  out.set_email_notification(Flag(object, "email_notification"));
  if (const json::object* address = Object(object, "address")) FillTexts(*address, *out.mutable_address());
  for (const json::value& account : Array(object, "bank_accounts")) {
    if (account.is_object()) FillAccount(account.get_object(), *out.add_bank_accounts());
  }
  if (const json::object* part = Object(object, "regulatory")) FillTexts(*part, *out.mutable_regulatory());
  if (const json::object* screening = Object(object, "screening")) FillScreening(*screening, out);
  if (const json::object* origin = Object(object, "origin")) FillTexts(*origin, *out.mutable_origin());
  FillTime(
      object, "created_at", [](v1::Beneficiary& b) { return b.mutable_created_at(); }, out);
  FillTime(
      object, "updated_at", [](v1::Beneficiary& b) { return b.mutable_updated_at(); }, out);
}

absl::StatusOr<json::value> ParseObject(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) return absl::InternalError("a read model holds what is not the definitive JSON");
  return value;
}

}  // namespace

absl::Status BeneficiaryFromJson(std::string_view text, v1::Beneficiary& out) {
  const absl::StatusOr<json::value> value = ParseObject(text);
  if (!value.ok()) return value.status();
  FillBeneficiary(value->get_object(), out);
  return absl::OkStatus();
}

absl::Status PageFromJson(std::string_view text, v1::ListBeneficiariesResponse& out) {
  const absl::StatusOr<json::value> value = ParseObject(text);
  if (!value.ok()) return value.status();
  for (const json::value& item : Array(value->get_object(), "items")) {
    if (item.is_object()) FillBeneficiary(item.get_object(), *out.add_beneficiaries());
  }
  out.set_next_page_token(Text(value->get_object(), "next_cursor"));
  return absl::OkStatus();
}

absl::Status WarningsFromJson(std::string_view text, v1::BeneficiaryValidation& out) {
  const absl::StatusOr<json::value> value = ParseObject(text);
  if (!value.ok()) return value.status();
  for (const json::value& warning : Array(value->get_object(), "warnings")) {
    if (warning.is_object()) FillTexts(warning.get_object(), *out.add_warnings());
  }
  return absl::OkStatus();
}

void FillOperation(const Operation& operation, v1::Operation& out) {
  const daybook::runtime::CommandOutcome& outcome = operation.outcome;
  out.set_id(OperationId{outcome.partition, outcome.id}.Encode());
  out.set_state(outcome.rejection ? v1::Operation::STATE_FAILED : v1::Operation::STATE_SUCCEEDED);
  out.set_beneficiary_id(std::string(outcome.stream.key()));
  out.set_version(outcome.revision.value());
  out.set_consistency_token(
      ConsistencyToken{std::string(Beneficiary::kCategory), outcome.partition, outcome.position}.Encode());
  for (const std::string& model : operation.pending) out.add_pending(model);
  if (!outcome.rejection) return;
  out.set_error_reason(outcome.rejection->reason);
  out.set_error_message(outcome.rejection->message);
  for (const daybook::Violation& violation : outcome.rejection->violations) {
    v1::Violation* const to = out.add_violations();
    to->set_pointer(violation.pointer);
    to->set_code(violation.code);
    to->set_detail(violation.detail);
  }
}

}  // namespace beneficiary::api::internal
