#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/grpc_api.h"
#include "beneficiary/api/identifiers.h"
#include "beneficiary/api/v1/commands.grpc.pb.h"
#include "beneficiary/api/v1/queries.grpc.pb.h"
#include "daybook/base/reason.h"
#include "daybook/grpc/server.h"
#include "daybook/grpc/status.h"
#include "tests/api/api_fixture.h"

namespace beneficiary {
namespace {

namespace v1 = api::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GrpcTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    api_ = std::make_unique<api::GrpcApi>(*service_, api::GrpcOptions());
    daybook::rpc::ServerOptions options;
    options.address = "127.0.0.1:0";
    auto server = daybook::rpc::Server::Start(options, api_->services());
    ASSERT_TRUE(server.ok()) << server.status();
    grpc_ = *std::move(server);
    const auto channel =
        ::grpc::CreateChannel(absl::StrCat("127.0.0.1:", grpc_->port()), ::grpc::InsecureChannelCredentials());
    commands_ = v1::BeneficiaryCommands::NewStub(channel);
    queries_ = v1::BeneficiaryQueries::NewStub(channel);
  }

  void TearDown() override {
    grpc_.reset();
    ApiTest::TearDown();
  }

  // Calls with a deadline; the status with its reason.
  template <class Stub, class Request, class Response>
  ::grpc::Status Call(Stub& stub, ::grpc::Status (Stub::*method)(::grpc::ClientContext*, const Request&, Response*),
                      const Request& request, Response& response) {
    ::grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return (stub.*method)(&context, request, &response);
  }

  static std::string ReasonOf(const ::grpc::Status& status) {
    return daybook::ReasonOf(daybook::rpc::FromGrpc(status));
  }

  static v1::WriteOptions Waiting(const std::string& key, const std::string& etag = "") {
    v1::WriteOptions options;
    options.set_request_id(key);
    options.set_etag(etag);
    options.mutable_wait()->mutable_timeout()->set_seconds(10);
    return options;
  }

  static v1::CreateBeneficiaryRequest Acme(const std::string& key) {
    v1::CreateBeneficiaryRequest request;
    request.set_client_id(kClientId);
    v1::Beneficiary& b = *request.mutable_beneficiary();
    b.set_name("Acme Iberia SL");
    b.set_type(v1::ENTITY_TYPE_BUSINESS);
    b.add_aliases("acme-es");
    b.mutable_address()->set_city("Madrid");
    b.mutable_address()->set_country_code("ES");
    v1::BankAccount& account = *b.add_bank_accounts();
    account.set_account_holder("Acme Iberia SL");
    account.set_currency("EUR");
    account.set_iban("ES9121000418450200051332");
    account.mutable_bank()->set_country_code("ES");
    account.set_default_(true);
    *request.mutable_options() = Waiting(key);
    return request;
  }

  v1::Beneficiary CreateAcme(const std::string& key = "acme") {
    v1::WriteResponse response;
    const ::grpc::Status status =
        Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, Acme(key), response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.beneficiary();
  }

  std::unique_ptr<api::GrpcApi> api_;
  std::unique_ptr<daybook::rpc::Server> grpc_;
  std::unique_ptr<v1::BeneficiaryCommands::Stub> commands_;
  std::unique_ptr<v1::BeneficiaryQueries::Stub> queries_;
};

TEST_F(GrpcTest, WhatIsCreatedHereIsReadHereAndOverRest) {
  const v1::Beneficiary created = CreateAcme();
  EXPECT_EQ(created.version(), 1u);
  EXPECT_EQ(created.etag(), "\"1\"");
  EXPECT_EQ(created.status(), v1::STATUS_ACTIVE);
  EXPECT_EQ(created.client_id(), kClientId);
  EXPECT_EQ(created.origin().system(), "daybook");
  EXPECT_EQ(created.screening().status(), v1::SCREENING_STATUS_PENDING);
  EXPECT_FALSE(created.screening().has_checked_at());
  EXPECT_GT(created.created_at().seconds(), 1'700'000'000);
  v1::GetBeneficiaryRequest get;
  get.set_id(created.id());
  v1::Beneficiary read;
  ASSERT_TRUE(Call(*queries_, &v1::BeneficiaryQueries::Stub::GetBeneficiary, get, read).ok());
  EXPECT_EQ(read.SerializeAsString(), created.SerializeAsString());
  EXPECT_EQ(At(Get("/v1/beneficiaries/" + created.id()).body, "/bank_accounts/0/iban"), "\"ES9121000418450200051332\"");
}

TEST_F(GrpcTest, ARequestIdIsRequiredKeepsItsOutcomeAndIsNotReused) {
  v1::CreateBeneficiaryRequest request = Acme("");
  v1::WriteResponse response;
  ::grpc::Status status = Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, request, response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_REQUIRED");
  EXPECT_EQ(CreateAcme("k").id(), CreateAcme("k").id());
  request = Acme("k");
  request.mutable_beneficiary()->set_name("Another");
  status = Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, request, response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(status), "COMMAND_ID_REUSED");
}

