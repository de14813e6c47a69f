// A full queue, seen by gRPC's clients.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "beneficiary/api/grpc_api.h"
#include "beneficiary/api/v1/commands.grpc.pb.h"
#include "daybook/base/reason.h"
#include "daybook/grpc/server.h"
#include "daybook/grpc/status.h"
#include "tests/api/api_fixture.h"
#include "tests/api/overload_kit.h"

namespace beneficiary {
namespace {

namespace v1 = api::v1;

class GrpcOverloadTest : public ApiTest {
 protected:
  EngineOptions Options() const override { return LittleRoom(); }
};

struct OneCall {
  ::grpc::ClientContext context;
  v1::CreateBeneficiaryRequest request;
  v1::WriteResponse response;
  ::grpc::Status status;
  absl::Notification done;
};

TEST_F(GrpcOverloadTest, AFullQueueIsResourceExhaustedWithAHintWhenToTryAgain) {
  api::GrpcApi services(*service_, api::GrpcOptions());
  daybook::rpc::ServerOptions options;
  options.address = "127.0.0.1:0";
  auto server = daybook::rpc::Server::Start(options, services.services());
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = v1::BeneficiaryCommands::NewStub(
      ::grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*server)->port()), ::grpc::InsecureChannelCredentials()));
  Standstill standstill(*engine_);
  std::deque<OneCall> calls(kMoreThanThereIsRoomFor);
  int number = 0;
  for (OneCall& call : calls) {
    call.context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    call.request.set_client_id(kClientId);
    call.request.mutable_beneficiary()->set_name("Acme");
    call.request.mutable_beneficiary()->set_type(v1::ENTITY_TYPE_BUSINESS);
    call.request.mutable_options()->set_request_id(absl::StrCat("k", ++number));
    stub->async()->CreateBeneficiary(&call.context, &call.request, &call.response, [&call](::grpc::Status status) {
      call.status = std::move(status);
      call.done.Notify();
    });
  }
  EXPECT_TRUE(standstill.AwaitRefused(kMoreThanThereIsRoomFor - kRoomMax));
  standstill.LetGo();
  int accepted = 0;
  for (OneCall& call : calls) {
    call.done.WaitForNotification();
    if (call.status.ok()) {
      ++accepted;
      continue;
    }
    EXPECT_EQ(call.status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED) << call.status.error_message();
    const absl::Status status = daybook::rpc::FromGrpc(call.status);
    EXPECT_EQ(daybook::ReasonOf(status), "QUEUE_FULL");
    EXPECT_GT(daybook::RetryAfterOf(status).value_or(absl::ZeroDuration()), absl::ZeroDuration());
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LE(accepted, kRoomMax);
}

}  // namespace
}  // namespace beneficiary
