#include "daybook/http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "daybook/http/tests/fixture.h"

namespace daybook::http {
namespace {

using ::testing::HasSubstr;

// Sends one request and waits for its result.
absl::StatusOr<ClientResponse> Ask(Client& client, ClientRequest request) {
  absl::Notification done;
  absl::StatusOr<ClientResponse> result = absl::UnknownError("no answer");
  client.Send(std::move(request), [&](absl::StatusOr<ClientResponse> response) {
    result = std::move(response);
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  return result;
}

// A server that says byte for byte what the test scripts: each accepted connection takes the next script.
class ScriptedServer {
 public:
  using Script = std::function<void(int socket)>;

  explicit ScriptedServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      ADD_FAILURE() << "no listener";
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] {
      for (const Script& script : scripts_) {
        pollfd ready{listener_, POLLIN, 0};
        if (poll(&ready, 1, 20'000) != 1) return;
        const int socket = accept(listener_, nullptr, nullptr);
        if (socket < 0) return;
        script(socket);
        close(socket);
      }
    });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  // Reads one request's head.
  static std::string Hear(int socket) {
    std::string heard;
    std::array<char, 4096> bytes;
    while (heard.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = recv(socket, bytes.data(), bytes.size(), 0);
      if (size <= 0) return heard;
      heard.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return heard;
  }
  static void Say(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  static Script Saying(std::string text) {
    return [text = std::move(text)](int socket) {
      Hear(socket);
      Say(socket, text);
    };
  }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::vector<Script> scripts_;
  std::jthread thread_;
};

class ClientTest : public ServerFixture {
 protected:
  void Connect(ClientOptions options = {}) {
    if (server_ != nullptr) options.address = server_->address();
    auto started = Client::Start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.status();
    client_ = *std::move(started);
  }
  void ConnectTo(const ScriptedServer& server, ClientOptions options = {}) {
    options.address = server.address();
    Connect(std::move(options));
  }
  absl::StatusOr<ClientResponse> Get(std::string target) {
    ClientRequest request;
    request.target = std::move(target);
    return Ask(*client_, std::move(request));
  }
  // The result of a server that says these very bytes and then closes.
  absl::StatusOr<ClientResponse> AnswerTo(std::string bytes, ClientOptions options = {}) {
    ScriptedServer scripted({ScriptedServer::Saying(std::move(bytes))});
    ConnectTo(scripted, std::move(options));
    return Get("/");
  }

  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, CarriesMethodTargetHeadersAndBodyBothWays) {
  router_.Add(Method::kPost, "/echo/{id}", Answering([](const Request& request) {
                Response response(StatusCode::kCreated, kPlainText, std::string(request.body()));
                response.AddHeader("X-Target", request.target());
                for (const std::string_view value : request.HeaderAll("X-Many")) response.AddHeader("X-Many", value);
                response.AddHeader("X-Host", request.Header("Host").value_or(""));
                return response;
              }));
  Start();
  Connect();
  ClientRequest request;
  request.method = Method::kPost;
  request.target = "/echo/a%20b?x=1&x=2";
  request.headers = {{"X-Many", "one"}, {"X-Many", "two"}};
  request.body = std::string("\0binary\r\n\xff", 10);
  const auto response = Ask(*client_, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, StatusCode::kCreated);
  EXPECT_EQ(response->body, request.body);
  EXPECT_EQ(response->Header("x-target"), "/echo/a%20b?x=1&x=2");
  EXPECT_EQ(response->Header("X-Host"), server_->address());
  EXPECT_EQ(response->Header("absent"), std::nullopt);
  std::vector<std::string> many;
  for (const auto& [name, value] : response->headers) {
    if (name == "X-Many") many.push_back(value);
  }
  EXPECT_THAT(many, ::testing::ElementsAre("one", "two"));
}

TEST_F(ClientTest, AHeaderOrTargetCannotBreakOutOfItsLine) {
  router_.Add(Method::kGet, "/x", Answering([](const Request& request) {
                Response response(StatusCode::kOk, kPlainText, std::string(request.raw_query()));
                response.AddHeader("X-Bad", request.Header("Bad").has_value() ? "seen" : "none");
                return response;
              }));
  Start();
  Connect();
  ClientRequest request;
  request.target = "/x?a b\r\nBad: 1";
  request.headers = {{"X-One", "1\r\nBad: 1"}};
  const auto response = Ask(*client_, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->Header("X-Bad"), "none");
  EXPECT_EQ(response->body, "a+b++Bad:+1");
}

TEST_F(ClientTest, KeepsItsConnection) {
  router_.Add(Method::kGet, "/x", Text("x"));
  Start();
  Connect();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Get("/x").ok());
  EXPECT_EQ(server_->stats().connections_accepted, 1);
  EXPECT_EQ(client_->stats().connections_opened, 1);
}

TEST_F(ClientTest, UsesNoMoreConnectionsThanAllowedAndLetsTheRestWait) {
  router_.Add(Method::kGet, "/hold", gate_.Holding());
  Start();
  ClientOptions options;
  options.connections_max = 2;
  options.waiting_max = 3;
  Connect(options);
  absl::Mutex mu;
  int answered = 0;
  for (int i = 0; i < 5; ++i) {
    client_->Send({.method = Method::kGet, .target = "/hold", .headers = {}, .body = {}, .timeout = {}},
                  [&](absl::StatusOr<ClientResponse> response) {
                    EXPECT_TRUE(response.ok()) << response.status();
                    absl::MutexLock lock(&mu);
                    ++answered;
                  });
  }
  const auto refused = Get("/hold");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  int let_go = 0;
  while (let_go < 5) {
    ASSERT_TRUE(gate_.Await(1));
    EXPECT_LE(server_->stats().connections_open, 2);
    for (auto& [request, responder] : gate_.TakeAll()) {
      responder.Send(Response(StatusCode::kOk, kPlainText, "ok"));
      ++let_go;
    }
  }
  ASSERT_TRUE(Eventually([&] {
    absl::MutexLock lock(&mu);
    return answered == 5;
  }));
  EXPECT_LE(client_->stats().connections_opened, 2);
  EXPECT_EQ(client_->stats().in_flight, 0);
}

TEST_F(ClientTest, ATimeLimitEndsTheRequestWaitingOrNotAndClosesItsConnection) {
  router_.Add(Method::kGet, "/hold", gate_.Holding()).Add(Method::kGet, "/x", Text("x"));
  Start();
  ClientOptions options;
  options.connections_max = 1;
  options.request_timeout = absl::Milliseconds(150);
  Connect(options);
  absl::Notification second;
  const absl::Time before = absl::Now();
  client_->Send({.method = Method::kGet, .target = "/hold", .headers = {}, .body = {}, .timeout = absl::Seconds(20)},
                [&](absl::StatusOr<ClientResponse> response) {
                  EXPECT_EQ(response.status().code(), absl::StatusCode::kCancelled);
                });
  // The one connection is busy: this one waits, and gives up waiting.
  EXPECT_EQ(Get("/x").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(absl::Now() - before, absl::Seconds(10));
  client_->Stop();

  Connect(options);
  EXPECT_EQ(Get("/hold").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Eventually([&] { return client_->stats().connections_open == 0; }));
  ClientRequest last;
  last.target = "/x";
  last.timeout = absl::Seconds(20);
  EXPECT_TRUE(Ask(*client_, std::move(last)).ok());
}

TEST_F(ClientTest, AClosedIdleConnectionIsReplaced) {
  router_.Add(Method::kGet, "/x", Text("x"));
  options_.idle_timeout = absl::Milliseconds(1);
  Start();
  Connect();
  ASSERT_TRUE(Get("/x").ok());
  EXPECT_TRUE(Eventually([&] { return client_->stats().connections_open == 0; }));
  EXPECT_TRUE(Get("/x").ok());
  EXPECT_EQ(client_->stats().requests_retried, 0);
}

constexpr std::string_view kShort = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers the first request of a connection and hangs up on hearing the second.
void AnswerOnceThenHangUp(int socket) {
  ScriptedServer::Hear(socket);
  ScriptedServer::Say(socket, kShort);
  ScriptedServer::Hear(socket);
}

TEST_F(ClientTest, AHarmlessRequestOnAConnectionThatHangsUpIsSentOnceMore) {
  ScriptedServer scripted({AnswerOnceThenHangUp, ScriptedServer::Saying(std::string(kShort))});
  ConnectTo(scripted);
  ASSERT_TRUE(Get("/").ok());
  const auto second = Get("/");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->body, "ok");
  EXPECT_EQ(client_->stats().requests_retried, 1);
}

TEST_F(ClientTest, APostIsNeverSentTwice) {
  ScriptedServer scripted({AnswerOnceThenHangUp});
  ConnectTo(scripted);
  ASSERT_TRUE(Get("/").ok());
  ClientRequest post;
  post.method = Method::kPost;
  EXPECT_EQ(Ask(*client_, post).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_->stats().requests_retried, 0);
}

TEST_F(ClientTest, AFirstConnectionThatHangsUpIsUnavailableAndNotRetried) {
  EXPECT_EQ(AnswerTo("").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_->stats().requests_sent, 1);
}

TEST_F(ClientTest, NobodyListeningIsUnavailable) {
  Start();
  ClientOptions options;
  options.address = server_->address();
  server_.reset();
  Connect(options);
  const auto response = Get("/");
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(response.status().message()), HasSubstr("connect"));
}

TEST_F(ClientTest, ANameIsLookedUp) {
  router_.Add(Method::kGet, "/x", Text("x"));
  Start();
  ClientOptions options;
  options.address = absl::StrCat("localhost:", server_->port());
  auto started = Client::Start(options);
  ASSERT_TRUE(started.ok());
  client_ = *std::move(started);
  const auto response = Get("/x");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "x");
}

TEST_F(ClientTest, ReadsEveryFramingOfABody) {
  const auto chunked = AnswerTo(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrail: er\r\n\r\n");
  ASSERT_TRUE(chunked.ok()) << chunked.status();
  EXPECT_EQ(chunked->body, "abcde");
  const auto to_the_end = AnswerTo("HTTP/1.0 200 OK\r\n\r\nall of it");
  ASSERT_TRUE(to_the_end.ok()) << to_the_end.status();
  EXPECT_EQ(to_the_end->body, "all of it");
  const auto none = AnswerTo("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->status, StatusCode::kNoContent);
  const auto interim = AnswerTo(absl::StrCat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", kShort.data()));
  ASSERT_TRUE(interim.ok()) << interim.status();
  EXPECT_EQ(interim->status, StatusCode::kOk);
  EXPECT_EQ(interim->body, "ok");
}

TEST_F(ClientTest, AHeadRequestHasNoBodyWhateverItsLength) {
  ScriptedServer scripted({ScriptedServer::Saying("HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n")});
  ConnectTo(scripted);
  ClientRequest request;
  request.method = Method::kHead;
  const auto response = Ask(*client_, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->Header("Content-Length"), "700");
}

TEST_F(ClientTest, AnAnswerCutOffAtAnyByteIsUnavailableNeverHalfAnAnswer) {
  for (std::size_t size = 0; size < kShort.size(); ++size) {
    const auto cut = AnswerTo(std::string(kShort.substr(0, size)));
    EXPECT_EQ(cut.status().code(), absl::StatusCode::kUnavailable) << size << ": " << cut.status();
  }
}

TEST_F(ClientTest, RubbishIsDataLossAndTooMuchIsOutOfRange) {
  EXPECT_EQ(AnswerTo("SSH-2.0-OpenSSH\r\n\r\n").status().code(), absl::StatusCode::kDataLoss);
  ClientOptions options;
  options.body_bytes_max = 10;
  const std::string eleven = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";
  EXPECT_EQ(AnswerTo(eleven, options).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(AnswerTo("HTTP/1.1 200 OK\r\n\r\nhello world", options).status().code(), absl::StatusCode::kOutOfRange);
  options.body_bytes_max = 11;
  EXPECT_TRUE(AnswerTo(eleven, options).ok());
  options.head_bytes_max = 256;
  const std::string wide = absl::StrCat("HTTP/1.1 200 OK\r\nX: ", std::string(300, 'x'), "\r\n\r\n");
  EXPECT_EQ(AnswerTo(wide, options).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(ClientTest, AnUnboundedChunkHeadIsRefused) {
  ClientOptions options;
  options.head_bytes_max = 1024;
  const std::string bytes =
      absl::StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=", std::string(100'000, 'y'));
  EXPECT_FALSE(AnswerTo(bytes, options).ok());
}

TEST_F(ClientTest, BytesBehindAnAnswerCostTheConnection) {
  ScriptedServer scripted({[](int socket) {
                             ScriptedServer::Hear(socket);
                             ScriptedServer::Say(socket, absl::StrCat(kShort.data(), kShort.data()));
                             ScriptedServer::Hear(socket);
                           },
                           ScriptedServer::Saying("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")});
  ConnectTo(scripted);
  ASSERT_TRUE(Get("/").ok());
  const auto second = Get("/");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->body, "mine");
}

TEST_F(ClientTest, StopEndsEveryRequestOnceAndIsIdempotent) {
  router_.Add(Method::kGet, "/hold", gate_.Holding());
  Start();
  ClientOptions options;
  options.connections_max = 4;
  Connect(options);
  absl::Mutex mu;
  std::vector<absl::StatusCode> codes;
  for (int i = 0; i < 10; ++i) {
    client_->Send({.method = Method::kGet, .target = "/hold", .headers = {}, .body = {}, .timeout = {}},
                  [&](absl::StatusOr<ClientResponse> response) {
                    absl::MutexLock lock(&mu);
                    codes.push_back(response.status().code());
                  });
  }
  ASSERT_TRUE(gate_.Await(4));
  client_->Stop();
  client_->Stop();
  absl::MutexLock lock(&mu);
  EXPECT_EQ(codes, std::vector<absl::StatusCode>(10, absl::StatusCode::kCancelled));
  EXPECT_EQ(Get("/hold").status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ClientTest, StopEndsItThoughALookAtIdleConnectionsIsDueAtThatMoment) {
  router_.Add(Method::kGet, "/x", Text("x"));
  Start();
  Connect({});
  absl::Notification busy;
  absl::Notification go;
  std::atomic<bool> refused = false;
  // Its thread is held up for longer than from one look to the next, and both stand in the queue then.
  client_->Send({.method = Method::kGet, .target = "/x", .headers = {}, .body = {}, .timeout = {}},
                [&](const absl::StatusOr<ClientResponse>&) {
                  busy.Notify();
                  go.WaitForNotification();
                });
  busy.WaitForNotification();
  const absl::Duration since = MonotonicNow();
  absl::Notification stopped;
  std::jthread stopping([&] {
    client_->Stop();
    stopped.Notify();
  });
  EXPECT_TRUE(Eventually([&] {
    client_->Send({.method = Method::kGet, .target = "/x", .headers = {}, .body = {}, .timeout = {}},
                  [&](const absl::StatusOr<ClientResponse>&) { refused = true; });
    return refused.load();
  })) << "it does not stop";
  EXPECT_TRUE(Eventually([&] { return MonotonicNow() - since > absl::Seconds(1); }));
  go.Notify();
  EXPECT_TRUE(stopped.WaitForNotificationWithTimeout(absl::Seconds(20))) << "it will never end";
}

TEST_F(ClientTest, EveryRequestOfManyThreadsIsAnsweredWithItsOwnAnswer) {
  router_.Add(Method::kGet, "/of/{id}", Answering([](const Request& request) {
                return Response(StatusCode::kOk, kPlainText, std::string(request.PathParam("id")));
              }));
  options_.io_threads = 2;
  Start();
  ClientOptions options;
  options.connections_max = 8;
  options.waiting_max = 100'000;
  options.request_timeout = absl::Minutes(1);  // all are sent at once: the last one waits for most of the others
  Connect(options);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i) {
          const std::string id = absl::StrCat(t, "-", i);
          ClientRequest request;
          request.target = "/of/" + id;
          client_->Send(std::move(request), [&right, id](absl::StatusOr<ClientResponse> response) {
            if (response.ok() && response->body == id) ++right;
          });
        }
      });
    }
  }
  EXPECT_TRUE(daybook::testing::Eventually([&] { return right == 2000; })) << right;
}

TEST_F(ClientTest, BadOptionsAreNamed) {
  for (const char* address : {"", "x", "x:", "x:0", "x:70000", ":80", "http://x:80", "a b:80"}) {
    ClientOptions options;
    options.address = address;
    EXPECT_EQ(Client::Start(options).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
  ClientOptions options;
  options.address = "127.0.0.1:1";
  options.request_timeout = absl::ZeroDuration();
  EXPECT_EQ(Client::Start(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HopByHopTest, NamesWhatIsNotPassedOn) {
  EXPECT_TRUE(IsHopByHop("Connection"));
  EXPECT_TRUE(IsHopByHop("transfer-encoding"));
  EXPECT_TRUE(IsHopByHop("X-Private", "close, x-private"));
  EXPECT_FALSE(IsHopByHop("X-Private", "close"));
  EXPECT_FALSE(IsHopByHop("X-Total-Count"));
}

}  // namespace
}  // namespace daybook::http
