#include "daybook/http/server.h"

#include <stdexcept>

#include "daybook/http/tests/fixture.h"

namespace daybook::http {
namespace {

using testing::Client;
using ::testing::HasSubstr;
using testing::Reply;

using ServerTest = ServerFixture;

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  router_.Add(Method::kGet, "/hello/{name}", Answering([](const Request& request) {
                Response response(StatusCode::kOk, kPlainText, "hello " + std::string(request.PathParam("name")));
                response.AddHeader("ETag", "\"7\"");
                return response;
              }));
  Start();
  Client client = NewClient();
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.Get("/hello/w%C3%B6rld?x=1").value();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "hello w\xc3\xb6rld");
    EXPECT_EQ(reply.Header("etag"), "\"7\"");
    EXPECT_EQ(reply.Header("Content-Type"), kPlainText);
    EXPECT_THAT(std::string(reply.Header("Date")), HasSubstr("GMT"));
  }
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
  EXPECT_TRUE(Eventually([&] { return server_->stats().requests_answered == 3; }));
}

TEST_F(ServerTest, TheRequestIsWhatWasSent) {
  router_.Add(Method::kPost, "/a/{b}", Answering([](const Request& r) {
                std::string text = std::string(MethodName(r.method())) + " " + std::string(r.target()) + " " +
                                   std::string(r.path()) + " " + std::string(r.raw_query()) + " " +
                                   std::string(r.route()) + " " + std::string(r.Header("x-one").value_or("none")) +
                                   " " + std::to_string(r.HeaderAll("X-MANY").size()) + " " +
                                   std::string(r.Header("absent").value_or("none")) + " " + std::string(r.body());
                EXPECT_THAT(std::string(r.peer()), HasSubstr("127.0.0.1:"));
                return Response(StatusCode::kOk, kPlainText, text);
              }));
  Start();
  Client client = NewClient();
  const auto reply =
      client.Send("POST", "/a/1?q=2", {{"X-One", "  1  "}, {"x-many", "a"}, {"X-Many", "b"}}, "the body").value();
  EXPECT_EQ(reply.body, "POST /a/1?q=2 /a/1 q=2 /a/{b} 1 2 none the body");
}

TEST_F(ServerTest, HeadHasTheHeadersOfGetAndNoBody) {
  router_.Add(Method::kGet, "/x", Text("four"));
  Start();
  Client client = NewClient();
  const Reply head = client.Send("HEAD", "/x").value();
  EXPECT_EQ(head.Header("Content-Length"), "4");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(client.Get("/x").value().body, "four");
  const Reply missing = client.Send("HEAD", "/y").value();
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(client.Get("/x").value().body, "four");
}

TEST_F(ServerTest, NoContentAndNotModifiedHaveNoBody) {
  router_.Add(Method::kDelete, "/x", Answering([](const Request&) { return Response(StatusCode::kNoContent); }));
  router_.Add(Method::kGet, "/x", Answering([](const Request&) { return Response(StatusCode::kNotModified); }));
  Start();
  Client client = NewClient();
  const Reply deleted = client.Send("DELETE", "/x").value();
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.Header("Content-Length"), "");
  EXPECT_EQ(client.Get("/x").value().status, 304);
  EXPECT_EQ(client.Send("DELETE", "/x").value().status, 204);
}

TEST_F(ServerTest, ASharedBodyIsSentFromWhereItLiesAndNeverChanges) {
  const auto page = std::make_shared<const std::string>(std::string(1 << 20, 'p'));
  router_.Add(Method::kGet, "/page",
              Answering([&](const Request&) { return Response(StatusCode::kOk, kPlainText, page); }));
  Start();
  Client client = NewClient();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Get("/page").value().body, *page);
  EXPECT_EQ(client.Send("HEAD", "/page").value().Header("Content-Length"), std::to_string(page->size()));

  Response response(StatusCode::kOk, kPlainText, page);
  EXPECT_EQ(response.body().data(), page->data());
  response.mutable_body().append("more");
  EXPECT_EQ(response.body(), *page + "more");
  EXPECT_EQ(page->size(), std::size_t{1} << 20);
}

TEST_F(ServerTest, UnknownPathsAndMethodsAreProblems) {
  router_.Add(Method::kGet, "/x/{id}", Text("x"));
  Start();
  Client client = NewClient();
  const Reply missing = client.Get("/y?z=1").value();
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.Header("Content-Type"), "application/problem+json");
  EXPECT_EQ(missing.body,
            R"({"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such resource.",)"
            R"("instance":"/y"})");
  const Reply other = client.Send("DELETE", "/x/1").value();
  EXPECT_EQ(other.status, 405);
  EXPECT_EQ(other.Header("Allow"), "GET, HEAD");
  EXPECT_EQ(client.Send("BREW", "/x/1").status().code(), absl::StatusCode::kOk);
  EXPECT_EQ(client.Send("TRACE", "/x/1").value().status, 405);
  EXPECT_EQ(client.Get("/x/%zz").value().status, 400);
  EXPECT_EQ(client.Send("POST", "/x/1", {}, "body").value().status, 405);
}

