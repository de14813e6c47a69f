#include "beneficiary/switch/switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "beneficiary/switch/tests/upstream.h"
#include "daybook/http/testing/client.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/temporary_directory.h"

namespace beneficiary::switching {
namespace {

using http::testing::Reply;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kPage = "/client/beneficiaries?client_id=EBPCLI000042&page=1";

class SwitchTest : public ::testing::Test {
 protected:
  SwitchTest() {
    options_.bos = {bos_.address(), absl::Seconds(5)};
    options_.daybook = {daybook_.address(), absl::Seconds(20)};
    options_.comparer.settling_time = absl::Milliseconds(400);
    options_.comparer.settling_wait_first = absl::Milliseconds(5);
    options_.compare_timeout = absl::Seconds(20);
    options_.suspend_for = absl::Milliseconds(200);
    bos_.Answer("[\"bos\"]");
    daybook_.Answer("[\"daybook\"]");
  }
  void TearDown() override {
    bos_.Resume();
    daybook_.Resume();
    edge_.reset();
    switch_.reset();
  }

  void Start(Mode mode) {
    auto modes = ModeTable::Open(directory_.path(), mode, daybook::Clock::System());
    ASSERT_TRUE(modes.ok()) << modes.status();
    modes_ = *std::move(modes);
    auto started = Switch::Start(options_, *modes_, evidence_, daybook::Clock::System());
    ASSERT_TRUE(started.ok()) << started.status();
    switch_ = *std::move(started);
    http::Router router;
    router.Add(http::Method::kGet, "/client/beneficiaries", switch_->handler());
    http::ServerOptions options;
    options.address = "127.0.0.1:0";
    auto edge = http::Server::Start(std::move(router), options);
    ASSERT_TRUE(edge.ok()) << edge.status();
    edge_ = *std::move(edge);
    client_ = std::make_unique<http::testing::Client>(edge_->port(), absl::Seconds(20));
  }
  Reply Get(const char* target = kPage, const http::testing::Headers& headers = {}) {
    auto reply = client_->Get(target, headers);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : Reply();
  }
  std::uint64_t Count(Verdict verdict) { return evidence_.totals().verdicts[static_cast<std::size_t>(verdict)]; }
  // Waits until `count` comparisons have come to `verdict`.
  bool Await(Verdict verdict, std::uint64_t count) {
    return Eventually([&] { return Count(verdict) >= count; }) && Count(verdict) == count;
  }
  template <class Condition>
  static bool Eventually(Condition condition) {
    return daybook::testing::Eventually(std::move(condition), absl::Seconds(20));
  }

