#include "beneficiary/api/write_body.h"

#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/internal/canonical_json.h"
#include "beneficiary/api/internal/json_fields.h"
#include "beneficiary/api/internal/json_text.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"

namespace beneficiary::api {

namespace json = boost::json;
namespace types = ::beneficiary::types::v1;
using daybook::Violation;
using internal::Fields;

namespace {

// Parses, and hands an object to `read`; anything else is a finding.
template <class Command, class Read>
Body<Command> ReadObject(std::string_view text, Read read) {
  Body<Command> body;
  std::optional<json::value> document = internal::ParseJson(text, body.malformed);
  if (!document) return body;
  Fields fields(*document, "", body.malformed);
  read(fields, body);
  fields.RejectOthers();
  body.canonical = internal::CanonicalJson(*document);
  return body;
}

std::optional<types::EntityType> ReadType(Fields& fields) {
  const std::optional<std::string> word = fields.Text("type");
  if (!word) return std::nullopt;
  if (*word == "business") return types::ENTITY_TYPE_BUSINESS;
  if (*word == "personal") return types::ENTITY_TYPE_PERSONAL;
  fields.Malformed("type", "UNKNOWN_VALUE", "Expected \"business\" or \"personal\".");
  return std::nullopt;
}

void ReadAddress(const json::value& value, std::string pointer, std::vector<Violation>& malformed,
                 types::Address& address) {
  Fields fields(value, std::move(pointer), malformed);
  address.set_address_line_1(fields.Text("address_line_1").value_or(""));
  address.set_street_name(fields.Text("street_name").value_or(""));
  address.set_building_number(fields.Text("building_number").value_or(""));
  address.set_floor(fields.Text("floor").value_or(""));
  address.set_apartment_office_number(fields.Text("apartment_office_number").value_or(""));
  address.set_city(fields.Text("city").value_or(""));
  address.set_state_region(fields.Text("state_region").value_or(""));
  address.set_post_code(fields.Text("post_code").value_or(""));
  address.set_country_code(fields.Text("country_code").value_or(""));
  fields.RejectOthers();
}

void ReadRegulatory(const json::value& value, std::string pointer, std::vector<Violation>& malformed,
                    types::Regulatory& regulatory) {
  Fields fields(value, std::move(pointer), malformed);
  regulatory.set_inn(fields.Text("inn").value_or(""));
  regulatory.set_kpp(fields.Text("kpp").value_or(""));
  regulatory.set_kio(fields.Text("kio").value_or(""));
  regulatory.set_kbk(fields.Text("kbk").value_or(""));
  regulatory.set_vo(fields.Text("vo").value_or(""));
  regulatory.set_russian_central_bank_account(fields.Text("russian_central_bank_account").value_or(""));
  fields.RejectOthers();
}

void ReadAccountFields(Fields& fields, std::vector<Violation>& malformed, types::BankAccount& account) {
  account.set_account_holder(fields.Text("account_holder").value_or(""));
  account.set_currency(fields.Text("currency").value_or(""));
  account.set_iban(fields.Text("iban").value_or(""));
  account.set_account_number(fields.Text("account_number").value_or(""));
  account.set_bank_identifier(fields.Text("bank_identifier").value_or(""));
  account.set_bank_identifier_type(fields.Text("bank_identifier_type").value_or(""));
  account.set_swift_code(fields.Text("swift_code").value_or(""));
  account.set_is_default(fields.Bool("default").value_or(false));
  account.set_active(true);
  if (const json::value* bank = fields.ObjectOrNull("bank"); bank != nullptr && bank->is_object()) {
    Fields part(*bank, fields.PointerTo("bank"), malformed);
    account.mutable_bank()->set_name(part.Text("name").value_or(""));
    account.mutable_bank()->set_country_code(part.Text("country_code").value_or(""));
    account.mutable_bank()->set_address_line_1(part.Text("address_line_1").value_or(""));
    part.RejectOthers();
  }
  if (const json::value* via = fields.ObjectOrNull("correspondent"); via != nullptr && via->is_object()) {
    Fields part(*via, fields.PointerTo("correspondent"), malformed);
    account.set_correspondent_swift_code(part.Text("swift_code").value_or(""));
    account.set_correspondent_account(part.Text("account_number").value_or(""));
    part.RejectOthers();
  }
}

// Sets a field of a patch if the document names it.
#define BENEFICIARY_PATCH_TEXT(fields, patch, name)                                  \
  do {                                                                               \
    if (auto text = (fields).PatchText(#name)) (patch).set_##name(*std::move(text)); \
  } while (false)

void ReadAddressPatch(const json::value& value, std::string pointer, std::vector<Violation>& malformed,
                      commands::v1::AddressPatch& patch) {
  if (value.is_null()) return patch.set_remove(true);
  Fields fields(value, std::move(pointer), malformed);
  BENEFICIARY_PATCH_TEXT(fields, patch, address_line_1);
  BENEFICIARY_PATCH_TEXT(fields, patch, street_name);
  BENEFICIARY_PATCH_TEXT(fields, patch, building_number);
  BENEFICIARY_PATCH_TEXT(fields, patch, floor);
  BENEFICIARY_PATCH_TEXT(fields, patch, apartment_office_number);
  BENEFICIARY_PATCH_TEXT(fields, patch, city);
  BENEFICIARY_PATCH_TEXT(fields, patch, state_region);
  BENEFICIARY_PATCH_TEXT(fields, patch, post_code);
  BENEFICIARY_PATCH_TEXT(fields, patch, country_code);
  fields.RejectOthers();
}

void ReadRegulatoryPatch(const json::value& value, std::string pointer, std::vector<Violation>& malformed,
                         commands::v1::RegulatoryPatch& patch) {
  if (value.is_null()) return patch.set_remove(true);
  Fields fields(value, std::move(pointer), malformed);
  BENEFICIARY_PATCH_TEXT(fields, patch, inn);
  BENEFICIARY_PATCH_TEXT(fields, patch, kpp);
  BENEFICIARY_PATCH_TEXT(fields, patch, kio);
  BENEFICIARY_PATCH_TEXT(fields, patch, kbk);
  BENEFICIARY_PATCH_TEXT(fields, patch, vo);
  BENEFICIARY_PATCH_TEXT(fields, patch, russian_central_bank_account);
  fields.RejectOthers();
}

void RefuseNull(const Fields& fields, std::string_view name, std::vector<Violation>& broken_rules) {
  if (fields.IsNull(name)) {
    broken_rules.push_back(
        {fields.PointerTo(name), "REQUIRED", "This field has always a value: null cannot clear it."});
  }
}

// The two objects inside an account: their members are patched, and null clears all of them.
void ReadAccountPatchParts(Fields& fields, std::vector<Violation>& malformed, commands::v1::AmendBankAccount& patch) {
  static const json::object kAllNull = {{"name", nullptr},
                                        {"country_code", nullptr},
                                        {"address_line_1", nullptr},
                                        {"swift_code", nullptr},
                                        {"account_number", nullptr}};
  static const json::value kCleared(kAllNull);
  if (const json::value* bank = fields.ObjectOrNull("bank")) {
    Fields part(bank->is_null() ? kCleared : *bank, fields.PointerTo("bank"), malformed);
    if (auto text = part.PatchText("name")) patch.set_bank_name(*std::move(text));
    if (auto text = part.PatchText("country_code")) patch.set_bank_country_code(*std::move(text));
    if (auto text = part.PatchText("address_line_1")) patch.set_bank_address_line_1(*std::move(text));
    if (!bank->is_null()) part.RejectOthers();
  }
  if (const json::value* via = fields.ObjectOrNull("correspondent")) {
    Fields part(via->is_null() ? kCleared : *via, fields.PointerTo("correspondent"), malformed);
    if (auto text = part.PatchText("swift_code")) patch.set_correspondent_swift_code(*std::move(text));
    if (auto text = part.PatchText("account_number")) patch.set_correspondent_account(*std::move(text));
    if (!via->is_null()) part.RejectOthers();
  }
}

}  // namespace

Body<commands::v1::RegisterBeneficiary> ReadRegister(std::string_view text) {
  return ReadObject<commands::v1::RegisterBeneficiary>(text, [](Fields& fields, auto& body) {
    commands::v1::RegisterBeneficiary& command = body.command;
    types::Details& details = *command.mutable_details();
    details.set_name(fields.Text("name").value_or(""));
    details.set_type(ReadType(fields).value_or(types::ENTITY_TYPE_UNSPECIFIED));
    details.set_email_notification(fields.Bool("email_notification").value_or(false));
    details.set_reference_information(fields.Text("reference_information").value_or(""));
    details.set_reason_for_trade(fields.Text("reason_for_trade").value_or(""));
    details.set_purpose_code(fields.Text("purpose_code").value_or(""));
    if (const json::value* address = fields.ObjectOrNull("address"); address != nullptr && address->is_object()) {
      ReadAddress(*address, fields.PointerTo("address"), body.malformed, *command.mutable_address());
    }
    if (const json::value* part = fields.ObjectOrNull("regulatory"); part != nullptr && part->is_object()) {
      ReadRegulatory(*part, fields.PointerTo("regulatory"), body.malformed, *command.mutable_regulatory());
    }
    for (std::string& alias : fields.Texts("aliases").value_or(std::vector<std::string>())) {
      command.add_aliases(std::move(alias));
    }
    for (std::string& email : fields.Texts("email_addresses").value_or(std::vector<std::string>())) {
      command.add_email_addresses(std::move(email));
    }
    for (const auto& [element, pointer] : fields.Elements("bank_accounts")) {
      Fields account(*element, pointer, body.malformed);
      ReadAccountFields(account, body.malformed, *command.add_bank_accounts());
      account.RejectOthers();
    }
  });
}

Body<commands::v1::AmendBeneficiary> ReadAmend(std::string_view text) {
  return ReadObject<commands::v1::AmendBeneficiary>(text, [](Fields& fields, auto& body) {
    commands::v1::AmendBeneficiary& command = body.command;
    for (const std::string_view name : {"name", "type", "email_notification"}) {
      RefuseNull(fields, name, body.broken_rules);
    }
    if (auto name = fields.Text("name")) command.set_name(*std::move(name));
    if (const auto type = ReadType(fields)) command.set_type(*type);
    if (const auto flag = fields.Bool("email_notification")) command.set_email_notification(*flag);
    BENEFICIARY_PATCH_TEXT(fields, command, reference_information);
    BENEFICIARY_PATCH_TEXT(fields, command, reason_for_trade);
    BENEFICIARY_PATCH_TEXT(fields, command, purpose_code);
    if (const json::value* address = fields.ObjectOrNull("address")) {
      ReadAddressPatch(*address, fields.PointerTo("address"), body.malformed, *command.mutable_address());
    }
    if (const json::value* part = fields.ObjectOrNull("regulatory")) {
      ReadRegulatoryPatch(*part, fields.PointerTo("regulatory"), body.malformed, *command.mutable_regulatory());
    }
    if (auto emails = fields.Texts("email_addresses")) {
      command.mutable_email_addresses();
      for (std::string& email : *emails) command.mutable_email_addresses()->add_email_addresses(std::move(email));
    }
  });
}

Body<commands::v1::AddBankAccount> ReadAddBankAccount(std::string_view text) {
  return ReadObject<commands::v1::AddBankAccount>(text, [](Fields& fields, auto& body) {
    ReadAccountFields(fields, body.malformed, *body.command.mutable_bank_account());
  });
}

Body<commands::v1::AmendBankAccount> ReadAmendBankAccount(std::string_view text) {
  return ReadObject<commands::v1::AmendBankAccount>(text, [](Fields& fields, auto& body) {
    commands::v1::AmendBankAccount& patch = body.command;
    RefuseNull(fields, "status", body.broken_rules);
    BENEFICIARY_PATCH_TEXT(fields, patch, account_holder);
    BENEFICIARY_PATCH_TEXT(fields, patch, currency);
    BENEFICIARY_PATCH_TEXT(fields, patch, iban);
    BENEFICIARY_PATCH_TEXT(fields, patch, account_number);
    BENEFICIARY_PATCH_TEXT(fields, patch, bank_identifier);
    BENEFICIARY_PATCH_TEXT(fields, patch, bank_identifier_type);
    BENEFICIARY_PATCH_TEXT(fields, patch, swift_code);
    ReadAccountPatchParts(fields, body.malformed, patch);
    if (const auto status = fields.Text("status")) {
      if (*status == "active" || *status == "inactive") {
        patch.set_active(*status == "active");
      } else {
        fields.Malformed("status", "UNKNOWN_VALUE", "Expected \"active\" or \"inactive\".");
      }
    }
  });
}

Body<commands::v1::RecordScreeningResult> ReadScreeningResult(std::string_view text) {
  return ReadObject<commands::v1::RecordScreeningResult>(text, [](Fields& fields, auto& body) {
    if (!fields.Has("status") || fields.IsNull("status")) {
      body.broken_rules.push_back({fields.PointerTo("status"), "REQUIRED", "This field is required."});
    }
    if (const auto status = fields.Text("status")) {
      if (*status == "clear") {
        body.command.set_status(types::SCREENING_STATUS_CLEAR);
      } else if (*status == "blocked") {
        body.command.set_status(types::SCREENING_STATUS_BLOCKED);
      } else if (*status == "pending") {
        body.command.set_status(types::SCREENING_STATUS_PENDING);
      } else {
        fields.Malformed("status", "UNKNOWN_VALUE", "Expected \"clear\", \"blocked\" or \"pending\".");
      }
    }
    if (const auto checked_at = fields.Text("checked_at")) {
      const absl::StatusOr<daybook::Timestamp> time = daybook::ParseTimestamp(*checked_at);
      if (time.ok()) {
        body.command.set_checked_at_us(time->micros());
      } else {
        fields.Malformed("checked_at", "NOT_A_TIME", "Expected a time as in RFC 3339: 2026-01-02T03:04:05Z.");
      }
    }
  });
}

Body<Nothing> ReadNothing(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  return ReadObject<Nothing>(text, [](Fields&, auto&) {});
}

#undef BENEFICIARY_PATCH_TEXT

}  // namespace beneficiary::api