TEST_F(GrpcTest, EveryViolationIsInTheDetails) {
  v1::CreateBeneficiaryRequest request = Acme("bad");
  request.mutable_beneficiary()->set_name("");
  request.mutable_beneficiary()->mutable_bank_accounts(0)->set_iban("ES9121000418450200051333");
  v1::WriteResponse response;
  const ::grpc::Status status = Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, request, response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  const auto details = daybook::rpc::DetailsOf(status);
  ASSERT_TRUE(details.ok());
  EXPECT_EQ(details->reason, "VALIDATION_FAILED");
  std::vector<std::string> places;
  for (const auto& violation : details->violations) places.push_back(violation.pointer);
  EXPECT_THAT(places, ElementsAre("/name", "/bank_accounts/0/iban"));
}

TEST_F(GrpcTest, AnUpdateNeedsTheEtagAndChangesWhatItsMaskNames) {
  const v1::Beneficiary created = CreateAcme();
  v1::UpdateBeneficiaryRequest update;
  update.set_id(created.id());
  update.mutable_beneficiary()->set_name("Acme Two");
  update.mutable_beneficiary()->mutable_address()->set_floor("3");
  update.mutable_update_mask()->add_paths("name");
  update.mutable_update_mask()->add_paths("address.floor");
  v1::WriteResponse response;
  const auto call = [&] {
    return Call(*commands_, &v1::BeneficiaryCommands::Stub::UpdateBeneficiary, update, response);
  };
  EXPECT_EQ(ReasonOf(call()), "ETAG_REQUIRED");
  *update.mutable_options() = Waiting("", "\"7\"");
  ::grpc::Status status = call();
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(status), "REVISION_CONFLICT");
  *update.mutable_options() = Waiting("", "\"1\"");
  ASSERT_TRUE(call().ok());
  EXPECT_EQ(response.beneficiary().name(), "Acme Two");
  EXPECT_EQ(response.beneficiary().address().floor(), "3");
  EXPECT_EQ(response.beneficiary().address().city(), "Madrid");
  *update.mutable_options() = Waiting("", "*");
  update.mutable_update_mask()->clear_paths();
  update.mutable_update_mask()->add_paths("version");
  update.mutable_update_mask()->add_paths("address.planet");
  status = call();
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(daybook::rpc::DetailsOf(status)->violations.size(), 2u);
  // A whole part is replaced, or removed when it is not set.
  update.mutable_update_mask()->clear_paths();
  update.mutable_update_mask()->add_paths("address");
  update.mutable_beneficiary()->clear_address();
  ASSERT_TRUE(call().ok());
  EXPECT_FALSE(response.beneficiary().has_address());
}

