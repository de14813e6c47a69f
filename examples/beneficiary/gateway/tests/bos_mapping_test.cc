#include "beneficiary/gateway/bos_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/gateway/bos_tables.h"

namespace beneficiary {
namespace {

using daybook::cdc::Catalog;
using daybook::cdc::Decimal;
using daybook::cdc::RowTree;
using daybook::cdc::RowView;
using daybook::cdc::Table;
using daybook::cdc::Value;

// Given rows: columns by name, everything else as an empty row of BOS has it.
class Rows {
 public:
  RowTree Row(const std::string& table, const std::map<std::string, Value>& columns) {
    const Catalog& catalog = BosCatalog();
    const Table& schema = catalog.tables()[static_cast<std::size_t>(catalog.FindTable("public." + table))];
    auto& values = *kept_.emplace_back(std::make_unique<std::vector<Value>>());
    for (const auto& column : schema.columns) {
      const auto given = columns.find(column.name);
      values.push_back(given != columns.end() ? given->second : Empty(column));
    }
    return {RowView(&schema, &values), {}};
  }
  // A beneficiary with every placement, empty.
  RowTree Beneficiary(std::map<std::string, Value> columns) {
    columns.try_emplace("id", std::int64_t{1234});
    RowTree tree = Row("beneficiaries_beneficiary", columns);
    tree.below = {{"client", {}},  {"address", {}}, {"bank_accounts", {}},
                  {"aliases", {}}, {"emails", {}},  {"regulatory", {}}};
    tree.below[0].second.push_back(Row("clients_client", {{"client_ref", std::string("EBPCLI000042")}}));
    return tree;
  }
  RowTree Account(const std::map<std::string, Value>& columns, RowTree bank) {
    RowTree tree = Row("core_bankaccount", columns);
    tree.below = {{"bank", {}}};
    tree.below[0].second.push_back(std::move(bank));
    return tree;
  }
  RowTree Bank(const std::map<std::string, Value>& columns) {
    RowTree tree = Row("core_bank", columns);
    tree.below = {{"address", {}}};
    return tree;
  }

