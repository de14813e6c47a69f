#include "daybook/grpc/server.h"

#include <daybook_test/v1/echo.grpc.pb.h>
#include <daybook_test/v1/standard.pb.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "daybook/grpc/status.h"
#include "daybook/grpc/unary_call.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/test_certificates.h"

namespace daybook::rpc {
namespace {

using daybook_test::v1::Echo;
using daybook_test::v1::HealthRequest;
using daybook_test::v1::HealthResponse;
using daybook_test::v1::ReflectionRequest;
using daybook_test::v1::ReflectionResponse;
using daybook_test::v1::SayRequest;
using daybook_test::v1::SayResponse;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kReflect[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr int kServing = 1;
constexpr int kNotServing = 2;

// Waits until `condition` holds.
template <class Condition>
bool Eventually(Condition condition) {
  return daybook::testing::Eventually(std::move(condition), absl::Seconds(20));
}

// A stream to a method that has no generated client here, one step at a time.
template <class Request, class Response>
class Stream {
 public:
  Stream(std::shared_ptr<::grpc::Channel> channel, const char* method) : stub_(std::move(channel)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    call_ = stub_.PrepareCall(&context_, method, &queue_);
    call_->StartCall(nullptr);
    Step();
  }
  ~Stream() {
    context_.TryCancel();
    queue_.Shutdown();
    while (Step()) {
    }
  }
  bool Write(const Request& request) {
    call_->Write(request, nullptr);
    return Step();
  }
  bool WritesDone() {
    call_->WritesDone(nullptr);
    return Step();
  }
  bool Read(Response* response) {
    call_->Read(response, nullptr);
    return Step();
  }
  ::grpc::Status Finish() {
    ::grpc::Status status;
    call_->Finish(&status, nullptr);
    Step();
    return status;
  }

 private:
  bool Step() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  ::grpc::TemplatedGenericStub<Request, Response> stub_;
  ::grpc::ClientContext context_;
  ::grpc::CompletionQueue queue_;
  std::unique_ptr<::grpc::ClientAsyncReaderWriter<Request, Response>> call_;
};

// Answers at once, later from another thread, with errors, or not at all: as asked.
class EchoService final : public Echo::CallbackService {
 public:
  ::grpc::ServerUnaryReactor* Say(::grpc::CallbackServerContext* context, const SayRequest* request,
                                  SayResponse* response) override {
    return Unary(context, [&](UnaryCall call) {
      response->set_text(request->text());
      if (request->fail_with() == "reject") {
        return call.Finish(Reject{Code::kInvalidArgument, "RULES_BROKEN", "no", {{"/text", "BAD", "bad"}}}, "test");
      }
      if (request->fail_with() == "throw") throw std::runtime_error("boom");
      if (request->fail_with() == "drop") return;
      if (request->fail_with() == "hold") {
        absl::MutexLock lock(&mu_);
        held_.push_back(std::move(call));
        return;
      }
      if (const auto echo = call.Metadata("x-echo")) call.AddTrailing("x-echoed", *echo);
      EXPECT_LE(call.deadline(), absl::Now() + absl::Minutes(1));
      EXPECT_FALSE(call.cancelled());
      EXPECT_THAT(call.peer(), HasSubstr("127.0.0.1"));
      call.Finish(absl::OkStatus(), "test");
    });
  }

  std::vector<UnaryCall> AwaitHeld() {
    absl::MutexLock lock(&mu_);
    const auto some = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !held_.empty(); };
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&some), absl::Seconds(20)));
    return std::exchange(held_, {});
  }

 private:
  absl::Mutex mu_;
  std::vector<UnaryCall> held_ ABSL_GUARDED_BY(mu_);
};

class GrpcServerTest : public ::testing::Test {
 protected:
  GrpcServerTest() {
    options_.address = "127.0.0.1:0";
    options_.ready_poll = absl::Milliseconds(5);
  }

  void Start() {
    auto started = Server::Start(options_, {{Echo::service_full_name(), &echo_}});
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel_ = ::grpc::CreateChannel(server_->address(), ::grpc::InsecureChannelCredentials());
  }

  std::pair<::grpc::Status, SayResponse> Say(const std::string& text, const std::string& fail_with = "") {
    ::grpc::ClientContext context;
    SetDeadline(context);
    SayRequest request;
    request.set_text(text);
    request.set_fail_with(fail_with);
    SayResponse response;
    const ::grpc::Status status = Echo::NewStub(channel_)->Say(&context, request, &response);
    return {status, response};
  }

  static void SetDeadline(::grpc::ClientContext& context) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  }

  // The status of one service, or the error code negated.
  int Health(const std::string& service) {
    Stream<HealthRequest, HealthResponse> stream(channel_, kCheck);
    HealthRequest request;
    request.set_service(service);
    stream.Write(request);
    stream.WritesDone();
    HealthResponse response;
    const bool answered = stream.Read(&response);
    const ::grpc::Status status = stream.Finish();
    return answered && status.ok() ? response.status() : -static_cast<int>(status.error_code());
  }

  EchoService echo_;
  std::atomic<bool> ready_{false};  // which the server asks about until it is gone
  ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<::grpc::Channel> channel_;
};

