// What BOS has replaced by a mask (as for a person who is to be forgotten) is served masked everywhere, and nothing of
// what was there before.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/api/grpc_api.h"
#include "beneficiary/api/v1/queries.grpc.pb.h"
#include "daybook/grpc/server.h"
#include "daybook/testing/temporary_directory.h"
#include "tests/api/access_fixture.h"

namespace beneficiary {
namespace {

namespace v1 = api::v1;
using ::testing::HasSubstr;

// Every value of a person's holds this word, and so must no answer after the masking.
constexpr char kMark[] = "zquirl";
constexpr char kOldIban[] = "ES9121000418450200051332";
constexpr char kIbanOfHere[] = "DE89370400440532013000";
constexpr char kMaskedIban[] = "XX00";

commands::v1::SyncFromBos Row(const std::string& text, const std::string& iban) {
  commands::v1::SyncFromBos command = SyncFor(kClientId);
  types::v1::BosImage& image = *command.mutable_image();
  types::v1::Details& details = *image.mutable_details();
  details.set_name(absl::StrCat(text, " Name"));
  details.set_reference_information(absl::StrCat(text, " reference"));
  image.mutable_address()->set_street_name(absl::StrCat(text, " street"));
  image.mutable_address()->set_city(absl::StrCat(text, " city"));
  image.mutable_address()->set_post_code(absl::StrCat(text, " code"));
  for (const char* number : {"1", "2"}) {
    types::v1::Alias& alias = *image.add_aliases();
    alias.set_legacy_id(number);
    alias.set_alias(absl::StrCat(text, "-alias-", number));
    types::v1::Email& email = *image.add_emails();
    email.set_legacy_id(number);
    email.set_email(absl::StrCat(text, number, "@example.org"));
  }
  types::v1::BankAccount& account = *image.mutable_bank_accounts(0);
  account.set_account_holder(absl::StrCat(text, " Holder"));
  account.set_iban(iban);
  account.set_account_number(absl::StrCat(text, "123"));
  image.mutable_regulatory()->set_inn(absl::StrCat(text, "inn"));
  return command;
}

class MaskedValuesTest : public AccessFixture {
 protected:
  void SetUp() override {
    Open();
    BosHasClient(kClientId);
  }

  void TearDown() override {
    Close();
    ApiTest::TearDown();
  }