 private:
  static Value Empty(const daybook::cdc::Column& column) {
    if (column.nullability == daybook::cdc::Nullability::kNull) return std::monostate();
    switch (column.type) {
      case daybook::cdc::ColumnType::kBool:
        return false;
      case daybook::cdc::ColumnType::kText:
      case daybook::cdc::ColumnType::kPaddedText:
        return std::string();
      default:
        return std::int64_t{0};
    }
  }
  std::vector<std::unique_ptr<std::vector<Value>>> kept_;
};

commands::v1::SyncFromBos Sync(const RowTree& tree) {
  const BeneficiaryMapping mapping("uk");
  const auto mapped = mapping.Sync("1234", tree);
  EXPECT_EQ(mapped.status(), absl::OkStatus());
  commands::v1::SyncFromBos command;
  EXPECT_EQ(mapped->type, command.GetTypeName());
  EXPECT_TRUE(command.ParseFromString(mapped->payload));
  return command;
}

TEST(BosMappingTest, AWholeBeneficiary) {
  Rows rows;
  RowTree tree = rows.Beneficiary({{"name", std::string("Acme")},
                                   {"account_type", std::string("business")},
                                   {"email_notification", true},
                                   {"reference_information", std::string("Invoice")},
                                   {"aml_status", std::string("clear")},
                                   {"is_active", true},
                                   {"created", std::int64_t{5}},
                                   {"modified", std::int64_t{7}}});
  tree.below[1].second.push_back(
      rows.Row("core_address", {{"city", std::string("Madrid")}, {"country_code", std::string("ES")}}));
  RowTree bank = rows.Bank({{"name", std::string("CaixaBank")}, {"swift_code", std::string("CAIXESBBXXX")}});
  bank.below[0].second.push_back(rows.Row("core_address", {{"address_line_1", std::string("Unit 5")}}));
  tree.below[2].second.push_back(rows.Account({{"id", std::int64_t{77}},
                                               {"currency", std::string("EUR")},
                                               {"iban", std::string("ES91")},
                                               {"daily_limit", Decimal{"1234.5000"}},
                                               {"is_default", true},
                                               {"is_active", true}},
                                              std::move(bank)));
  tree.below[3].second.push_back(
      rows.Row("beneficiaries_alias", {{"id", std::int64_t{9}}, {"alias", std::string("acme-es")}}));
  for (const int id : {3, 4}) {
    tree.below[4].second.push_back(
        rows.Row("beneficiaries_email", {{"id", std::int64_t{id}}, {"email", std::string("ap@acme.es")}}));
  }
  tree.below[5].second.push_back(rows.Row("beneficiaries_regulatory", {{"inn", std::string("77")}}));

  const commands::v1::SyncFromBos command = Sync(tree);
  EXPECT_EQ(command.instance(), "uk");
  EXPECT_EQ(command.legacy_id(), "1234");
  const types::v1::BosImage& image = command.image();
  EXPECT_EQ(image.client_id(), "EBPCLI000042");
  EXPECT_EQ(image.details().name(), "Acme");
  EXPECT_EQ(image.details().type(), types::v1::ENTITY_TYPE_BUSINESS);
  EXPECT_EQ(image.screening_status(), types::v1::SCREENING_STATUS_CLEAR);
  EXPECT_TRUE(image.active());
  EXPECT_FALSE(image.deleted());
  EXPECT_EQ(image.address().city(), "Madrid");
  EXPECT_EQ(image.created_at_us(), 5);
  EXPECT_EQ(image.updated_at_us(), 7);
  ASSERT_EQ(image.bank_accounts_size(), 1);
  const types::v1::BankAccount& account = image.bank_accounts(0);
  EXPECT_EQ(account.legacy_id(), "77");
  EXPECT_EQ(account.swift_code(), "CAIXESBBXXX");
  EXPECT_EQ(account.bank().name(), "CaixaBank");
  EXPECT_EQ(account.bank().address_line_1(), "Unit 5");
  EXPECT_EQ(account.daily_limit(), "1234.5000");
  EXPECT_TRUE(account.is_default());
  EXPECT_EQ(image.aliases(0).legacy_id(), "9");
  EXPECT_EQ(image.emails_size(), 2);  // equal ones stay two
  EXPECT_EQ(image.regulatory().inn(), "77");
}

TEST(BosMappingTest, WhatIsNotThereStaysAbsentAndBlanksAloneStay) {
  Rows rows;
  const commands::v1::SyncFromBos command = Sync(rows.Beneficiary({{"name", std::string("   ")}}));
  EXPECT_EQ(command.image().details().name(), "   ");
  EXPECT_EQ(command.image().details().purpose_code(), "");
  EXPECT_FALSE(command.image().has_address());
  EXPECT_FALSE(command.image().has_regulatory());
}

// [rows-then-command]
TEST(BosMappingTest, AliasesComeInTheOrderOfTheirKeys) {
  Rows rows;
  RowTree tree = rows.Beneficiary({});
  for (const int id : {9, 10}) {
    tree.below[3].second.push_back(
        rows.Row("beneficiaries_alias", {{"id", std::int64_t{id}}, {"alias", std::string("acme")}}));
  }
  const types::v1::BosImage image = Sync(tree).image();
  ASSERT_EQ(image.aliases_size(), 2);
  EXPECT_EQ(image.aliases(0).alias(), "acme");
  EXPECT_EQ(image.aliases(0).legacy_id(), "9");
  EXPECT_EQ(image.aliases(1).legacy_id(), "10");
}
// [rows-then-command]

TEST(BosMappingTest, AnEmptyRegulatoryRowIsARow) {
  Rows rows;
  RowTree tree = rows.Beneficiary({});
  tree.below[5].second.push_back(rows.Row("beneficiaries_regulatory", {}));
  EXPECT_TRUE(Sync(tree).image().has_regulatory());
}

TEST(BosMappingTest, ASoftDeletedBeneficiaryIsStillSynced) {
  Rows rows;
  EXPECT_TRUE(Sync(rows.Beneficiary({{"is_deleted", true}})).image().deleted());
}

TEST(BosMappingTest, NumbersThatAreNoneKeepTheirText) {
  Rows rows;
  RowTree tree = rows.Beneficiary({});
  tree.below[2].second.push_back(rows.Account({{"daily_limit", Decimal{"NaN"}}}, rows.Bank({})));
  tree.below[2].second.push_back(rows.Account({}, rows.Bank({})));
  EXPECT_EQ(Sync(tree).image().bank_accounts(0).daily_limit(), "NaN");
  EXPECT_EQ(Sync(tree).image().bank_accounts(1).daily_limit(), "");
}

TEST(BosMappingTest, InfiniteTimesBecomeTheEndsOfWhatCanBeWritten) {
  Rows rows;
  const commands::v1::SyncFromBos command =
      Sync(rows.Beneficiary({{"created", daybook::cdc::kInfinitePast}, {"modified", daybook::cdc::kInfiniteFuture}}));
  EXPECT_EQ(daybook::FormatTimestamp(daybook::Timestamp::FromMicros(command.image().created_at_us())),
            "0001-01-01T00:00:00.000000Z");
  EXPECT_EQ(daybook::FormatTimestamp(daybook::Timestamp::FromMicros(command.image().updated_at_us())),
            "9999-12-31T23:59:59.999999Z");
}

TEST(BosMappingTest, IdsAreNameBasedOnInstanceAndKey) {
  // From the recorded sets: beneficiary 2 and its account at instance uk.
  EXPECT_EQ(BosBeneficiaryStream("uk", "2").text(), "beneficiary/0271f2d0-d44c-5d6b-bca2-6bf7de20eda1");
  EXPECT_NE(BosBeneficiaryStream("eu", "2"), BosBeneficiaryStream("uk", "2"));
  EXPECT_EQ(BosClientStream("uk", "2").category(), "client");
}

TEST(BosMappingTest, AClientIsAnAggregateOfItsOwn) {
  Rows rows;
  const ClientMapping mapping("uk");
  const auto mapped = mapping.Sync("8", rows.Row("clients_client", {{"client_ref", std::string("EBPCLI000008")},
                                                                    {"name", std::string("Ann")},
                                                                    {"status", std::string("active")}}));
  ASSERT_EQ(mapped.status(), absl::OkStatus());
  commands::v1::SyncClient command;
  EXPECT_EQ(mapped->type, command.GetTypeName());
  ASSERT_TRUE(command.ParseFromString(mapped->payload));
  EXPECT_EQ(command.legacy_id(), "8");
  EXPECT_EQ(command.client_id(), "EBPCLI000008");
  EXPECT_EQ(command.name(), "Ann");
  EXPECT_EQ(command.status(), "active");
  EXPECT_EQ(mapping.Forget("8").type, commands::v1::ForgetClient().GetTypeName());
}

TEST(BosMappingTest, EqualRowsGiveEqualBytes) {
  Rows rows;
  const BeneficiaryMapping mapping("uk");
  const auto first = mapping.Sync("1", rows.Beneficiary({{"name", std::string("Ann")}}));
  const auto second = mapping.Sync("1", rows.Beneficiary({{"name", std::string("Ann")}}));
  EXPECT_EQ(first->payload, second->payload);
}

TEST(BosGatewayTest, InstanceNamesAreChecked) {
  EXPECT_EQ(CheckInstance("uk-2"), absl::OkStatus());
  for (const char* bad : {"", "UK", "u k", "u/k", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_EQ(CheckInstance(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(ChangeSaidByTest, TheTypeOfABosContextAndNothingElse) {
  EXPECT_EQ(ChangeSaidBy("bos.context", R"({"type":"beneficiary.removed","by":7})"), "beneficiary.removed");
  EXPECT_EQ(ChangeSaidBy("other", R"({"type":"beneficiary.removed"})"), "");
  for (const std::string& odd :
       {std::string("{"), std::string(), std::string("[]"), std::string("{}"), std::string(R"({"type":7})"),
        std::string(R"({"type":"with blanks"})"), R"({"type":")" + std::string(101, 'x') + R"("})",
        std::string("\xff\xfe"), std::string(10000, '[')}) {
    EXPECT_EQ(ChangeSaidBy("bos.context", odd), "") << odd.substr(0, 40);
  }
}

}  // namespace
}  // namespace beneficiary
