#include <sys/resource.h>

#include <fstream>

#include "daybook/http/server.h"
#include "daybook/http/tests/fixture.h"

namespace daybook::http {
namespace {

using testing::Client;
using ::testing::HasSubstr;
using testing::Reply;

std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

class LimitsTest : public ServerFixture {
 protected:
  LimitsTest() {
    router_.Add(Method::kPost, "/echo", Echo())
        .Add(Method::kPost, "/large", Echo(), {.body_bytes_max = 4 << 20})
        .Add(Method::kGet, "/x", Text("x"))
        .Add(Method::kGet, "/hold", gate_.Holding());
  }

  // The server goes on: others are served. More than one try, where time-outs are short and this thread may be slow.
  void ExpectServing() {
    EXPECT_TRUE(Eventually([&] {
      const auto reply = NewClient().Get("/x");
      return reply.ok() && reply->body == "x";
    }));
  }
};

TEST_F(LimitsTest, ASlowHeadIsTimedOut) {
  options_.head_timeout = absl::Milliseconds(300);
  Start();
  // More than one try: a connection whose first byte comes after that time is closed without a word.
  EXPECT_TRUE(Eventually([&] {
    Client client = NewClient();
    if (!client.SendRaw("GET /x HTTP/1.1\r\nHo").ok()) return false;
    const auto reply = client.ReadReply();
    return reply.ok() && reply->status == 408 && client.ClosedByServer();
  }));
  ExpectServing();
}

TEST_F(LimitsTest, ASilentConnectionIsClosedWithoutAWord) {
  options_.head_timeout = absl::Milliseconds(300);
  Start();
  EXPECT_TRUE(Eventually([&] {
    Client client = NewClient();
    return client.SendRaw("").ok() && client.ClosedByServer();  // TLS shakes hands first, within that time
  }));
}

TEST_F(LimitsTest, ASlowBodyIsTimedOut) {
  options_.body_timeout = absl::Milliseconds(300);
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").ok());
  const Reply reply = client.ReadReply().value();
  EXPECT_EQ(reply.status, 408);
  EXPECT_THAT(reply.body, HasSubstr(R"("instance":"/echo")"));
  EXPECT_TRUE(client.ClosedByServer());
  ExpectServing();
}

TEST_F(LimitsTest, AnIdleConnectionIsClosed) {
  options_.idle_timeout = absl::Milliseconds(200);
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Get("/x").ok());
  EXPECT_TRUE(client.ClosedByServer());
}

TEST_F(LimitsTest, AHandlerMayTakeLongerThanAnyTimeOut) {
  options_.idle_timeout = absl::Milliseconds(100);
  Start();
  Client slow = NewClient();
  ASSERT_TRUE(slow.SendRaw("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  ASSERT_TRUE(gate_.Await(1));
  Client idle = NewClient();
  ASSERT_TRUE(idle.Get("/x").ok());
  EXPECT_TRUE(idle.ClosedByServer());  // more than every limit has passed
  gate_.TakeAll()[0].second.Send(Response(StatusCode::kOk, kPlainText, "late"));
  EXPECT_EQ(slow.ReadReply().value().body, "late");
}

TEST_F(LimitsTest, TenMegabytesAreRefusedWhetherAnnouncedOrChunked) {
  Start();
  const std::string body(10 << 20, 'x');
  Client announced = NewClient();
  // The whole body is sent before the reply is read, as many clients do.
  ASSERT_TRUE(announced.SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n" + body).ok());
  EXPECT_EQ(announced.ReadReply().value().status, 413);
  Client chunked = NewClient();
  ASSERT_TRUE(
      chunked.SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\na00000\r\n" + body).ok());
  EXPECT_EQ(chunked.ReadReply().value().status, 413);
  ExpectServing();
}

TEST_F(LimitsTest, ARouteMayHaveALimitOfItsOwn) {
  Start();
  const std::string body(3 << 20, 'y');
  EXPECT_TRUE(NewClient().Send("POST", "/large", {}, body).value().body == body);
  EXPECT_EQ(NewClient().Send("POST", "/echo", {}, body).value().status, 413);
  EXPECT_EQ(NewClient().Send("POST", "/echo", {}, std::string(1 << 20, 'z')).value().status, 200);
  EXPECT_EQ(NewClient().Send("POST", "/echo", {}, std::string((1 << 20) + 1, 'z')).value().status, 413);
}

TEST_F(LimitsTest, ALargeHeadIsRefused) {
  Start();
  EXPECT_EQ(NewClient().Get("/x", {{"X-Large", std::string(15 << 10, 'a')}}).value().status, 200);
  EXPECT_EQ(NewClient().Get("/x", {{"X-Large", std::string(17 << 10, 'a')}}).value().status, 431);
  EXPECT_EQ(NewClient().Get("/" + std::string(1 << 20, 'a')).value().status, 431);
  ExpectServing();
}

TEST_F(LimitsTest, EndlessChunkHeadsAndTrailersAreRefused) {
  Start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& start : {std::string("1;ext="), std::string("1\r\na\r\n0\r\nTrailer: ")}) {
    Client client = NewClient();
    ASSERT_TRUE(client.SendRaw(head + start + std::string(64 << 10, 'a')).ok());
    EXPECT_EQ(client.ReadReply().value().status, 431) << start;
  }
  ExpectServing();
}

TEST_F(LimitsTest, RubbishIsABadRequest) {
  Start();
  const std::vector<std::pair<std::string, int>> cases = {
      {"\x16\x03\x01\x02 TLS?\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET /x\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /x HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET /x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n", 400},
      {"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n", 505},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 3\r\n\r\n", 417},
  };
  for (const auto& [bytes, status] : cases) {
    Client client = NewClient();
    ASSERT_TRUE(client.SendRaw(bytes).ok());
    const auto reply = client.ReadReply();
    ASSERT_TRUE(reply.ok()) << bytes << reply.status();
    EXPECT_EQ(reply->status, status) << bytes;
    EXPECT_EQ(reply->Header("Content-Type"), "application/problem+json") << bytes;
    EXPECT_EQ(reply->Header("Connection"), "close") << bytes;
  }
  ExpectServing();
}

TEST_F(LimitsTest, HalfRequestsLeaveNothingBehind) {
  Start();
  for (const char* half : {"G", "GET /x HTTP/1.1\r\n", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
                           "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    Client client = NewClient();
    ASSERT_TRUE(client.SendRaw(half).ok());
    client.Close();
  }
  ASSERT_TRUE(gate_.Await(1));
  gate_.TakeAll()[0].second.Send(Response(StatusCode::kOk, kPlainText, std::string(100'000, 'x')));
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open == 0; }));
  ExpectServing();
}

TEST_F(LimitsTest, AClientThatDoesNotReadIsCutOff) {
  options_.write_timeout = absl::Milliseconds(300);
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  ASSERT_TRUE(gate_.Await(1));
  gate_.TakeAll()[0].second.Send(Response(StatusCode::kOk, kPlainText, std::string(32 << 20, 'x')));
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open == 0; }));
  EXPECT_FALSE(client.ReadReply().ok()) << "the rest of the answer came";
  ExpectServing();
}

TEST_F(LimitsTest, AThousandIdleConnectionsAreBoundedAndOthersAreServed) {
  options_.head_timeout = absl::Seconds(60);
  Start();
  ASSERT_TRUE(NewClient().Get("/x").ok());
  const std::int64_t before = ResidentBytes();
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(NewHeldClient());
    // A third has sent nothing, a third half a request, a third one whole request.
    Client& client = *idle.back();
    const absl::Status sent = i % 3 == 0   ? client.SendRaw("")
                              : i % 3 == 1 ? client.SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Le")
                                           : client.Get("/x").status();
    ASSERT_TRUE(sent.ok()) << sent;
  }
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open >= 1000; }));
  for (int i = 0; i < 20; ++i) ExpectServing();
  EXPECT_EQ(server_->stats().connections_refused, 0u);
  const std::int64_t grown = ResidentBytes() - before;  // negative, if the system took pages back
