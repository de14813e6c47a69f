#include "beneficiary/projections/tests/fixture_set.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/json.hpp>
#include <map>
#include <memory>
#include <string_view>

#include "beneficiary/domain/identity.h"
#include "daybook/base/clock.h"
#include "daybook/base/uuid_source.h"

namespace beneficiary {

namespace {

namespace json = boost::json;

// Primary keys up to which accounts are looked for; the recordings' lie far below.
constexpr int kAccountKeysMax = 20'000;

std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return lines;
  std::string line;
  std::vector<char> buffer(1 << 16);
  int size = 0;
  while ((size = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    for (int i = 0; i < size; ++i) {
      if (buffer[i] != '\n') {
        line.push_back(buffer[i]);
      } else {
        lines.push_back(std::move(line));
        line.clear();
      }
    }
  }
  EXPECT_EQ(size, 0) << path;
  gzclose(file);
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string Text(const json::value& value) { return value.is_null() ? "" : json::value_to<std::string>(value); }

std::int64_t Micros(const json::value& value) {
  const absl::StatusOr<daybook::Timestamp> time = daybook::ParseTimestamp(Text(value));
  EXPECT_TRUE(time.ok()) << time.status();
  return time.ok() ? time->micros() : 0;
}

types::v1::ScreeningStatus ScreeningOf(const std::string& status) {
  if (status == "clear") return types::v1::SCREENING_STATUS_CLEAR;
  return status == "blocked" ? types::v1::SCREENING_STATUS_BLOCKED : types::v1::SCREENING_STATUS_PENDING;
}

void ReadAddress(const json::value& from, events::v1::BeneficiaryRegistered& to) {
  if (from.is_null()) return;
  types::v1::Address& address = *to.mutable_address();
  address.set_address_line_1(Text(from.at("address_line_1")));
  address.set_street_name(Text(from.at("street_name")));
  address.set_building_number(Text(from.at("building_number")));
  address.set_floor(Text(from.at("floor")));
  address.set_apartment_office_number(Text(from.at("apartment_office_number")));
  address.set_city(Text(from.at("city")));
  address.set_state_region(Text(from.at("state_region")));
  address.set_post_code(Text(from.at("post_code")));
  address.set_country_code(Text(from.at("country_code")));
}

void ReadRegulatory(const json::value& from, events::v1::BeneficiaryRegistered& to) {
  if (from.is_null()) return;
  types::v1::Regulatory& regulatory = *to.mutable_regulatory();
  regulatory.set_inn(Text(from.at("inn")));
  regulatory.set_kpp(Text(from.at("kpp")));
  regulatory.set_kio(Text(from.at("kio")));
  regulatory.set_kbk(Text(from.at("kbk")));
  regulatory.set_vo(Text(from.at("vo")));
  regulatory.set_russian_central_bank_account(Text(from.at("russian_central_bank_account")));
}

void ReadAccount(const json::value& from, const std::map<std::string, std::string>& legacy_ids,
                 types::v1::BankAccount& to) {
  to.set_id(Text(from.at("id")));
  const auto legacy = legacy_ids.find(to.id());
  EXPECT_TRUE(legacy != legacy_ids.end()) << "no key gives the account id " << to.id();
  if (legacy != legacy_ids.end()) to.set_legacy_id(legacy->second);
  to.set_account_holder(Text(from.at("account_holder")));
  to.set_currency(Text(from.at("currency")));
  to.set_iban(Text(from.at("iban")));
  to.set_account_number(Text(from.at("account_number")));
  to.set_bank_identifier(Text(from.at("bank_identifier")));
  to.set_bank_identifier_type(Text(from.at("bank_identifier_type")));
  to.set_swift_code(Text(from.at("swift_code")));
  to.mutable_bank()->set_name(Text(from.at("bank").at("name")));
  to.mutable_bank()->set_country_code(Text(from.at("bank").at("country_code")));
  to.mutable_bank()->set_address_line_1(Text(from.at("bank").at("address_line_1")));
  if (!from.at("correspondent").is_null()) {
    to.set_correspondent_swift_code(Text(from.at("correspondent").at("swift_code")));
    to.set_correspondent_account(Text(from.at("correspondent").at("account_number")));
  }
  to.set_is_default(from.at("default").as_bool());
  to.set_active(Text(from.at("status")) == "active");
}

events::v1::BeneficiaryRegistered ReadBeneficiary(const json::value& b,
                                                  const std::map<std::string, std::string>& legacy_ids) {
  events::v1::BeneficiaryRegistered out;
  out.set_id(Text(b.at("id")));
  out.set_client_id(Text(b.at("client_id")));
  out.set_active(Text(b.at("status")) != "inactive");
  out.set_removed(Text(b.at("status")) == "deleted");
  types::v1::Details& details = *out.mutable_details();
  details.set_type(Text(b.at("type")) == "business" ? types::v1::ENTITY_TYPE_BUSINESS
                                                    : types::v1::ENTITY_TYPE_PERSONAL);
  details.set_name(Text(b.at("name")));
  details.set_email_notification(b.at("email_notification").as_bool());
  details.set_reference_information(Text(b.at("reference_information")));
  details.set_reason_for_trade(Text(b.at("reason_for_trade")));
  details.set_purpose_code(Text(b.at("purpose_code")));
  for (const json::value& alias : b.at("aliases").as_array()) out.add_aliases()->set_alias(Text(alias));
  for (const json::value& email : b.at("email_addresses").as_array()) out.add_emails()->set_email(Text(email));
  ReadAddress(b.at("address"), out);
  ReadRegulatory(b.at("regulatory"), out);
  for (const json::value& account : b.at("bank_accounts").as_array()) {
    ReadAccount(account, legacy_ids, *out.add_bank_accounts());
  }
  out.mutable_screening()->set_status(ScreeningOf(Text(b.at("screening").at("status"))));
  out.mutable_origin()->set_system(Text(b.at("origin").at("system")));
  out.mutable_origin()->set_instance(Text(b.at("origin").at("instance")));
  out.mutable_origin()->set_id(Text(b.at("origin").at("id")));
  out.set_created_at_us(Micros(b.at("created_at")));
  out.set_updated_at_us(Micros(b.at("updated_at")));
  return out;
}

std::uint64_t NumberOf(const json::value& value) {
  if (value.is_null()) return 0;
  return value.is_string() ? std::stoull(Text(value)) : json::value_to<std::uint64_t>(value);
}

}  // namespace

FixtureSet LoadFixtureSet(const std::string& name) {
  const std::string folder = std::string(DAYBOOK_FIXTURES) + "/" + name + "/";
  FixtureSet out;
  const std::vector<std::string> instance = ReadLines(folder + "instance");
  EXPECT_EQ(instance.size(), 1u) << folder;
  if (!instance.empty()) out.instance = instance.front();

  std::map<std::string, std::string> legacy_ids;
  for (int key = 1; key <= kAccountKeysMax; ++key) {
    const std::string pk = std::to_string(key);
    const std::string id = daybook::NameBasedUuid(kNamespace, BosBankAccountName(out.instance, pk)).ToString();
    legacy_ids.emplace(id, pk);
  }
  for (std::string& line : ReadLines(folder + "definitive.ndjson.gz")) {
    events::v1::BeneficiaryRegistered registered = ReadBeneficiary(json::parse(line), legacy_ids);
    const std::string id = registered.id();
    out.definitive.push_back({id, std::move(line), std::move(registered)});
  }
  for (const std::string& line : ReadLines(folder + "compat.ndjson.gz")) {
    const json::value v = json::parse(line);
    out.compat.push_back(
        {Text(v.at("client_id")), NumberOf(v.at("page")), NumberOf(v.at("total")), Text(v.at("sha256"))});
  }
  for (const std::string& line : ReadLines(folder + "compat-edge.ndjson.gz")) {
    const json::value v = json::parse(line);
    out.compat_edge.push_back({Text(v.at("request")), json::value_to<int>(v.at("status")), NumberOf(v.at("total")),
                               NumberOf(v.at("page")), NumberOf(v.at("page_size")), Text(v.at("body"))});
  }
  EXPECT_FALSE(out.definitive.empty()) << folder;
  EXPECT_FALSE(out.compat.empty()) << folder;
  return out;
}

}  // namespace beneficiary