TEST_F(GrpcServerTest, AnswersCallsWithMetadata) {
  Start();
  ::grpc::ClientContext context;
  SetDeadline(context);
  context.AddMetadata("x-echo", "token");
  SayRequest request;
  request.set_text("hello");
  SayResponse response;
  const auto status = Echo::NewStub(channel_)->Say(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.text(), "hello");
  EXPECT_EQ(context.GetServerTrailingMetadata().find("x-echoed")->second, "token");
}

TEST_F(GrpcServerTest, ARefusalReachesTheClientWithItsDetails) {
  Start();
  const ::grpc::Status status = Say("x", "reject").first;
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  const ErrorDetails details = DetailsOf(status).value();
  EXPECT_EQ(details.reason, "RULES_BROKEN");
  EXPECT_EQ(details.domain, "test");
  EXPECT_THAT(details.violations, Contains(Violation{"/text", "BAD", "bad"}));
}

TEST_F(GrpcServerTest, AHandlerThatThrowsOrForgetsIsAnInternalError) {
  Start();
  for (const char* how : {"throw", "drop"}) {
    const ::grpc::Status status = Say("x", how).first;
    EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INTERNAL) << how;
    EXPECT_EQ(status.error_message(), "internal error") << how;
  }
  EXPECT_TRUE(Say("still here").first.ok());
}

TEST_F(GrpcServerTest, EveryCallsEndIsToldWithItsMethodAndCode) {
  absl::Mutex mu;
  std::vector<std::string> told;
  options_.on_answered = [&](const Answered& answered) {
    EXPECT_GT(answered.latency, absl::ZeroDuration());
    absl::MutexLock lock(&mu);
    told.push_back(absl::StrCat(absl::string_view(answered.method.data(), answered.method.size()), " ",
                                absl::StatusCodeToString(answered.code)));
  };
  Start();
  EXPECT_TRUE(Say("x").first.ok());
  Say("x", "reject");
  Say("x", "drop");
  server_.reset();
  const std::string method = "/daybook_test.v1.Echo/Say";
  EXPECT_THAT(told, ::testing::ElementsAre(method + " OK", method + " INVALID_ARGUMENT", method + " INTERNAL"));
}

TEST_F(GrpcServerTest, AnAnswerMayComeFromAnotherThread) {
  Start();
  std::pair<::grpc::Status, SayResponse> answer;
  std::jthread calling([&] { answer = Say("later", "hold"); });
  std::jthread([&] {
    for (UnaryCall& call : echo_.AwaitHeld()) call.Finish(absl::OkStatus(), "test");
  }).join();
  calling.join();
  EXPECT_TRUE(answer.first.ok());
  EXPECT_EQ(answer.second.text(), "later");
}

TEST_F(GrpcServerTest, MessagesAboveTheLimitAreRefused) {
  options_.request_bytes_max = 64 << 10;
  options_.response_bytes_max = 32 << 10;
  Start();
  EXPECT_TRUE(Say(std::string(30 << 10, 'x')).first.ok());
  EXPECT_EQ(Say(std::string(65 << 10, 'x')).first.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Say(std::string(40 << 10, 'x')).first.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Say(std::string(10 << 20, 'x')).first.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Say("small").first.ok());
}

TEST_F(GrpcServerTest, HealthFollowsReadiness) {
  options_.ready = [&] { return ready_.load(); };
  Start();
  EXPECT_EQ(Health(""), kNotServing);
  EXPECT_EQ(Health(Echo::service_full_name()), kNotServing);
  EXPECT_EQ(Health("no.such.Service"), -static_cast<int>(::grpc::StatusCode::NOT_FOUND));
  Stream<HealthRequest, HealthResponse> watching(channel_, kWatch);
  ASSERT_TRUE(watching.Write(HealthRequest()));
  ASSERT_TRUE(watching.WritesDone());
  HealthResponse response;
  ASSERT_TRUE(watching.Read(&response));
  EXPECT_EQ(response.status(), kNotServing);
  ready_ = true;
  ASSERT_TRUE(watching.Read(&response));
  EXPECT_EQ(response.status(), kServing);
  EXPECT_EQ(Health(""), kServing);
  EXPECT_EQ(Health(Echo::service_full_name()), kServing);
}