#if !defined(DAYBOOK_SANITIZED)
#if defined(DAYBOOK_HTTP_TESTS_USE_TLS)
  constexpr std::int64_t kGrownMax = std::int64_t{192} << 20;  // both ends of TLS are in this process
#else
  constexpr std::int64_t kGrownMax = std::int64_t{32} << 20;
#endif
  EXPECT_LT(grown, kGrownMax) << "bytes per connection: " << grown / 1000;
#else
  RecordProperty("grown", std::to_string(grown));
#endif
}

TEST_F(LimitsTest, AnAnnouncedBodyTakesNoMemoryBeforeItArrives) {
  options_.body_timeout = absl::Seconds(60);
  Start();
  const std::int64_t before = ResidentBytes();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(NewHeldClient());
    ASSERT_TRUE(clients.back()->SendRaw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\na").ok());
  }
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open == 200; }));
  ExpectServing();
#if !defined(DAYBOOK_SANITIZED)
  EXPECT_LT(ResidentBytes() - before, std::int64_t{60} << 20);
#else
  RecordProperty("before", std::to_string(before));
#endif
}

TEST_F(LimitsTest, BodiesTogetherHaveALimitToo) {
  options_.body_timeout = absl::Seconds(60);
  options_.body_bytes_total_max = 1 << 20;
  router_.Add(Method::kPost, "/hold", gate_.Holding());
  Start();
  const std::string body(400 << 10, 'x');
  const std::string request = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 409600\r\n\r\n" + body;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(NewHeldClient());
    ASSERT_TRUE(clients.back()->SendRaw(request).ok());
  }
  ASSERT_TRUE(gate_.Await(2));
  Client third = NewClient();
  ASSERT_TRUE(third.SendRaw(request).ok());
  const Reply refused = third.ReadReply().value();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("Retry-After"), "1");
  for (auto& [held, responder] : gate_.TakeAll()) responder.Send(Response(StatusCode::kNoContent));
  for (auto& client : clients) EXPECT_EQ(client->ReadReply().value().status, 204);
  // What was held is given back when the requests are gone.
  EXPECT_TRUE(Eventually([&] { return NewClient().Send("POST", "/echo", {}, body).value().status == 200; }));
}

