#include "payee/service.h"

#include <gtest/gtest.h>

#include "daybook/http/testing/client.h"
#include "daybook/testing/temporary_directory.h"

namespace payee {
namespace {

using daybook::http::testing::Client;

const Addresses kFreePorts = {.api = "127.0.0.1:0", .admin = "127.0.0.1:0"};

// [service-test]
TEST(PayeeServiceTest, WhatIsWrittenIsShownAndSurvivesARestart) {
  daybook::testing::TemporaryDirectory dir;
  {
    auto service = Service::Start(dir.path(), kFreePorts);
    ASSERT_TRUE(service.ok()) << service.status();
    Client client((*service)->port());
    EXPECT_EQ(client.Send("PUT", "/payees/7", {}, R"({"name":"Alice"})")->body, R"({"id":"7","name":"Alice"})");
    EXPECT_EQ(client.Post("/payees/7:suspend", R"({"reason":"fraud"})", {{"Idempotency-Key", "k1"}})->status, 200);
  }
  auto service = Service::Start(dir.path(), kFreePorts);
  ASSERT_TRUE(service.ok()) << service.status();
  Client client((*service)->port());
  EXPECT_EQ(client.Post("/payees/7:suspend", R"({"reason":"fraud"})", {{"Idempotency-Key", "k1"}})->body,
            R"({"id":"7","name":"Alice","suspendedBecause":"fraud"})");
}
// [service-test]

TEST(PayeeServiceTest, WhatIsWrongIsAProblemThatSaysSo) {
  daybook::testing::TemporaryDirectory dir;
  auto service = Service::Start(dir.path(), kFreePorts);
  ASSERT_TRUE(service.ok()) << service.status();
  Client client((*service)->port());
  EXPECT_EQ(client.Get("/payees/8")->status, 404);
  EXPECT_EQ(client.Post("/payees/8:suspend", R"({"reason":"fraud"})")->status, 404);
  EXPECT_EQ(client.Send("PUT", "/payees/8", {}, R"({"name":)")->status, 400);
  auto nameless = client.Send("PUT", "/payees/8", {}, R"({"name":""})");
  EXPECT_EQ(nameless->status, 422);
  EXPECT_NE(nameless->body.find(R"("pointer":"/name")"), std::string::npos) << nameless->body;
  ASSERT_EQ(client.Send("PUT", "/payees/8", {}, R"({"name":"Bob"})")->status, 200);
  EXPECT_EQ(client.Send("PUT", "/payees/8", {}, R"({"name":"Eve"})")->status, 409);
}

TEST(PayeeServiceTest, OperatorsSeeWhetherItIsReady) {
  daybook::testing::TemporaryDirectory dir;
  auto service = Service::Start(dir.path(), kFreePorts);
  ASSERT_TRUE(service.ok()) << service.status();
  ASSERT_EQ(Client((*service)->port()).Send("PUT", "/payees/7", {}, R"({"name":"Alice"})")->status, 200);
  Client operators((*service)->admin_port());
  EXPECT_EQ(operators.Get("/livez")->status, 200);
  EXPECT_EQ(operators.Get("/readyz?verbose")->body, "[+]partition ok\n[+]read_models ok\nok\n");
  EXPECT_NE(operators.Get("/metrics")->body.find("process_"), std::string::npos);
}

TEST(PayeeServiceTest, OneDirectoryHasOneOwner) {
  daybook::testing::TemporaryDirectory dir;
  auto first = Service::Start(dir.path(), kFreePorts);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Service::Start(dir.path(), kFreePorts).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace payee