TEST_F(GrpcServerTest, ReflectionListsTheServices) {
  Start();
  Stream<ReflectionRequest, ReflectionResponse> stream(channel_, kReflect);
  ReflectionRequest list;
  list.set_list_services("");
  ASSERT_TRUE(stream.Write(list));
  ReflectionResponse response;
  ASSERT_TRUE(stream.Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.services().service()) names.push_back(service.name());
  EXPECT_THAT(names, Contains("daybook_test.v1.Echo"));
  EXPECT_THAT(names, Contains("grpc.health.v1.Health"));
  ReflectionRequest file;
  file.set_file_containing_symbol("daybook_test.v1.Echo");
  ASSERT_TRUE(stream.Write(file));
  ASSERT_TRUE(stream.Read(&response));
  EXPECT_EQ(response.files().file_descriptor_proto_size(), 1);
  ASSERT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(GrpcServerTest, WithoutReflectionNothingIsListed) {
  options_.reflection = Reflection::kOff;
  Start();
  Stream<ReflectionRequest, ReflectionResponse> stream(channel_, kReflect);
  stream.WritesDone();
  ReflectionResponse response;
  EXPECT_FALSE(stream.Read(&response));
  EXPECT_EQ(stream.Finish().error_code(), ::grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, DrainLetsCallsInFlightFinish) {
  Start();
  std::pair<::grpc::Status, SayResponse> answer;
  std::jthread calling([&] { answer = Say("late", "hold"); });
  std::vector<UnaryCall> held = echo_.AwaitHeld();
  absl::Status drained = absl::UnknownError("not yet");
  std::jthread draining([&] { drained = server_->Drain(absl::Seconds(20)); });
  EXPECT_TRUE(Eventually([&] { return Say("refused").first.error_code() == ::grpc::StatusCode::UNAVAILABLE; }));
  held[0].Finish(absl::OkStatus(), "test");
  draining.join();
  calling.join();
  EXPECT_TRUE(answer.first.ok()) << answer.first.error_message();
  EXPECT_TRUE(drained.ok()) << drained;
  EXPECT_TRUE(server_->Drain(absl::Seconds(1)).ok());
}

TEST_F(GrpcServerTest, DrainCancelsWhatOutlastsItsLimit) {
  Start();
  std::pair<::grpc::Status, SayResponse> answer;
  std::jthread calling([&] { answer = Say("late", "hold"); });
  std::vector<UnaryCall> held = echo_.AwaitHeld();
  std::jthread finishing([&] {
    EXPECT_TRUE(Eventually([&] { return held[0].cancelled(); }));
    held[0].Finish(absl::OkStatus(), "test");
  });
  EXPECT_EQ(server_->Drain(absl::Milliseconds(50)).code(), absl::StatusCode::kDeadlineExceeded);
  calling.join();
  EXPECT_FALSE(answer.first.ok());
}

TEST_F(GrpcServerTest, ATakenAddressIsNamed) {
  Start();
  options_.address = server_->address();
  const auto second = Server::Start(options_, {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(options_.address));
}

TEST_F(GrpcServerTest, BadOptionsAreNamed) {
  for (const char* address : {"", "9090", ":9090", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"}) {
    options_.address = address;
    EXPECT_EQ(Server::Start(options_, {}).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
  options_.address = "127.0.0.1:0";
  options_.tls = TlsFiles{"/nonexistent/server.pem", "/nonexistent/server.key", ""};
  const auto started = Server::Start(options_, {});
  EXPECT_EQ(started.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("/nonexistent/server.pem"));
}

class GrpcTlsTest : public GrpcServerTest {
 protected:
  GrpcTlsTest() {
    certificates_.Issue("server");
    certificates_.Issue("client");
    options_.tls = TlsFiles{certificates_.Path("server.pem"), certificates_.Path("server.key"), ""};
  }

  ::grpc::StatusCode Call(const ::grpc::SslCredentialsOptions& credentials) {
    channel_ = ::grpc::CreateChannel(server_->address(), ::grpc::SslCredentials(credentials));
    return Say("hello").first.error_code();
  }

  testing::TestCertificates certificates_;
};

TEST_F(GrpcTlsTest, ACallGoesThroughForWhomTrustsTheServer) {
  Start();
  ::grpc::SslCredentialsOptions credentials;
  credentials.pem_root_certs = certificates_.Text("ca.pem");
  EXPECT_EQ(Call(credentials), ::grpc::StatusCode::OK);
  credentials.pem_root_certs = testing::TestCertificates().Text("ca.pem");
  EXPECT_EQ(Call(credentials), ::grpc::StatusCode::UNAVAILABLE);
  channel_ = ::grpc::CreateChannel(server_->address(), ::grpc::InsecureChannelCredentials());
  EXPECT_EQ(Say("in the clear").first.error_code(), ::grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcTlsTest, WithAClientAuthorityOnlyThoseItVouchesForAreServed) {
  options_.tls->client_authority = certificates_.Path("ca.pem");
  Start();
  ::grpc::SslCredentialsOptions credentials;
  credentials.pem_root_certs = certificates_.Text("ca.pem");
  EXPECT_EQ(Call(credentials), ::grpc::StatusCode::UNAVAILABLE);
  credentials.pem_cert_chain = certificates_.Text("client.pem");
  credentials.pem_private_key = certificates_.Text("client.key");
  EXPECT_EQ(Call(credentials), ::grpc::StatusCode::OK);
  testing::TestCertificates strangers;
  strangers.Issue("client");
  credentials.pem_cert_chain = strangers.Text("client.pem");
  credentials.pem_private_key = strangers.Text("client.key");
  EXPECT_EQ(Call(credentials), ::grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace daybook::rpc
