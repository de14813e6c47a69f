#include "beneficiary/gateway/bos_mapping.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/domain/identity.h"
#include "daybook/base/uuid_source.h"

namespace beneficiary {
namespace {

using daybook::cdc::MappedCommand;
using daybook::cdc::RowTree;
using daybook::cdc::RowView;

constexpr std::string_view kContextPrefix = "bos.context";
constexpr std::size_t kChangeSizeMax = 100;
constexpr std::int64_t kFirstTime = -62'135'596'800'000'000;  // 0001-01-01T00:00:00.000000Z
constexpr std::int64_t kLastTime = 253'402'300'799'999'999;   // 9999-12-31T23:59:59.999999Z

std::string Text(const RowView& row, std::string_view column) { return std::string(row.Text(column)); }

MappedCommand ToCommand(const google::protobuf::Message& message) {
  MappedCommand command;
  command.type = message.GetDescriptor()->full_name();
  google::protobuf::io::StringOutputStream stream(&command.payload);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  return command;
}

types::v1::EntityType EntityTypeOf(std::string_view text) {
  if (text == "business") return types::v1::ENTITY_TYPE_BUSINESS;
  if (text == "personal") return types::v1::ENTITY_TYPE_PERSONAL;
  return types::v1::ENTITY_TYPE_UNSPECIFIED;
}

types::v1::ScreeningStatus ScreeningStatusOf(std::string_view text) {
  if (text == "pending") return types::v1::SCREENING_STATUS_PENDING;
  if (text == "clear") return types::v1::SCREENING_STATUS_CLEAR;
  if (text == "blocked") return types::v1::SCREENING_STATUS_BLOCKED;
  return types::v1::SCREENING_STATUS_UNSPECIFIED;
}

void MapAddress(const RowView& row, types::v1::Address& out) {
  out.set_address_line_1(Text(row, "address_line_1"));
  out.set_street_name(Text(row, "street_name"));
  out.set_building_number(Text(row, "building_number"));
  out.set_floor(Text(row, "floor"));
  out.set_apartment_office_number(Text(row, "apartment_office_number"));
  out.set_city(Text(row, "city"));
  out.set_state_region(Text(row, "state_region"));
  out.set_post_code(Text(row, "post_code"));
  out.set_country_code(Text(row, "country_code"));
}

void MapAccount(std::string_view instance, const RowTree& account, types::v1::BankAccount& out) {
  const RowView& row = account.row;
  const std::string pk = std::to_string(row.Int("id"));
  out.set_id(daybook::NameBasedUuid(kNamespace, BosBankAccountName(instance, pk)).ToString());
  out.set_legacy_id(pk);
  out.set_account_holder(Text(row, "account_holder"));
  out.set_currency(Text(row, "currency"));
  out.set_iban(Text(row, "iban"));
  out.set_account_number(Text(row, "account_number"));
  out.set_bank_identifier(Text(row, "bank_identifier"));
  out.set_bank_identifier_type(Text(row, "bank_identifier_type"));
  out.set_correspondent_swift_code(Text(row, "correspondent_swift_code"));
  out.set_correspondent_account(Text(row, "correspondent_account"));
  out.set_daily_limit(Text(row, "daily_limit"));
  out.set_is_default(row.Bool("is_default"));
  out.set_active(row.Bool("is_active"));
  const RowTree* bank = account.One("bank");
  if (bank == nullptr) return;
  out.set_swift_code(Text(bank->row, "swift_code"));
  out.mutable_bank()->set_name(Text(bank->row, "name"));
  out.mutable_bank()->set_country_code(Text(bank->row, "country_code"));
  if (const RowTree* address = bank->One("address"); address != nullptr) {
    out.mutable_bank()->set_address_line_1(Text(address->row, "address_line_1"));
  }
}

void MapRegulatory(const RowView& row, types::v1::Regulatory& out) {
  out.set_inn(Text(row, "inn"));
  out.set_kpp(Text(row, "kpp"));
  out.set_kio(Text(row, "kio"));
  out.set_kbk(Text(row, "kbk"));
  out.set_vo(Text(row, "vo"));
  out.set_russian_central_bank_account(Text(row, "russian_central_bank_account"));
}

}  // namespace

std::int64_t ClampTime(std::int64_t micros) { return std::clamp(micros, kFirstTime, kLastTime); }

std::string ChangeSaidBy(std::string_view prefix, std::string_view content) {
  google::protobuf::Struct context;
  const google::protobuf::StringPiece json(content.data(), content.size());
  if (prefix != kContextPrefix || !google::protobuf::util::JsonStringToMessage(json, &context).ok()) return "";
  const auto type = context.fields().find("type");
  if (type == context.fields().end()) return "";
  const std::string& text = type->second.string_value();
  const bool is_name = text.size() <= kChangeSizeMax && std::all_of(text.begin(), text.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                       });
  return is_name ? text : "";
}

