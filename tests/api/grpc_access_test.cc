// Which clients a caller may read and write, and how often it may ask, at every gRPC method.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/grpc_api.h"
#include "beneficiary/api/identifiers.h"
#include "beneficiary/api/v1/commands.grpc.pb.h"
#include "beneficiary/api/v1/queries.grpc.pb.h"
#include "daybook/grpc/server.h"
#include "daybook/grpc/status.h"
#include "daybook/testing/fake_clock.h"
#include "tests/api/access_fixture.h"

namespace beneficiary {
namespace {

namespace v1 = api::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using Metadata = std::vector<std::pair<std::string, std::string>>;

class GrpcAccessTest : public AccessFixture {
 protected:
  void SetUp() override {
    AccessFixture::SetUp();
    ServeGrpc(admission_);
  }

  void ServeGrpc(std::shared_ptr<api::Admission> admission) {
    stub_.reset();
    grpc_.reset();
    api::GrpcOptions options;
    options.admission = std::move(admission);
    api_ = std::make_unique<api::GrpcApi>(*service_, options);
    daybook::rpc::ServerOptions server_options;
    server_options.address = "127.0.0.1:0";
    auto server = daybook::rpc::Server::Start(server_options, api_->services());
    ASSERT_TRUE(server.ok()) << server.status();
    grpc_ = *std::move(server);
    stub_ = std::make_unique<::grpc::GenericStub>(
        ::grpc::CreateChannel(absl::StrCat("127.0.0.1:", grpc_->port()), ::grpc::InsecureChannelCredentials()));
  }

  void TearDown() override {
    grpc_.reset();
    AccessFixture::TearDown();
  }

  static Metadata May(const std::string& read, const std::string& write) {
    return {{"x-caller-identity", "ebo"}, {"x-read-clients", read}, {"x-write-clients", write}};
  }

  // Calls any method with any message, as a client without generated code does.
  ::grpc::Status Call(const MethodDescriptor& method, const Message& request, const Metadata& caller,
                      Message* response = nullptr) {
    ::grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    for (const auto& [key, value] : caller) context.AddMetadata(key, value);
    const std::string bytes = request.SerializeAsString();
    const ::grpc::Slice slice(bytes);
    const ::grpc::ByteBuffer buffer(&slice, 1);
    ::grpc::CompletionQueue queue;
    const std::string name = absl::StrCat("/", method.service()->full_name(), "/", method.name());
    const auto call = stub_->PrepareUnaryCall(&context, name, buffer, &queue);
    call->StartCall();
    ::grpc::ByteBuffer answer;
    ::grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    if (status.ok() && response != nullptr) {
      std::vector<::grpc::Slice> parts;
      EXPECT_TRUE(answer.Dump(&parts).ok());
      std::string text;
      for (const ::grpc::Slice& part : parts) text.append(reinterpret_cast<const char*>(part.begin()), part.size());
      EXPECT_TRUE(response->ParseFromString(text));
    }
    return status;
  }

  static std::string ReasonOf(const ::grpc::Status& status) {
    const auto details = daybook::rpc::DetailsOf(status);
    return details.ok() ? absl::StrCat(details->domain, " ", details->reason) : "(damaged)";
  }

  static std::vector<const MethodDescriptor*> EveryMethod() {
    std::vector<const MethodDescriptor*> all;
    for (const char* name :
         {v1::BeneficiaryCommands::service_full_name(), v1::BeneficiaryQueries::service_full_name()}) {
      const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      for (int i = 0; i < service->method_count(); ++i) all.push_back(service->method(i));
    }
    return all;
  }

  static void SetText(Message& message, const std::string& name, const std::string& value) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) message.GetReflection()->SetString(&message, field, value);
  }

  // A request that would succeed but for the caller.
  std::unique_ptr<Message> RequestFor(const MethodDescriptor& method, const std::string& operation) {
    const Descriptor* type = method.input_type();
    std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    SetText(*request, "client_id", kClientId);
    SetText(*request, "id", method.name() == "GetOperation" ? operation : kId);
    SetText(*request, "account_id", kAccount);
    SetText(*request, "alias", "acme");
    if (auto* screened = dynamic_cast<v1::RecordScreeningResultRequest*>(request.get())) {
      screened->set_status(v1::SCREENING_STATUS_CLEAR);
    }
    if (const FieldDescriptor* options = type->FindFieldByName("options")) {
      Message& of_write = *request->GetReflection()->MutableMessage(request.get(), options);
      SetText(of_write, "request_id", absl::StrCat("key-", ++keys_));
      if (method.name().starts_with("Update")) SetText(of_write, "etag", "*");
    }
    return request;
  }

