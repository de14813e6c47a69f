#include "daybook/http/server.h"
#include "daybook/http/tests/fixture.h"

namespace daybook::http {
namespace {

using testing::Client;
using ::testing::HasSubstr;

class TlsServerTest : public ServerFixture {
 protected:
  TlsServerTest() {
    certificates_.Issue("client");
    router_.Add(Method::kGet, "/x", Text("x"));
  }
  Client ClientWith(const Client::Tls& tls) { return Client(server_->port(), absl::Seconds(20), tls); }
};

TEST_F(TlsServerTest, AServerThatTheClientsAuthorityDoesNotVouchForIsNotTrusted) {
  Start();
  daybook::testing::TestCertificates others;
  EXPECT_FALSE(ClientWith({.authority = others.Path("ca.pem")}).Get("/x").ok());
  EXPECT_EQ(NewClient().Get("/x").value().body, "x");
}

TEST_F(TlsServerTest, ARequestInTheClearIsNotAnsweredAndTheServerGoesOn) {
  Start();
  Client plain(server_->port(), absl::Seconds(20));
  EXPECT_FALSE(plain.Get("/x").ok());
  EXPECT_EQ(NewClient().Get("/x").value().body, "x");
}

TEST_F(TlsServerTest, WithAClientAuthorityOnlyThoseItVouchesForAreServed) {
  options_.tls->client_authority = certificates_.Path("ca.pem");
  Start();
  EXPECT_FALSE(NewClient().Get("/x").ok());
  const std::string ca = certificates_.Path("ca.pem");
  EXPECT_EQ(ClientWith({ca, certificates_.Path("client.pem"), certificates_.Path("client.key")}).Get("/x").value().body,
            "x");
  daybook::testing::TestCertificates strangers;
  strangers.Issue("client");
  EXPECT_FALSE(ClientWith({ca, strangers.Path("client.pem"), strangers.Path("client.key")}).Get("/x").ok());
}

TEST_F(TlsServerTest, AHandshakeThatIsNotFinishedIsTimedOut) {
  options_.head_timeout = absl::Milliseconds(300);
  Start();
  Client silent(server_->port(), absl::Seconds(20));
  ASSERT_TRUE(silent.SendRaw("\x16").ok());  // the first byte of a record
  EXPECT_TRUE(silent.ClosedByServer());
}

TEST_F(TlsServerTest, DrainingDoesNotWaitForHandshakes) {
  Start();
  Client silent(server_->port(), absl::Seconds(20));
  ASSERT_TRUE(silent.SendRaw("\x16").ok());
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open == 1; }));
  EXPECT_TRUE(server_->Drain(absl::Seconds(20)).ok());
}

TEST_F(TlsServerTest, HalfOpenHandshakesMakeRoomForWhoComesLater) {
  options_.connections_max = 8;
  Start();
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<Client>(server_->port(), absl::Seconds(20)));
    ASSERT_TRUE(silent.back()->SendRaw("\x16").ok());
  }
  EXPECT_EQ(NewClient().Get("/x").value().body, "x");
}

TEST_F(TlsServerTest, FilesThatAreNoIdentityAreNamedAtStart) {
  options_.tls->private_key = certificates_.Path("client.key");
  const auto started = Server::Start(std::move(router_), options_);
  EXPECT_EQ(started.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("client.key"));
}

}  // namespace
}  // namespace daybook::http