TEST_F(GrpcTest, EveryMethodDoesWhatItsRestRouteDoes) {
  const std::string id = CreateAcme().id();
  v1::WriteResponse response;
  using Stub = v1::BeneficiaryCommands::Stub;
  v1::AddAliasRequest add;
  add.set_id(id);
  add.set_alias("second");
  *add.mutable_options() = Waiting("");
  ASSERT_TRUE(Call(*commands_, &Stub::AddAlias, add, response).ok());
  EXPECT_THAT(response.beneficiary().aliases(), ElementsAre("acme-es", "second"));
  v1::RemoveAliasRequest remove;
  remove.set_id(id);
  remove.set_alias("second");
  ASSERT_TRUE(Call(*commands_, &Stub::RemoveAlias, remove, response).ok());
  v1::CreateBankAccountRequest account;
  account.set_id(id);
  account.mutable_bank_account()->set_account_holder("Acme");
  account.mutable_bank_account()->set_currency("EUR");
  account.mutable_bank_account()->set_iban("DE89370400440532013000");
  account.mutable_bank_account()->mutable_bank()->set_country_code("DE");
  *account.mutable_options() = Waiting("account");
  ASSERT_TRUE(Call(*commands_, &Stub::CreateBankAccount, account, response).ok());
  ASSERT_EQ(response.beneficiary().bank_accounts_size(), 2);
  const std::string account_id = response.beneficiary().bank_accounts(1).id();
  v1::MakeBankAccountDefaultRequest make;
  make.set_id(id);
  make.set_account_id(account_id);
  *make.mutable_options() = Waiting("default");
  ASSERT_TRUE(Call(*commands_, &Stub::MakeBankAccountDefault, make, response).ok());
  EXPECT_TRUE(response.beneficiary().bank_accounts(1).default_());
  EXPECT_FALSE(response.beneficiary().bank_accounts(0).default_());
  v1::UpdateBankAccountRequest amend;
  amend.set_id(id);
  amend.set_account_id(account_id);
  amend.mutable_bank_account()->mutable_bank()->set_name("Commerzbank");
  amend.mutable_bank_account()->set_status(v1::STATUS_INACTIVE);
  amend.mutable_update_mask()->add_paths("bank.name");
  amend.mutable_update_mask()->add_paths("status");
  *amend.mutable_options() = Waiting("", "*");
  ASSERT_TRUE(Call(*commands_, &Stub::UpdateBankAccount, amend, response).ok());
  EXPECT_EQ(response.beneficiary().bank_accounts(1).bank().name(), "Commerzbank");
  EXPECT_EQ(response.beneficiary().bank_accounts(1).bank().country_code(), "DE");
  EXPECT_EQ(response.beneficiary().bank_accounts(1).status(), v1::STATUS_INACTIVE);
  v1::DeleteBankAccountRequest drop;
  drop.set_id(id);
  drop.set_account_id(account_id);
  ASSERT_TRUE(Call(*commands_, &Stub::DeleteBankAccount, drop, response).ok());
  EXPECT_EQ(Call(*commands_, &Stub::DeleteBankAccount, drop, response).error_code(), ::grpc::StatusCode::NOT_FOUND);
}