  daybook::testing::TemporaryDirectory directory_;
  Upstream bos_;
  Upstream daybook_;
  SwitchOptions options_;
  Evidence evidence_{daybook::Clock::System()};
  std::unique_ptr<ModeTable> modes_;
  std::unique_ptr<Switch> switch_;
  std::unique_ptr<http::Server> edge_;
  std::unique_ptr<http::testing::Client> client_;
};

TEST_F(SwitchTest, EachModeAnswersFromItsSideAndAsksTheOtherOnlyToCompare) {
  options_.comparer.settling_time = absl::ZeroDuration();  // each side is asked once
  for (const Mode mode : kModes) {
    SCOPED_TRACE(ModeName(mode));
    switch_.reset();
    modes_.reset();
    Start(mode);
    const int bos_before = bos_.asked();
    const int daybook_before = daybook_.asked();
    const std::string_view chosen = SideName(ChosenSide(mode));
    const Reply reply = Get();
    EXPECT_EQ(reply.body, absl::StrCat("[\"", std::string(chosen), "\"]"));
    EXPECT_EQ(reply.Header("X-Answered-By"), chosen);
    EXPECT_EQ(reply.Header("X-Switch-Mode"), ModeName(mode));
    EXPECT_EQ(reply.Header("X-Switch-Fallback"), "");
    const bool bos_asked = mode != Mode::kDaybook;
    const bool daybook_asked = mode != Mode::kBos;
    EXPECT_TRUE(Eventually([&] { return bos_.asked() - bos_before >= (bos_asked ? 1 : 0); }));
    EXPECT_TRUE(Eventually([&] { return daybook_.asked() - daybook_before >= (daybook_asked ? 1 : 0); }));
    if (!bos_asked) {
      EXPECT_EQ(bos_.asked(), bos_before);
    }
    if (!daybook_asked) {
      EXPECT_EQ(daybook_.asked(), daybook_before);
    }
    edge_.reset();
  }
}

TEST_F(SwitchTest, AClientsOwnModeChoosesForThatClientOnly) {
  Start(Mode::kBos);
  ModeChangeRequest change;
  change.client = "EBPCLI000042";
  change.to = Mode::kDaybook;
  ASSERT_TRUE(modes_->Change(change).ok());
  EXPECT_EQ(Get().Header("X-Answered-By"), "daybook");
  EXPECT_EQ(Get("/client/beneficiaries?client_id=EBPCLI000043").Header("X-Answered-By"), "bos");
  EXPECT_EQ(Get("/client/beneficiaries?client_id=x&client_id=EBPCLI000042").Header("X-Answered-By"), "daybook");
  EXPECT_EQ(Get("/client/beneficiaries").Header("X-Answered-By"), "bos");
}

TEST_F(SwitchTest, TheBodyIsTheSidesByteForByteWithItsHeaders) {
  std::string body;
  for (int i = 0; i < 200'000; ++i) body.push_back(static_cast<char>(i * 7));
  http::Response answer(http::StatusCode::kOk, "application/json; charset=weird", body);
  answer.AddHeader("X-Total-Count", "7").AddHeader("Set-Cookie", "a=1").AddHeader("Set-Cookie", "b=2");
  answer.AddHeader("Connection", "x-private").AddHeader("X-Private", "no").AddHeader("Server", "gunicorn");
  bos_.Answer(std::move(answer));
  for (const Mode mode : {Mode::kBos, Mode::kShadow}) {
    switch_.reset();
    modes_.reset();
    Start(mode);
    const Reply reply = Get();
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body == body);
    EXPECT_EQ(reply.Header("Content-Type"), "application/json; charset=weird");
    EXPECT_EQ(reply.Header("X-Total-Count"), "7");
    EXPECT_EQ(reply.Header("Server"), "gunicorn");
    EXPECT_EQ(reply.Header("X-Private"), "");
    EXPECT_THAT(reply.headers, Contains(std::pair<std::string, std::string>("Set-Cookie", "a=1")));
    EXPECT_THAT(reply.headers, Contains(std::pair<std::string, std::string>("Set-Cookie", "b=2")));
    int dates = 0;
    for (const auto& [name, value] : reply.headers) dates += name == "Date" ? 1 : 0;
    EXPECT_EQ(dates, 1);
    edge_.reset();
  }
}

TEST_F(SwitchTest, ErrorsOfTheChosenSideArePassedOnAsTheyAre) {
  Start(Mode::kBos);
  bos_.Answer("{\"detail\":\"No Client matches the given query.\"}", http::StatusCode::kNotFound);
  EXPECT_EQ(Get().status, 404);
  bos_.Answer("{\"client_id\":[\"This field is required.\"]}", http::StatusCode::kBadRequest);
  EXPECT_EQ(Get().body, "{\"client_id\":[\"This field is required.\"]}");
  bos_.Answer("<h1>Server Error</h1>", http::StatusCode::kInternalServerError);
  const Reply broken = Get();
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.body, "<h1>Server Error</h1>");
  EXPECT_EQ(broken.Header("X-Answered-By"), "bos");
}

TEST_F(SwitchTest, HeadHasTheLengthOfTheGetAndNoBody) {
  Start(Mode::kBos);
  const auto reply = client_->Send("HEAD", kPage);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->Header("Content-Length"), "7");
  EXPECT_EQ(reply->body, "");
}

TEST_F(SwitchTest, TheRequestIsPassedOnWithItsEndToEndHeaders) {
  Start(Mode::kShadow);
  const char* target = "/client/beneficiaries?client_id=EBPCLI000042&iban=ES91%202100+0418&q=%ff&&page=";
  Get(target, {{"X-Caller-Identity", "ebo"},
               {"Connection", "x-hop"},
               {"X-Hop", "no"},
               {"Accept-Encoding", "gzip"},
               {"If-None-Match", "\"1\""},
               {"X-Forwarded-For", "10.0.0.1"}});
  ASSERT_TRUE(Eventually([&] { return daybook_.asked() > 0; }));
  for (const Upstream* side : {&bos_, &daybook_}) {
    EXPECT_EQ(side->last_target(), target);
    EXPECT_THAT(side->Headers("X-Caller-Identity"), Each("ebo"));
    EXPECT_THAT(side->Headers("X-Forwarded-For"), Each("10.0.0.1, 127.0.0.1"));
    EXPECT_THAT(side->Headers("Host"), Each("127.0.0.1"));
    EXPECT_THAT(side->Headers("X-Hop"), IsEmpty());
    EXPECT_THAT(side->Headers("Accept-Encoding"), IsEmpty());
    EXPECT_THAT(side->Headers("If-None-Match"), IsEmpty());
  }
  EXPECT_THAT(daybook_.Headers("X-Switch-Purpose"), Each("compare"));
}