  // The operation of a write of a caller that may write the client.
  std::string AnOperation() {
    v1::DeactivateBeneficiaryRequest request;
    request.set_id(kId);
    request.mutable_options()->set_request_id(absl::StrCat("key-", ++keys_));
    v1::WriteResponse response;
    const MethodDescriptor* method = v1::DeactivateBeneficiaryRequest::descriptor()
                                         ->file()
                                         ->FindServiceByName("BeneficiaryCommands")
                                         ->FindMethodByName("DeactivateBeneficiary");
    const ::grpc::Status status = Call(*method, request, May("", kClientId), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.operation().id();
  }

  std::unique_ptr<api::GrpcApi> api_;
  std::unique_ptr<daybook::rpc::Server> grpc_;
  std::unique_ptr<::grpc::GenericStub> stub_;
};

TEST_F(GrpcAccessTest, EveryMethodRefusesWhoIsNotNamed) {
  ASSERT_GE(EveryMethod().size(), 18u);
  const std::string operation = AnOperation();
  const daybook::Revision before = RevisionOf(kId);
  for (const MethodDescriptor* method : EveryMethod()) {
    const auto request = RequestFor(*method, operation);
    ::grpc::Status status = Call(*method, *request, {{"x-read-clients", "*"}, {"x-write-clients", "*"}});
    EXPECT_EQ(status.error_code(), ::grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
    EXPECT_EQ(ReasonOf(status), "beneficiary.daybook IDENTITY_REQUIRED") << method->full_name();
    Metadata twice = May("*", "*");
    twice.emplace_back("x-caller-identity", "root");
    status = Call(*method, *request, twice);
    EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT) << method->full_name();
    EXPECT_EQ(ReasonOf(status), "beneficiary.daybook IDENTITY_MALFORMED") << method->full_name();
  }
  EXPECT_EQ(RevisionOf(kId), before);
}

TEST_F(GrpcAccessTest, EveryMethodOnAClientRefusesWhoMayNotHaveIt) {
  const std::string operation = AnOperation();
  const daybook::Revision before = RevisionOf(kId);
  for (const MethodDescriptor* method : EveryMethod()) {
    const auto request = RequestFor(*method, operation);
    const ::grpc::Status status = Call(*method, *request, May(kOtherClientId, kOtherClientId));
    if (method->name() == "ListRequirements") {  // no client's
      EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
      continue;
    }
    EXPECT_EQ(status.error_code(), ::grpc::StatusCode::PERMISSION_DENIED)
        << method->full_name() << ": " << status.error_message();
    EXPECT_EQ(ReasonOf(status), "beneficiary.daybook CLIENT_NOT_ALLOWED") << method->full_name();
  }
  EXPECT_EQ(RevisionOf(kId), before);
}

TEST_F(GrpcAccessTest, EveryMethodServesWhoMayHaveItsClient) {
  const std::string operation = AnOperation();
  for (const MethodDescriptor* method : EveryMethod()) {
    const ::grpc::Status status = Call(*method, *RequestFor(*method, operation), May(kClientId, kClientId));
    // Those requests are poor: the aggregate and the rules refuse some, the admission none.
    EXPECT_NE(status.error_code(), ::grpc::StatusCode::PERMISSION_DENIED) << method->full_name();
    EXPECT_NE(status.error_code(), ::grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
  }
}

TEST_F(GrpcAccessTest, AnUnknownIdAndAnotherClientsAreTheSame) {
  const auto* queries = v1::GetBeneficiaryRequest::descriptor()->file()->FindServiceByName("BeneficiaryQueries");
  for (const char* method : {"GetBeneficiary", "GetBeneficiaryValidation"}) {
    v1::GetBeneficiaryRequest theirs;
    theirs.set_id(kId);
    v1::GetBeneficiaryRequest nobodys;
    nobodys.set_id(kUnknownId);
    const auto one = Call(*queries->FindMethodByName(method), theirs, May(kOtherClientId, ""));
    const auto other = Call(*queries->FindMethodByName(method), nobodys, May(kOtherClientId, ""));
    EXPECT_EQ(one.error_code(), ::grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(one.error_message(), other.error_message());
    EXPECT_EQ(one.error_details(), other.error_details());
    EXPECT_EQ(Call(*queries->FindMethodByName(method), nobodys, May("*", "")).error_code(),
              ::grpc::StatusCode::NOT_FOUND);
  }
}

TEST_F(GrpcAccessTest, WhoAsksTooOftenIsToldWhenToAskAgain) {
  daybook::testing::FakeClock clock;
  api::AdmissionOptions options;
  options.requests_per_second_max = 0.5;
  options.requests_burst = 1;
  options.clock = &clock;
  ServeGrpc(std::make_shared<api::Admission>(std::move(options)));
  const std::string nowhere;
  for (const MethodDescriptor* method : EveryMethod()) Call(*method, *RequestFor(*method, nowhere), {});
  for (const MethodDescriptor* method : EveryMethod()) {
    const ::grpc::Status status = Call(*method, *RequestFor(*method, nowhere), {});
    EXPECT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED) << method->full_name();
    EXPECT_EQ(ReasonOf(status), "beneficiary.daybook RATE_LIMITED");
    const auto details = daybook::rpc::DetailsOf(status);
    ASSERT_TRUE(details.ok());
    EXPECT_EQ(details->retry_after, absl::Seconds(2));
  }
}

}  // namespace
}  // namespace beneficiary