TEST_F(GrpcTest, TheLifeOfABeneficiary) {
  const std::string id = CreateAcme().id();
  v1::WriteResponse response;
  using Stub = v1::BeneficiaryCommands::Stub;
  v1::DeactivateBeneficiaryRequest deactivate;
  deactivate.set_id(id);
  *deactivate.mutable_options() = Waiting("1");
  ASSERT_TRUE(Call(*commands_, &Stub::DeactivateBeneficiary, deactivate, response).ok());
  EXPECT_EQ(response.beneficiary().status(), v1::STATUS_INACTIVE);
  v1::ActivateBeneficiaryRequest activate;
  activate.set_id(id);
  *activate.mutable_options() = Waiting("2");
  ASSERT_TRUE(Call(*commands_, &Stub::ActivateBeneficiary, activate, response).ok());
  EXPECT_EQ(response.beneficiary().status(), v1::STATUS_ACTIVE);
  v1::RecordScreeningResultRequest screening;
  screening.set_id(id);
  screening.set_status(v1::SCREENING_STATUS_CLEAR);
  screening.mutable_checked_at()->set_seconds(1'767'323'045);
  *screening.mutable_options() = Waiting("3");
  ASSERT_TRUE(Call(*commands_, &Stub::RecordScreeningResult, screening, response).ok());
  EXPECT_EQ(response.beneficiary().screening().checked_at().seconds(), 1'767'323'045);
  screening.mutable_checked_at()->set_nanos(-1);
  screening.clear_status();
  EXPECT_EQ(
      daybook::rpc::DetailsOf(Call(*commands_, &Stub::RecordScreeningResult, screening, response))->violations.size(),
      2u);
  v1::DeleteBeneficiaryRequest remove;
  remove.set_id(id);
  *remove.mutable_options() = Waiting("");
  ASSERT_TRUE(Call(*commands_, &Stub::DeleteBeneficiary, remove, response).ok());
  EXPECT_FALSE(response.operation().consistency_token().empty());
  activate.mutable_options()->set_request_id("4");
  EXPECT_EQ(Call(*commands_, &Stub::ActivateBeneficiary, activate, response).error_code(),
            ::grpc::StatusCode::FAILED_PRECONDITION);
  v1::RestoreBeneficiaryRequest restore;
  restore.set_id(id);
  *restore.mutable_options() = Waiting("5");
  ASSERT_TRUE(Call(*commands_, &Stub::RestoreBeneficiary, restore, response).ok());
  EXPECT_EQ(response.beneficiary().status(), v1::STATUS_ACTIVE);
}

TEST_F(GrpcTest, ListsArePagedAndFiltered) {
  for (int i = 0; i < 3; ++i) CreateAcme(absl::StrCat("k", i));
  v1::ListBeneficiariesRequest request;
  request.set_client_id(kClientId);
  request.set_page_size(2);
  v1::ListBeneficiariesResponse page;
  using Stub = v1::BeneficiaryQueries::Stub;
  ASSERT_TRUE(Call(*queries_, &Stub::ListBeneficiaries, request, page).ok());
  EXPECT_EQ(page.beneficiaries_size(), 2);
  request.set_page_token(page.next_page_token());
  v1::ListBeneficiariesResponse second;
  ASSERT_TRUE(Call(*queries_, &Stub::ListBeneficiaries, request, second).ok());
  EXPECT_EQ(second.beneficiaries_size(), 1);
  EXPECT_EQ(second.next_page_token(), "");
  request.set_currency("USD");
  EXPECT_EQ(Call(*queries_, &Stub::ListBeneficiaries, request, page).error_code(),
            ::grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_page_token();
  v1::ListBeneficiariesResponse none;
  ASSERT_TRUE(Call(*queries_, &Stub::ListBeneficiaries, request, none).ok());
  EXPECT_EQ(none.beneficiaries_size(), 0);
  request.set_page_size(201);
  EXPECT_EQ(ReasonOf(Call(*queries_, &Stub::ListBeneficiaries, request, none)), "BAD_PARAMETER");
}

TEST_F(GrpcTest, OperationsRequirementsAndValidationAreTold) {
  v1::WriteResponse created;
  ASSERT_TRUE(Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, Acme("k"), created).ok());
  using Stub = v1::BeneficiaryQueries::Stub;
  v1::GetOperationRequest request;
  request.set_id(created.operation().id());
  v1::Operation operation;
  ASSERT_TRUE(Call(*queries_, &Stub::GetOperation, request, operation).ok());
  EXPECT_EQ(operation.state(), v1::Operation::STATE_SUCCEEDED);
  EXPECT_EQ(operation.consistency_token(), created.operation().consistency_token());
  request.set_id("nonsense");
  EXPECT_EQ(ReasonOf(Call(*queries_, &Stub::GetOperation, request, operation)), "OPERATION_NOT_FOUND");
  v1::ListRequirementsRequest rules;
  rules.set_bank_country("ES");
  rules.set_currency("EUR");
  v1::ListRequirementsResponse found;
  ASSERT_TRUE(Call(*queries_, &Stub::ListRequirements, rules, found).ok());
  EXPECT_GT(found.requirements_size(), 0);
  rules.set_type(static_cast<v1::EntityType>(7));
  EXPECT_EQ(ReasonOf(Call(*queries_, &Stub::ListRequirements, rules, found)), "BAD_PARAMETER");
  v1::GetBeneficiaryRequest get;
  get.set_id(created.beneficiary().id());
  v1::BeneficiaryValidation validation;
  ASSERT_TRUE(Call(*queries_, &Stub::GetBeneficiaryValidation, get, validation).ok());
  EXPECT_EQ(validation.warnings_size(), 0);
}

TEST_F(GrpcTest, ATokenIsHonouredWithinTheCallsDeadline) {
  v1::GetBeneficiaryRequest get;
  get.set_id(CreateAcme().id());
  get.set_consistency_token("nonsense");
  v1::Beneficiary read;
  using Stub = v1::BeneficiaryQueries::Stub;
  EXPECT_EQ(ReasonOf(Call(*queries_, &Stub::GetBeneficiary, get, read)), "CONSISTENCY_TOKEN_MALFORMED");
  get.set_consistency_token(
      api::ConsistencyToken{"beneficiary", daybook::PartitionId(0), daybook::Position(999)}.Encode());
  EXPECT_EQ(Call(*queries_, &Stub::GetBeneficiary, get, read).error_code(), ::grpc::StatusCode::UNAVAILABLE);
  ::grpc::ClientContext hurried;
  hurried.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  EXPECT_FALSE(queries_->GetBeneficiary(&hurried, get, &read).ok());
}

TEST_F(GrpcTest, RubbishIsRefusedAndTheNextCallIsServed) {
  v1::WriteResponse response;
  using Stub = v1::BeneficiaryCommands::Stub;
  v1::CreateBeneficiaryRequest request = Acme("utf8");
  request.mutable_beneficiary()->set_name("\xff\xfe");
  EXPECT_FALSE(Call(*commands_, &Stub::CreateBeneficiary, request, response).ok());
  request = Acme("big");
  request.mutable_beneficiary()->set_name(std::string(10 << 20, 'x'));
  EXPECT_EQ(Call(*commands_, &Stub::CreateBeneficiary, request, response).error_code(),
            ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  request = Acme(std::string(129, 'k'));
  EXPECT_EQ(ReasonOf(Call(*commands_, &Stub::CreateBeneficiary, request, response)), "REQUEST_ID_MALFORMED");
  request = Acme("wait");
  request.mutable_options()->mutable_wait()->add_models("nope.v1");
  EXPECT_EQ(ReasonOf(Call(*commands_, &Stub::CreateBeneficiary, request, response)), "UNKNOWN_READ_MODEL");
  request = Acme("forever");
  request.mutable_options()->mutable_wait()->mutable_timeout()->set_seconds(INT64_MAX);
  EXPECT_EQ(ReasonOf(Call(*commands_, &Stub::CreateBeneficiary, request, response)), "WAIT_OUT_OF_RANGE");
  v1::ActivateBeneficiaryRequest activate;
  activate.set_id("nonsense");
  *activate.mutable_options() = Waiting("x");
  EXPECT_EQ(Call(*commands_, &Stub::ActivateBeneficiary, activate, response).error_code(),
            ::grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(CreateAcme("after").id(), "");
}

TEST_F(GrpcTest, NothingThatARequestSaysIsLogged) {
  const std::string mark = "Zquirl";
  ::testing::internal::CaptureStderr();
  v1::CreateBeneficiaryRequest create = Acme(mark);
  create.mutable_beneficiary()->set_name(mark + " Lovelace");
  create.mutable_beneficiary()->add_email_addresses(mark + "@example.org");
  v1::WriteResponse written;
  EXPECT_TRUE(Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, create, written).ok());
  create.set_client_id(mark);
  create.mutable_options()->set_request_id(mark + "2");
  create.mutable_beneficiary()->mutable_bank_accounts(0)->set_iban(mark);
  EXPECT_FALSE(Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, create, written).ok());
  create.mutable_beneficiary()->set_name(mark + "\xff");  // no UTF-8
  EXPECT_FALSE(Call(*commands_, &v1::BeneficiaryCommands::Stub::CreateBeneficiary, create, written).ok());

  v1::UpdateBeneficiaryRequest update;
  update.set_id(written.beneficiary().id());
  update.mutable_options()->set_etag(mark);
  update.mutable_beneficiary()->set_name(mark);
  update.mutable_update_mask()->add_paths(mark);
  EXPECT_FALSE(Call(*commands_, &v1::BeneficiaryCommands::Stub::UpdateBeneficiary, update, written).ok());
  v1::GetBeneficiaryRequest get;
  get.set_id(mark);
  get.set_consistency_token(mark);
  v1::Beneficiary beneficiary;
  EXPECT_FALSE(Call(*queries_, &v1::BeneficiaryQueries::Stub::GetBeneficiary, get, beneficiary).ok());
  v1::ListBeneficiariesRequest list;
  list.set_client_id(kClientId);
  list.set_page_token(mark);
  list.set_iban(mark);
  v1::ListBeneficiariesResponse page;
  EXPECT_FALSE(Call(*queries_, &v1::BeneficiaryQueries::Stub::ListBeneficiaries, list, page).ok());
  v1::GetOperationRequest operation;
  operation.set_id(mark);
  v1::Operation found;
  EXPECT_FALSE(Call(*queries_, &v1::BeneficiaryQueries::Stub::GetOperation, operation, found).ok());
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, ::testing::Not(HasSubstr(mark)));
  EXPECT_THAT(log, ::testing::Not(HasSubstr("Lovelace")));
}

}  // namespace
}  // namespace beneficiary
