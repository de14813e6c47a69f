// A full queue, seen by REST's clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/api/api_fixture.h"
#include "tests/api/overload_kit.h"

namespace beneficiary {
namespace {

using ::testing::HasSubstr;

class OverloadTest : public ApiTest {
 protected:
  EngineOptions Options() const override { return LittleRoom(); }
};

TEST_F(OverloadTest, AFullQueueIs429WithRetryAfterAndWhatWasTakenIsDone) {
  Standstill standstill(*engine_);
  std::vector<std::unique_ptr<daybook::http::testing::Client>> clients;
  for (int i = 0; i < kMoreThanThereIsRoomFor; ++i) {
    auto& client = clients.emplace_back(std::make_unique<daybook::http::testing::Client>(server_->port()));
    ASSERT_TRUE(client
                    ->SendRaw(absl::StrCat("POST ", kCollection, " HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k", i,
                                           "\r\nContent-Type: application/json\r\nContent-Length: ",
                                           std::string_view(kAcme).size(), "\r\n\r\n", kAcme))
                    .ok());
  }
  ASSERT_TRUE(standstill.AwaitRefused(kMoreThanThereIsRoomFor - kRoomMax));
  EXPECT_EQ(Get("/v1/beneficiary-requirements?bank_country=ES&currency=EUR").status, 200) << "reads go on";
  standstill.LetGo();
  int accepted = 0;
  for (const auto& client : clients) {
    const auto reply = client->ReadReply();
    ASSERT_TRUE(reply.ok()) << reply.status();
    if (reply->status == 202) {
      ++accepted;
      continue;
    }
    EXPECT_EQ(reply->status, 429) << reply->body;
    EXPECT_EQ(reply->Header("Retry-After"), "1");
    EXPECT_EQ(reply->Header("Content-Type"), "application/problem+json");
    EXPECT_THAT(reply->body, HasSubstr("urn:daybook:problem:queue-full"));
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LE(accepted, kRoomMax);
  // The same keys again: those that were taken are done once, those that were refused are done now.
  for (int i = 0; i < kMoreThanThereIsRoomFor; ++i) {
    EXPECT_EQ(Write("POST", kCollection, kAcme, {{"Idempotency-Key", absl::StrCat("k", i)}}).status, 201);
  }
  EXPECT_EQ(engine_->partition().stats().commands_committed, kMoreThanThereIsRoomFor);
  EXPECT_EQ(engine_->partition().stats().commands_duplicate, static_cast<std::uint64_t>(accepted));
}

}  // namespace
}  // namespace beneficiary