TEST_F(LimitsTest, AboveTheLimitTheLongestIdleConnectionMakesRoom) {
  options_.connections_max = 4;
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(NewHeldClient());
    ASSERT_TRUE(clients.back()->Get("/x").ok());
  }
  ASSERT_TRUE(clients[0]->Get("/x").ok());  // now the second is idle for longest
  ExpectServing();
  EXPECT_TRUE(clients[1]->ClosedByServer());
  EXPECT_EQ(server_->stats().connections_evicted, 1u);
}

TEST_F(LimitsTest, WhereAllAreBusyANewConnectionIsToldSo) {
  options_.connections_max = 2;
  Start();
  std::vector<std::unique_ptr<Client>> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(NewHeldClient());
    ASSERT_TRUE(busy.back()->SendRaw("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  }
  ASSERT_TRUE(gate_.Await(2));
  const Reply refused = NewClient().Get("/x").value();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("Retry-After"), "1");
  EXPECT_EQ(refused.Header("Connection"), "close");
  EXPECT_EQ(server_->stats().connections_refused, 1u);
  for (auto& [request, responder] : gate_.TakeAll()) responder.Send(Response(StatusCode::kOk, kPlainText, "ok"));
  for (auto& client : busy) EXPECT_EQ(client->ReadReply().value().body, "ok");
  ExpectServing();
}

}  // namespace
}  // namespace daybook::http