  void Open() {
    EngineOptions options;
    options.data_dir = directory_.path();
    auto engine = Engine::Open(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    Serve({.compat_instance = "uk"});
    api_ = std::make_unique<api::GrpcApi>(*service_, api::GrpcOptions());
    daybook::rpc::ServerOptions server;
    server.address = "127.0.0.1:0";
    grpc_ = *daybook::rpc::Server::Start(server, api_->services());
    queries_ = v1::BeneficiaryQueries::NewStub(
        ::grpc::CreateChannel(absl::StrCat("127.0.0.1:", grpc_->port()), ::grpc::InsecureChannelCredentials()));
    WaitUntilShown(engine_->store().DurableWatermark());
  }
  void Close() {
    client_.reset();
    server_.reset();
    grpc_.reset();
    api_.reset();
    service_.reset();
    if (engine_ != nullptr) engine_->Stop(absl::ZeroDuration());
    engine_.reset();
  }

  static std::string List(const std::string& query = "") {
    return absl::StrCat("/v1/clients/", kClientId, "/beneficiaries", query);
  }
  static std::string Compat(const std::string& query = "") {
    return absl::StrCat("/client/beneficiaries?client_id=", kClientId, query);
  }
  static std::string One() { return absl::StrCat("/v1/beneficiaries/", kId); }

  static bool Holds(const std::string& body, const char* word) {
    return absl::StrContains(absl::AsciiStrToLower(body), word);
  }

  // Everything that is served of the beneficiary, by any way.
  std::vector<std::string> Everything() {
    std::vector<std::string> all;
    for (const std::string& target :
         {One(), One() + "/validation", List(), List("?status=active"), Compat(), Compat("&page_size=7")}) {
      const Reply reply = Get(target);
      EXPECT_EQ(reply.status, 200) << target;
      all.push_back(reply.body);
    }
    ::grpc::ClientContext of_get;
    v1::GetBeneficiaryRequest get;
    get.set_id(kId);
    v1::Beneficiary one;
    EXPECT_TRUE(queries_->GetBeneficiary(&of_get, get, &one).ok());
    all.push_back(one.DebugString());
    ::grpc::ClientContext of_list;
    v1::ListBeneficiariesRequest list;
    list.set_client_id(kClientId);
    v1::ListBeneficiariesResponse page;
    EXPECT_TRUE(queries_->ListBeneficiaries(&of_list, list, &page).ok());
    EXPECT_EQ(page.beneficiaries_size(), 1);
    all.push_back(page.DebugString());
    all.push_back(engine_->beneficiaries().Load(kId)->state.DebugString());
    return all;
  }

  bool IsFound(const std::string& target) {
    const Reply reply = Get(target);
    EXPECT_EQ(reply.status, 200) << target;
    return absl::StrContains(reply.body, kId) || absl::StrContains(reply.body, "beneficiary_id");
  }

  void ExpectOnlyMasked(std::string_view when) {
    SCOPED_TRACE(std::string(when));
    for (const std::string& body : Everything()) {
      EXPECT_FALSE(Holds(body, kMark)) << body;
      EXPECT_FALSE(absl::StrContains(body, kOldIban) || absl::StrContains(body, kIbanOfHere)) << body;
    }
    EXPECT_THAT(Get(One()).body, HasSubstr("masked Holder"));
    EXPECT_THAT(Get(Compat()).body, HasSubstr("masked1@example.org"));
    for (const char* old : {"zquirl", "Zquirl%20Name", "Zquirl-alias-1", "Zquirl%20of%20here"}) {
      EXPECT_FALSE(IsFound(List(absl::StrCat("?q=", old)))) << old;
    }
    for (const char* old : {kOldIban, kIbanOfHere}) {
      EXPECT_FALSE(IsFound(List(absl::StrCat("?iban=", old)))) << old;
      EXPECT_FALSE(IsFound(Compat(absl::StrCat("&iban=", old)))) << old;
    }
    EXPECT_TRUE(IsFound(List("?q=masked")));
    EXPECT_TRUE(IsFound(List(absl::StrCat("?iban=", kMaskedIban))));
    EXPECT_TRUE(IsFound(Compat(absl::StrCat("&iban=", kMaskedIban))));
  }

  daybook::testing::TemporaryDirectory directory_;
  std::unique_ptr<api::GrpcApi> api_;
  std::unique_ptr<daybook::rpc::Server> grpc_;
  std::unique_ptr<v1::BeneficiaryQueries::Stub> queries_;
};

TEST_F(MaskedValuesTest, NoOlderValueIsServedAfterBosHasMaskedARow) {
  BosSays(Row("Zquirl", kOldIban));
  for (const std::string& body : Everything()) {
    EXPECT_TRUE(body == R"({"warnings":[]})" || Holds(body, kMark)) << body;
  }
  EXPECT_TRUE(IsFound(List("?q=zquirl")));
  EXPECT_TRUE(IsFound(Compat(absl::StrCat("&iban=", kOldIban))));
  const std::string tag(Get(One()).Header("ETag"));

  BosSays(Row("masked", kMaskedIban));
  ExpectOnlyMasked("after the masking");
  const Reply again = Get(One(), {{"If-None-Match", tag}});
  EXPECT_EQ(again.status, 200) << "a cache that holds the old one must not be told that it still holds";
  EXPECT_NE(again.Header("ETag"), tag);

  Close();
  Open();
  ExpectOnlyMasked("after a restart");

  Close();
  std::filesystem::remove_all(directory_.path() + "/read-models");
  Open();
  ExpectOnlyMasked("after a rebuild");
}

TEST_F(MaskedValuesTest, AMaskOfBosReplacesWhatWasChangedHere) {
  BosSays(Row("Zquirl", kOldIban));
  const Reply amended =
      Write("PATCH", One(),
            R"({"name":"Zquirl of here","reference_information":"Zquirl of here","address":{"city":"Zquirl of here"},)"
            R"("regulatory":{"inn":"0ZQUIRL"}})",
            {{"If-Match", "*"}});
  ASSERT_EQ(amended.status, 200) << amended.body;
  const Reply account = Write("PATCH", absl::StrCat(One(), "/bank-accounts/", kAccount),
                              absl::StrCat(R"({"iban":")", kIbanOfHere, R"(","account_holder":"Zquirl of here",)",
                                           R"("bank":{"country_code":"DE"}})"),
                              {{"If-Match", "*"}});
  ASSERT_EQ(account.status, 200) << account.body;
  ASSERT_EQ(Write("DELETE", One() + "/aliases/Zquirl-alias-1").status, 204);
  EXPECT_TRUE(IsFound(List(absl::StrCat("?iban=", kIbanOfHere))));
  EXPECT_TRUE(IsFound(Compat(absl::StrCat("&iban=", kIbanOfHere))));

  BosSays(Row("masked", kMaskedIban));
  ExpectOnlyMasked("after the masking");
  Close();
  std::filesystem::remove_all(directory_.path() + "/read-models");
  Open();
  ExpectOnlyMasked("after a rebuild");
}

}  // namespace
}  // namespace beneficiary