TEST_F(SwitchTest, WithoutAComparisonEvenCodingsArePassedOn) {
  Start(Mode::kBos);
  Get(kPage, {{"Accept-Encoding", "gzip"}, {"If-None-Match", "\"1\""}});
  EXPECT_THAT(bos_.Headers("Accept-Encoding"), Contains("gzip"));
  EXPECT_THAT(bos_.Headers("If-None-Match"), Contains("\"1\""));
}

TEST_F(SwitchTest, EqualAnswersAreCountedAsEqual) {
  daybook_.Answer("[\"bos\"]");
  Start(Mode::kShadow);
  for (int i = 0; i < 20; ++i) Get();
  EXPECT_TRUE(Await(Verdict::kEqual, 20));
  EXPECT_TRUE(Eventually([&] { return evidence_.totals().latencies[1] == 20; }));
  EXPECT_TRUE(Eventually([&] { return evidence_.totals().latencies[0] == 20; }));
}

TEST_F(SwitchTest, ALastingDifferenceIsOneAfterTheSettlingTimeAndShownMasked) {
  bos_.Answer(R"([{"beneficiary_id":"7","name":"Ana Secret"}])");
  daybook_.Answer(R"([{"beneficiary_id":"7","name":"Eva Secret"}])");
  Start(Mode::kDaybookShadowed);
  Get("/client/beneficiaries?client_id=EBPCLI000042&iban=ES9121000418450200051332");
  EXPECT_TRUE(Await(Verdict::kDifferent, 1));
  const std::string json = evidence_.ToJson(Resolution::kFine);
  EXPECT_THAT(json, AllOf(HasSubstr("/beneficiary_id=7/name"), HasSubstr("EBPCLI000042"), HasSubstr("Xxx Xxxxxx #")));
  EXPECT_THAT(json, AllOf(Not(HasSubstr("Secret")), Not(HasSubstr("ES9121"))));
}

TEST_F(SwitchTest, ADifferenceThatGoesAwayInTimeIsLag) {
  options_.comparer.settling_time = absl::Seconds(20);
  Start(Mode::kShadow);
  Get();
  ASSERT_TRUE(Eventually([&] { return bos_.asked() >= 3; }));  // it has been checked again, and still differed
  EXPECT_EQ(Count(Verdict::kLag) + Count(Verdict::kDifferent), 0);
  daybook_.Answer("[\"bos\"]");
  EXPECT_TRUE(Await(Verdict::kLag, 1));
  EXPECT_EQ(Count(Verdict::kDifferent), 0);
  EXPECT_THAT(evidence_.ToJson(Resolution::kFine), HasSubstr("\"lags\":[{"));
}

TEST_F(SwitchTest, DaybookThatCatchesUpWithWhatBosShowedCostsBosNothing) {
  options_.comparer.settling_time = absl::Seconds(20);
  daybook_.AnswerOnce("[\"daybook\"]");
  daybook_.Answer("[\"bos\"]");
  Start(Mode::kShadow);
  Get();
  EXPECT_TRUE(Await(Verdict::kLag, 1));
  EXPECT_EQ(bos_.asked(), 1);
  EXPECT_EQ(daybook_.asked(), 2);
}

TEST_F(SwitchTest, AnAnswerKeptForAWatchTakesRoomUntilTheWatchIsOver) {
  const std::string page = "[\"a page of BOS\"]";
  bos_.Answer(page);
  daybook_.Answer("[]");
  options_.comparer.bytes_max = page.size() + 2;
  options_.comparer.settling_wait_first = absl::Milliseconds(500);
  options_.comparer.settling_time = absl::Seconds(20);
  Start(Mode::kShadow);
  Get();
  ASSERT_TRUE(Eventually([&] { return switch_->stats().comparer.settling == 1; }));
  Get("/client/beneficiaries?client_id=EBPCLI000043");
  EXPECT_TRUE(Await(Verdict::kDropped, 1));
  daybook_.Answer(page);
  EXPECT_TRUE(Await(Verdict::kLag, 1));
  bos_.Answer("[]");
  daybook_.Answer("[]");
  Get();
  EXPECT_TRUE(Await(Verdict::kEqual, 1));
}

