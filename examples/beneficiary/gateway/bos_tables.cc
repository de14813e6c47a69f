#include "beneficiary/gateway/bos_tables.h"

#include <string>
#include <utility>
#include <vector>

#include "daybook/base/check.h"

namespace beneficiary {
namespace {

using daybook::cdc::AggregateShape;
using daybook::cdc::Catalog;
using daybook::cdc::Column;
using daybook::cdc::ColumnType;
using daybook::cdc::Nullability;
using daybook::cdc::Placement;
using daybook::cdc::Presence;
using daybook::cdc::RowView;
using daybook::cdc::Table;

constexpr char kClients[] = "public.clients_client";
constexpr char kAddresses[] = "public.core_address";
constexpr char kBanks[] = "public.core_bank";
constexpr char kBeneficiaries[] = "public.beneficiaries_beneficiary";
constexpr char kAccounts[] = "public.core_bankaccount";
constexpr char kAliases[] = "public.beneficiaries_alias";
constexpr char kEmails[] = "public.beneficiaries_email";
constexpr char kRegulatory[] = "public.beneficiaries_regulatory";

Column Id(std::string name) { return {std::move(name), ColumnType::kInt64}; }
Column Flag(std::string name) { return {std::move(name), ColumnType::kBool}; }
Column Time(std::string name) { return {std::move(name), ColumnType::kTimestampTz}; }
Column Text(std::string name, int characters) {
  return {std::move(name), ColumnType::kText, Nullability::kNotNull, Presence::kMandatory, 0, characters};
}
Column Padded(std::string name, int characters) {
  return {std::move(name), ColumnType::kPaddedText, Nullability::kNotNull, Presence::kMandatory, 0, characters};
}
Column Money(std::string name, int scale) {
  return {std::move(name), ColumnType::kDecimal, Nullability::kNotNull, Presence::kMandatory, scale};
}
Column Nullable(Column column) {
  column.nullability = Nullability::kNull;
  return column;
}
// BOS writes it and nothing here needs it: a record without it is understood.
Column Unused(Column column) {
  column.presence = Presence::kOptional;
  column.nullability = Nullability::kNull;
  return column;
}

std::vector<Table> Tables() {
  return {
      {kClients,
       {Id("id"), Text("client_ref", 16), Text("name", 140), Text("status", 16), Unused(Time("created")),
        Unused(Time("modified"))},
       {"id"}},
      {kAddresses,
       {Id("id"), Text("address_line_1", 140), Text("street_name", 70), Text("building_number", 16), Text("floor", 16),
        Text("apartment_office_number", 16), Text("city", 70), Text("state_region", 70), Text("post_code", 16),
        Padded("country_code", 2), Unused(Time("modified"))},
       {"id"}},
      {kBanks,
       {Id("id"), Text("name", 140), Text("swift_code", 11), Padded("country_code", 2), Nullable(Id("address_id")),
        Unused(Time("modified"))},
       {"id"}},
      {kBeneficiaries,
       {Id("id"), Id("client_id"), Text("name", 140), Text("account_type", 16), Nullable(Id("address_id")),
        Flag("email_notification"), Text("reference_information", 140), Text("reason_for_trade", 64),
        Nullable(Text("purpose_code", 16)), Text("aml_status", 16), Flag("is_active"), Flag("is_deleted"),
        Time("created"), Time("modified")},
       {"id"}},
      {kAccounts,
       {Id("id"), Text("kind", 16), Nullable(Id("beneficiary_id")), Id("bank_id"), Text("account_holder", 140),
        Nullable(Text("account_number", 34)), Nullable(Text("iban", 34)), Padded("currency", 3),
        Nullable(Text("bank_identifier", 32)), Nullable(Text("bank_identifier_type", 16)),
        Nullable(Text("correspondent_swift_code", 11)), Nullable(Text("correspondent_account", 34)),
        Nullable(Money("daily_limit", 4)), Flag("is_default"), Flag("is_active"), Unused(Time("modified"))},
       {"id"}},
      // [child-table]
      {kAliases, {Id("id"), Id("beneficiary_id"), Text("alias", 70)}, {"id"}},
      // [child-table]
      {kEmails, {Id("id"), Id("beneficiary_id"), Text("email", 254)}, {"id"}},
      {kRegulatory,
       {Id("beneficiary_id"), Text("inn", 12), Text("kpp", 9), Text("kio", 5), Text("kbk", 20), Text("vo", 8),
        Text("russian_central_bank_account", 34)},
       {"beneficiary_id"}},
  };
}

std::vector<AggregateShape> Shapes() {
  const auto ours = [](const RowView& account) { return account.Text("kind") == "beneficiary"; };
  return {
      {"beneficiary",
       kBeneficiaries,
       {Placement::Reference("client", kClients, "client_id"),
        Placement::Reference("address", kAddresses, "address_id"),
        Placement::Child("bank_accounts", kAccounts, "beneficiary_id",
                         {Placement::Reference("bank", kBanks, "bank_id",
                                               {Placement::Reference("address", kAddresses, "address_id")})},
                         ours),
        // [child-placement]
        Placement::Child("aliases", kAliases, "beneficiary_id"),
        // [child-placement]
        Placement::Child("emails", kEmails, "beneficiary_id"),
        Placement::Child("regulatory", kRegulatory, "beneficiary_id")}},
      {"client", kClients, {}},
  };
}

}  // namespace

const Catalog& BosCatalog() {
  static const Catalog catalog = [] {
    absl::StatusOr<Catalog> made = Catalog::Make(Tables(), Shapes());
    DAYBOOK_CHECK(made.ok(), made.status().ToString());
    return *std::move(made);
  }();
  return catalog;
}

}  // namespace beneficiary