TEST_F(ServerTest, AnAnswerMayComeFromAnotherThreadAndLater) {
  router_.Add(Method::kGet, "/slow/{n}", gate_.Holding());
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(NewHeldClient());
    ASSERT_TRUE(clients.back()->SendRaw("GET /slow/" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  }
  ASSERT_TRUE(gate_.Await(8));
  std::jthread answering([&] {
    for (auto& [request, responder] : gate_.TakeAll()) {
      responder.Send(Response(StatusCode::kOk, kPlainText, std::string(request.PathParam("n"))));
    }
  });
  for (int i = 0; i < 8; ++i) EXPECT_EQ(clients[i]->ReadReply().value().body, std::to_string(i));
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  router_.Add(Method::kPost, "/echo", Echo()).Add(Method::kGet, "/slow", gate_.Holding());
  Start();
  Client client = NewClient();
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string body = std::to_string(i);
    all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    if (i == 100) all += "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  ASSERT_TRUE(client.SendRaw(all).ok());
  for (int i = 0; i <= 100; ++i) ASSERT_EQ(client.ReadReply().value().body, std::to_string(i));
  ASSERT_TRUE(gate_.Await(1));
  std::jthread([&] { gate_.TakeAll()[0].second.Send(Response(StatusCode::kOk, kPlainText, "late")); }).join();
  EXPECT_EQ(client.ReadReply().value().body, "late");
  for (int i = 101; i < 200; ++i) ASSERT_EQ(client.ReadReply().value().body, std::to_string(i));
}

TEST_F(ServerTest, AHandlerThatThrowsIsAnInternalError) {
  router_.Add(Method::kGet, "/throw", [](Request, Responder) { throw std::runtime_error("boom"); })
      .Add(Method::kGet, "/throw-int", [](Request, Responder) { throw 7; })
      .Add(Method::kGet, "/ok", Text("ok"));
  Start();
  Client client = NewClient();
  const Reply thrown = client.Get("/throw").value();
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.Header("Content-Type"), "application/problem+json");
  EXPECT_EQ(thrown.body.find("boom"), std::string::npos);
  EXPECT_EQ(client.Get("/throw-int").value().status, 500);
  EXPECT_EQ(client.Get("/ok").value().body, "ok");
}

TEST_F(ServerTest, AnUnansweredRequestIsAnInternalError) {
  router_.Add(Method::kGet, "/drop", [](Request, Responder) {}).Add(Method::kGet, "/hold", gate_.Holding());
  Start();
  Client client = NewClient();
  EXPECT_EQ(client.Get("/drop").value().status, 500);
  ASSERT_TRUE(client.SendRaw("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  ASSERT_TRUE(gate_.Await(1));
  gate_.TakeAll();
  EXPECT_EQ(client.ReadReply().value().status, 500);
}

TEST_F(ServerTest, AStatusIsAnsweredAsItsProblem) {
  router_.Add(Method::kGet, "/busy",
              Answering([](const Request&) -> absl::StatusOr<Response> { return absl::UnavailableError("later"); }));
  Start();
  const Reply reply = NewClient().Get("/busy").value();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  EXPECT_THAT(reply.body, HasSubstr(R"("detail":"later","instance":"/busy")"));
}

TEST_F(ServerTest, AnAnswerMayOutliveTheServer) {
  router_.Add(Method::kGet, "/hold/{id}", gate_.Holding());
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET /hold/9 HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  ASSERT_TRUE(gate_.Await(1));
  server_.reset();
  EXPECT_TRUE(client.ClosedByServer());
  auto held = gate_.TakeAll();
  EXPECT_EQ(held[0].first.PathParam("id"), "9");
  held[0].second.Send(Response(StatusCode::kOk));
}

TEST_F(ServerTest, LargeAnswersArriveWhole) {
  std::string large(8 << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
  router_.Add(Method::kGet, "/large", Text(large));
  Start();
  Client client = NewClient();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.Get("/large").value().body == large);
}

TEST_F(ServerTest, ChunkedBodiesAndExpectationsAreUnderstood) {
  router_.Add(Method::kPost, "/echo", Echo());
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client
                  .SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n")
                  .ok());
  EXPECT_EQ(client.ReadReply().value().body, "abcdefg");
  ASSERT_TRUE(
      client.SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n").ok());
  EXPECT_EQ(client.ReadReply(Client::Expect::kHeadOnly).value().status, 100);
  ASSERT_TRUE(client.SendRaw("hi").ok());
  EXPECT_EQ(client.ReadReply().value().body, "hi");
}

TEST_F(ServerTest, OldClientsAreServed) {
  router_.Add(Method::kGet, "/x", Text("x"));
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").ok());
  EXPECT_EQ(client.ReadReply().value().Header("Connection"), "keep-alive");
  ASSERT_TRUE(client.SendRaw("GET /x HTTP/1.0\r\n\r\n").ok());
  EXPECT_EQ(client.ReadReply().value().Header("Connection"), "close");
  EXPECT_TRUE(client.ClosedByServer());
  ASSERT_TRUE(client.SendRaw("").ok());
  Client proxied = NewClient();
  ASSERT_TRUE(proxied.SendRaw("GET http://example.org/x HTTP/1.1\r\nHost: example.org\r\n\r\n").ok());
  EXPECT_EQ(proxied.ReadReply().value().body, "x");
}

TEST_F(ServerTest, EachAnswerIsReportedOnce) {
  absl::Mutex mu;
  std::vector<std::string> seen;
  options_.on_answered = [&](const Answered& answered) {
    absl::MutexLock lock(&mu);
    seen.push_back(std::string(MethodName(answered.method)) + " " + std::string(answered.route) + " " +
                   std::to_string(ToInt(answered.status)) + " " + std::to_string(answered.response_bytes));
  };
  router_.Add(Method::kGet, "/x/{id}", Text("abc"));
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Get("/x/1").ok());
  ASSERT_EQ(client.Get("/y").value().status, 404);
  server_.reset();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], "GET /x/{id} 200 3");
  EXPECT_THAT(seen[1], HasSubstr("GET  404 "));
}