TEST_F(SwitchTest, ManyRequestsForOneDifferingPageAreWatchedOnceAndCountedAll) {
  options_.comparer.settling_time = absl::Seconds(60);
  Start(Mode::kShadow);
  for (int i = 0; i < 100; ++i) Get(kPage, {{"X-Request-Id", absl::StrCat(i)}});
  ASSERT_TRUE(Eventually([&] { return switch_->stats().comparer.in_flight == 0; }));
  EXPECT_EQ(switch_->stats().comparer.settling, 1u);
  daybook_.Answer("[\"bos\"]");
  EXPECT_TRUE(Await(Verdict::kLag, 100));
  EXPECT_LT(bos_.asked(), 200);  // 100 answers, and the checks of one page
}

TEST_F(SwitchTest, ASideThatGivesNoAnswerIsUnansweredNotDifferent) {
  Start(Mode::kShadow);
  daybook_.Stop();
  EXPECT_EQ(Get().Header("X-Answered-By"), "bos");
  EXPECT_TRUE(Await(Verdict::kUnanswered, 1));
}

// What the proxy in front says of the caller decides at both sides, and at each as if it had been asked alone.
TEST_F(SwitchTest, WhatIsSaidOfTheCallerGoesToBothSides) {
  Start(Mode::kDaybookShadowed);
  Get(kPage, {{"X-Caller-Identity", "ebo"},
              {"X-Read-Clients", "EBPCLI000042,EBPCLI000043"},
              {"X-Write-Clients", "*"},
              {"Authorization", "Token t"}});
  ASSERT_TRUE(Eventually([&] { return bos_.asked() > 0 && daybook_.asked() > 0; }));
  for (const Upstream* side : {&bos_, &daybook_}) {
    EXPECT_THAT(side->Headers("X-Caller-Identity"), Each("ebo"));
    EXPECT_THAT(side->Headers("X-Read-Clients"), AllOf(Not(IsEmpty()), Each("EBPCLI000042,EBPCLI000043")));
    EXPECT_THAT(side->Headers("X-Write-Clients"), AllOf(Not(IsEmpty()), Each("*")));
    EXPECT_THAT(side->Headers("Authorization"), AllOf(Not(IsEmpty()), Each("Token t")));
  }
}

TEST_F(SwitchTest, AHeaderThatComesTwiceComesTwiceToASide) {
  Start(Mode::kDaybook);
  Get(kPage, {{"X-Read-Clients", "EBPCLI000042"}, {"X-Read-Clients", "*"}});
  EXPECT_THAT(daybook_.Headers("X-Read-Clients"), ::testing::ElementsAre("EBPCLI000042", "*"))
      << "the side that refuses it must see it";
}

TEST_F(SwitchTest, ARefusalIsAnAnswerAndTheSideHasNotFailed) {
  constexpr const char* kDenied = R"({"detail":"You do not have permission to perform this action."})";
  options_.suspend_after = 2;
  Start(Mode::kDaybookShadowed);
  for (const auto status :
       {http::StatusCode::kUnauthorized, http::StatusCode::kForbidden, http::StatusCode::kTooManyRequests}) {
    http::Response refusal(status, http::kJson, kDenied);
    refusal.AddHeader("Retry-After", "7").AddHeader("WWW-Authenticate", "X realm=\"y\"");
    daybook_.Answer(std::move(refusal));
    for (int i = 0; i < 4; ++i) {
      const Reply reply = Get();
      EXPECT_EQ(reply.status, http::ToInt(status));
      EXPECT_EQ(reply.body, kDenied);
      EXPECT_EQ(reply.Header("X-Answered-By"), "daybook");
      EXPECT_EQ(reply.Header("X-Switch-Fallback"), "");
      EXPECT_EQ(reply.Header("Retry-After"), "7");
      EXPECT_EQ(reply.Header("WWW-Authenticate"), "X realm=\"y\"");
    }
  }
  EXPECT_FALSE(switch_->stats().daybook_suspended);
}