types::v1::BosImage ImageOf(std::string_view instance, const RowTree& beneficiary) {
  const RowView& row = beneficiary.row;
  types::v1::BosImage image;
  if (const RowTree* client = beneficiary.One("client"); client != nullptr) {
    image.set_client_id(Text(client->row, "client_ref"));
  }
  types::v1::Details& details = *image.mutable_details();
  details.set_name(Text(row, "name"));
  details.set_type(EntityTypeOf(row.Text("account_type")));
  details.set_email_notification(row.Bool("email_notification"));
  details.set_reference_information(Text(row, "reference_information"));
  details.set_reason_for_trade(Text(row, "reason_for_trade"));
  details.set_purpose_code(Text(row, "purpose_code"));
  image.set_active(row.Bool("is_active"));
  image.set_deleted(row.Bool("is_deleted"));
  image.set_screening_status(ScreeningStatusOf(row.Text("aml_status")));
  image.set_created_at_us(ClampTime(row.Int("created")));
  image.set_updated_at_us(ClampTime(row.Int("modified")));
  if (const RowTree* address = beneficiary.One("address"); address != nullptr) {
    MapAddress(address->row, *image.mutable_address());
  }
  // [map-child]
  for (const RowTree& alias : beneficiary.Many("aliases")) {
    types::v1::Alias& out = *image.add_aliases();
    out.set_alias(Text(alias.row, "alias"));
    out.set_legacy_id(std::to_string(alias.row.Int("id")));
  }
  // [map-child]
  for (const RowTree& email : beneficiary.Many("emails")) {
    types::v1::Email& out = *image.add_emails();
    out.set_email(Text(email.row, "email"));
    out.set_legacy_id(std::to_string(email.row.Int("id")));
  }
  for (const RowTree& account : beneficiary.Many("bank_accounts")) {
    MapAccount(instance, account, *image.add_bank_accounts());
  }
  for (const RowTree& regulatory : beneficiary.Many("regulatory")) {
    MapRegulatory(regulatory.row, *image.mutable_regulatory());
  }
  return image;
}

daybook::StreamId BosBeneficiaryStream(std::string_view instance, std::string_view pk) {
  return daybook::StreamId("beneficiary",
                           daybook::NameBasedUuid(kNamespace, BosBeneficiaryName(instance, pk)).ToString());
}

daybook::StreamId BosClientStream(std::string_view instance, std::string_view pk) {
  return daybook::StreamId("client", daybook::NameBasedUuid(kNamespace, BosClientName(instance, pk)).ToString());
}

daybook::StreamId BeneficiaryMapping::Stream(std::string_view key) const {
  return BosBeneficiaryStream(instance_, key);
}

absl::StatusOr<MappedCommand> BeneficiaryMapping::Sync(std::string_view key, const RowTree& root) const {
  commands::v1::SyncFromBos command;
  command.set_instance(instance_);
  command.set_legacy_id(std::string(key));
  *command.mutable_image() = ImageOf(instance_, root);
  return ToCommand(command);
}

MappedCommand BeneficiaryMapping::Forget(std::string_view key) const {
  commands::v1::ForgetFromBos command;
  command.set_instance(instance_);
  command.set_legacy_id(std::string(key));
  return ToCommand(command);
}

daybook::StreamId ClientMapping::Stream(std::string_view key) const { return BosClientStream(instance_, key); }

absl::StatusOr<MappedCommand> ClientMapping::Sync(std::string_view key, const RowTree& root) const {
  commands::v1::SyncClient command;
  command.set_instance(instance_);
  command.set_legacy_id(std::string(key));
  command.set_client_id(Text(root.row, "client_ref"));
  command.set_name(Text(root.row, "name"));
  command.set_status(Text(root.row, "status"));
  return ToCommand(command);
}

MappedCommand ClientMapping::Forget(std::string_view key) const {
  commands::v1::ForgetClient command;
  command.set_instance(instance_);
  command.set_legacy_id(std::string(key));
  return ToCommand(command);
}

}  // namespace beneficiary