TEST_F(ServerTest, SeveralIoThreadsShareTheConnections) {
  options_.io_threads = 3;
  router_.Add(Method::kPost, "/echo", Echo());
  Start();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([this, t] {
      Client client = NewClient();
      for (int i = 0; i < 100; ++i) {
        const std::string body = std::to_string(t) + ":" + std::to_string(i);
        ASSERT_EQ(client.Post("/echo", body).value().body, body);
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(Eventually([&] { return server_->stats().requests_answered == 600; }));
}

TEST_F(ServerTest, DrainFinishesWhatIsInFlightAndClosesTheRest) {
  router_.Add(Method::kGet, "/hold", gate_.Holding()).Add(Method::kGet, "/x", Text("x"));
  Start();
  Client idle = NewClient();
  ASSERT_TRUE(idle.Get("/x").ok());
  Client busy = NewClient();
  ASSERT_TRUE(busy.SendRaw("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  ASSERT_TRUE(gate_.Await(1));
  absl::Status drained = absl::UnknownError("not yet");
  std::jthread draining([&] { drained = server_->Drain(absl::Seconds(20)); });
  EXPECT_TRUE(idle.ClosedByServer());
  EXPECT_EQ(Client(server_->port()).Get("/x").status().code(), absl::StatusCode::kUnavailable);
  gate_.TakeAll()[0].second.Send(Response(StatusCode::kOk, kPlainText, "done"));
  const Reply reply = busy.ReadReply().value();
  EXPECT_EQ(reply.body, "done");
  EXPECT_EQ(reply.Header("Connection"), "close");
  EXPECT_TRUE(busy.ClosedByServer());
  draining.join();
  EXPECT_TRUE(drained.ok()) << drained;
  EXPECT_TRUE(server_->Drain(absl::Seconds(1)).ok());
}

TEST_F(ServerTest, DrainGivesUpAtItsLimitAndSaysHowManyItCutOff) {
  router_.Add(Method::kGet, "/hold", gate_.Holding());
  Start();
  Client busy = NewClient();
  ASSERT_TRUE(busy.SendRaw("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  ASSERT_TRUE(gate_.Await(1));
  const absl::Status drained = server_->Drain(absl::Milliseconds(20));
  EXPECT_EQ(drained.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(drained.message()), HasSubstr("1 connections were cut off"));
  EXPECT_TRUE(busy.ClosedByServer());
}

TEST(ServerStartTest, ATakenAddressIsNamed) {
  ServerOptions options;
  options.address = "127.0.0.1:0";
  const auto first = Server::Start(Router(), options).value();
  options.address = first->address();
  const auto second = Server::Start(Router(), options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(options.address));
}

TEST(ServerStartTest, BadOptionsAreNamed) {
  for (const char* address : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "nowhere:80"}) {
    ServerOptions options;
    options.address = address;
    EXPECT_EQ(Server::Start(Router(), options).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
  ServerOptions options;
  options.io_threads = 0;
  EXPECT_EQ(Server::Start(Router(), options).status().code(), absl::StatusCode::kInvalidArgument);
  Router router;
  router.Add(Method::kGet, "bad", Text(""));
  EXPECT_EQ(Server::Start(std::move(router), {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace daybook::http