TEST_F(SwitchTest, TheSameRefusalIsEqualAndOneOfOneSideADifference) {
  constexpr const char* kDenied = R"({"detail":"You do not have permission to perform this action."})";
  bos_.Answer(kDenied, http::StatusCode::kForbidden);
  daybook_.Answer(kDenied, http::StatusCode::kForbidden);
  Start(Mode::kShadow);
  Get();
  EXPECT_TRUE(Await(Verdict::kEqual, 1));
  bos_.Answer("[]");
  Get();
  EXPECT_TRUE(Await(Verdict::kDifferent, 1)) << "who may see what is part of the contract";
}

TEST_F(SwitchTest, AThrottledCallerIsNoDifference) {
  Start(Mode::kShadow);
  daybook_.Answer("{}", http::StatusCode::kTooManyRequests);
  Get();
  EXPECT_TRUE(Await(Verdict::kUnanswered, 1));
  daybook_.Answer("[\"bos\"]");
  bos_.Answer("{}", http::StatusCode::kTooManyRequests);
  EXPECT_EQ(Get().status, 429);
  EXPECT_TRUE(Await(Verdict::kUnanswered, 2));
  EXPECT_EQ(Count(Verdict::kDifferent) + Count(Verdict::kLag), 0);
}

TEST_F(SwitchTest, AThousandRequestsAreAnsweredAtOnceWhileTheOtherSideHangs) {
  options_.comparer.in_flight_max = 50;
  options_.compare_timeout = absl::Seconds(30);
  Start(Mode::kShadow);
  daybook_.Hang();
  const absl::Time before = absl::Now();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(Get().body, "[\"bos\"]");
  EXPECT_LT(absl::Now() - before, absl::Seconds(20));
  EXPECT_EQ(Count(Verdict::kDropped), 950);
  EXPECT_EQ(switch_->stats().comparer.in_flight, 50);
  daybook_.Answer("[\"bos\"]");
  daybook_.Resume();
  EXPECT_TRUE(Await(Verdict::kEqual, 50));
  EXPECT_EQ(Count(Verdict::kDropped), 950);
}

TEST_F(SwitchTest, AThousandRequestsAreAnsweredByBosWhileDaybookHangs) {
  options_.daybook.timeout = absl::Milliseconds(200);
  options_.suspend_after = 3;
  options_.suspend_for = absl::Seconds(60);
  Start(Mode::kDaybook);
  daybook_.Hang();
  const absl::Time before = absl::Now();
  for (int i = 0; i < 1000; ++i) {
    const Reply reply = Get();
    ASSERT_EQ(reply.body, "[\"bos\"]");
    ASSERT_EQ(reply.Header("X-Answered-By"), "bos");
    ASSERT_EQ(reply.Header("X-Switch-Fallback"), i < 3 ? "daybook; timeout" : "daybook; suspended") << i;
  }
  EXPECT_LT(absl::Now() - before, absl::Seconds(20));
  EXPECT_EQ(daybook_.asked(), 3);
  EXPECT_TRUE(switch_->stats().daybook_suspended);
  const auto from_daybook = [&](FallbackReason reason) {
    return evidence_.totals().fallbacks[static_cast<std::size_t>(Side::kDaybook)][static_cast<std::size_t>(reason)];
  };
  // Counted behind the answer.
  EXPECT_TRUE(Eventually([&] { return from_daybook(FallbackReason::kSuspended) == 997; }));
  EXPECT_EQ(from_daybook(FallbackReason::kTimeout), 3);
}

TEST_F(SwitchTest, ASuspendedSideComesBackByItself) {
  options_.suspend_after = 1;
  daybook_.Answer("", http::StatusCode::kServiceUnavailable);
  for (const auto suspend_for : {absl::Seconds(60), absl::Milliseconds(50)}) {
    edge_.reset();
    switch_.reset();
    modes_.reset();
    options_.suspend_for = suspend_for;
    Start(Mode::kDaybook);
    EXPECT_EQ(Get().Header("X-Switch-Fallback"), "daybook; status");
    EXPECT_TRUE(switch_->stats().daybook_suspended || suspend_for < absl::Seconds(60));
  }
  daybook_.Answer("[\"daybook\"]");
  EXPECT_TRUE(Eventually([&] { return Get().Header("X-Answered-By") == "daybook"; }));
  EXPECT_FALSE(switch_->stats().daybook_suspended);
}

TEST_F(SwitchTest, FallbackIsAsConfigured) {
  daybook_.Stop();
  for (const auto& [fallback, mode, answered_by] :
       std::vector<std::tuple<Fallback, Mode, std::string>>{{Fallback::kToBos, Mode::kDaybook, "bos"},
                                                            {Fallback::kBoth, Mode::kDaybook, "bos"},
                                                            {Fallback::kNone, Mode::kDaybook, ""}}) {
    switch_.reset();
    modes_.reset();
    options_.fallback = fallback;
    Start(mode);
    const Reply reply = Get();
    EXPECT_EQ(reply.Header("X-Answered-By"), answered_by);
    EXPECT_EQ(reply.Header("X-Switch-Fallback"), answered_by.empty() ? "" : "daybook; error");
    if (answered_by.empty()) {
      EXPECT_EQ(reply.status, 502);
      EXPECT_EQ(reply.body, "{\"detail\":\"The service behind could not be reached.\"}");
    }
    edge_.reset();
  }
}

TEST_F(SwitchTest, DaybookStandsInForBosOnlyIfBothMay) {
  bos_.Answer("broken", http::StatusCode::kInternalServerError);
  options_.fallback = Fallback::kToBos;
  Start(Mode::kBos);
  EXPECT_EQ(Get().status, 500);
  edge_.reset();
  switch_.reset();
  modes_.reset();
  options_.fallback = Fallback::kBoth;
  Start(Mode::kBos);
  EXPECT_EQ(Get().body, "[\"daybook\"]");
}

TEST_F(SwitchTest, IfBothFailTheChosenSidesOwnErrorIsTheAnswer) {
  daybook_.Answer("{\"detail\":\"starting\"}", http::StatusCode::kServiceUnavailable);
  bos_.Stop();
  Start(Mode::kDaybook);
  const Reply reply = Get();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "{\"detail\":\"starting\"}");
  EXPECT_EQ(reply.Header("X-Answered-By"), "daybook");
}

TEST_F(SwitchTest, IfBothHangTheAnswerIsAGatewayTimeout) {
  options_.bos.timeout = absl::Milliseconds(100);
  options_.daybook.timeout = absl::Milliseconds(200);
  Start(Mode::kDaybook);
  bos_.Hang();
  daybook_.Hang();
  const Reply reply = Get();
  EXPECT_EQ(reply.status, 504);
  EXPECT_TRUE(Eventually([&] { return evidence_.totals().unanswered == 1; }));
}

TEST_F(SwitchTest, AnswersTooBigToWaitAreNotCompared) {
  options_.comparer.bytes_max = 5;
  Start(Mode::kShadow);
  EXPECT_EQ(Get().body, "[\"bos\"]");
  EXPECT_TRUE(Await(Verdict::kDropped, 1));
}

TEST_F(SwitchTest, WithoutASettlingTimeEveryDifferenceIsOneAtOnce) {
  options_.comparer.settling_time = absl::ZeroDuration();
  Start(Mode::kShadow);
  Get();
  EXPECT_TRUE(Await(Verdict::kDifferent, 1));
  EXPECT_EQ(bos_.asked(), 1);
}

TEST_F(SwitchTest, MoreDifferencesThanCanBeWatchedAreDropped) {
  options_.comparer.settling_max = 1;
  options_.comparer.settling_time = absl::Seconds(60);
  Start(Mode::kShadow);
  Get();
  ASSERT_TRUE(Eventually([&] { return switch_->stats().comparer.settling == 1; }));
  Get("/client/beneficiaries?client_id=EBPCLI000043");
  EXPECT_TRUE(Await(Verdict::kDropped, 1));
}

TEST_F(SwitchTest, StoppingInTheMiddleOfEverythingCountsEveryComparisonOnce) {
  options_.comparer.settling_time = absl::Seconds(60);
  Start(Mode::kShadow);
  for (int i = 0; i < 30; ++i) Get(absl::StrCat("/client/beneficiaries?client_id=", i).c_str());
  daybook_.Hang();
  for (int i = 0; i < 30; ++i) Get(absl::StrCat("/client/beneficiaries?client_id=", i).c_str());
  edge_.reset();
  switch_->Stop();
  switch_->Stop();
  std::uint64_t counted = 0;
  for (const std::uint64_t count : evidence_.totals().verdicts) counted += count;
  EXPECT_EQ(counted, 60);
}

}  // namespace
}  // namespace beneficiary::switching
