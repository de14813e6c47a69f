#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "beneficiary/app/engine.h"
#include "beneficiary/serving/lag_board.h"
#include "beneficiary/serving/query_status.h"
#include "daybook/testing/fake_clock.h"

namespace beneficiary {
namespace {

using daybook::Position;
using daybook::Timestamp;
using daybook::projection::Shown;
using ::testing::AllOf;
using ::testing::HasSubstr;

Timestamp At(std::int64_t ms) { return Timestamp::FromMillis(1'700'000'000'000 + ms); }

// A command that BOS committed at 0 and that took as long as it says through the stages, in milliseconds.
struct Way {
  std::int64_t decided = 5;
  std::int64_t published = 7;
  std::int64_t received = 8;
  std::int64_t shown = 10;
};
void Show(const daybook::projection::ShownHandler& handler, const Way& way, std::string_view model = "list.v1") {
  daybook::EventMetadata metadata;
  metadata.source_time = At(0);
  metadata.recorded_at = At(way.decided);
  handler(Shown{model, Position(1), metadata, {At(way.published), At(way.received)}, At(way.shown)});
}

absl::Duration P50(const LagBoard::Model& model, Stage stage) {
  return model.stages[static_cast<std::size_t>(stage)].p50;
}

TEST(LagBoardTest, TakesTheWayApart) {
  daybook::observe::Metrics metrics;
  LagBoard board(metrics);
  Show(board.handler(), {});
  const LagBoard::Model model = board.Of("list.v1");
  EXPECT_EQ(model.commands, 1u);
  EXPECT_EQ(P50(model, Stage::kBosToCommand), absl::Milliseconds(5));
  EXPECT_EQ(P50(model, Stage::kCommandToTopic), absl::Milliseconds(2));
  EXPECT_EQ(P50(model, Stage::kTopicToQuery), absl::Milliseconds(1));
  EXPECT_EQ(P50(model, Stage::kQueryToModel), absl::Milliseconds(2));
  EXPECT_EQ(P50(model, Stage::kCommandToModel), absl::Milliseconds(5));
  EXPECT_EQ(P50(model, Stage::kBosToModel), absl::Milliseconds(10));
  EXPECT_EQ(board.Of("detail.v1").commands, 0u);
  EXPECT_THAT(metrics.Text(),
              AllOf(HasSubstr("bos_to_query_seconds_count{model=\"list.v1\"} 1"),
                    HasSubstr("bos_to_query_seconds_sum{model=\"list.v1\"} 0.01"),
                    HasSubstr("query_stage_seconds_count{model=\"list.v1\",stage=\"topic_to_query\"} 1")));
}

TEST(LagBoardTest, WhatIsNotKnownIsNotCounted) {
  daybook::observe::Metrics metrics;
  LagBoard board(metrics);
  daybook::EventMetadata metadata;  // written through the API: BOS has not seen it
  metadata.recorded_at = At(0);
  board.handler()(Shown{"list.v1", Position(1), metadata, {}, At(3)});
  const LagBoard::Model model = board.Of("list.v1");
  EXPECT_EQ(model.stages[static_cast<std::size_t>(Stage::kBosToModel)].samples, 0u);
  EXPECT_EQ(model.stages[static_cast<std::size_t>(Stage::kTopicToQuery)].samples, 0u);
  EXPECT_EQ(P50(model, Stage::kCommandToModel), absl::Milliseconds(3));
  EXPECT_THAT(metrics.Text(), HasSubstr("bos_to_query_seconds_count{model=\"list.v1\"} 0"));
}

TEST(LagBoardTest, AClockThatIsBehindCountsAsNothing) {
  daybook::observe::Metrics metrics;
  LagBoard board(metrics);
  Show(board.handler(), {.decided = -1, .published = 7, .received = 6, .shown = 10});
  EXPECT_EQ(P50(board.Of("list.v1"), Stage::kBosToCommand), absl::ZeroDuration());
  EXPECT_EQ(P50(board.Of("list.v1"), Stage::kTopicToQuery), absl::ZeroDuration());
}

TEST(LagBoardTest, ShowsTheLatestCommandsOnly) {
  daybook::observe::Metrics metrics;
  LagBoard board(metrics);
  const auto handler = board.handler();
  for (int i = 0; i < 10; ++i) Show(handler, {.shown = 10'000});
  for (std::size_t i = 0; i < LagBoard::kSamples; ++i)
    Show(handler, {.shown = 10 + static_cast<std::int64_t>(i % 100)});
  const LagBoard::Lag lag = board.Of("list.v1").stages[static_cast<std::size_t>(Stage::kBosToModel)];
  EXPECT_EQ(lag.samples, LagBoard::kSamples);
  EXPECT_EQ(lag.max, absl::Milliseconds(109));
  EXPECT_GE(lag.p50, absl::Milliseconds(55));
  EXPECT_LE(lag.p50, absl::Milliseconds(62));
  EXPECT_GE(lag.p99, absl::Milliseconds(107));
  EXPECT_EQ(lag.last, absl::Milliseconds(10 + (LagBoard::kSamples - 1) % 100));
}

TEST(QueryStatusTest, ThePageShowsEveryReadModelAndItsStages) {
  auto engine = Engine::Open({});
  ASSERT_TRUE(engine.ok()) << engine.status();
  daybook::observe::Metrics metrics;
  LagBoard board(metrics);
  Show(board.handler(), {});
  const auto page = StatusPage((*engine)->runner(), board);
  EXPECT_EQ(page.path, "/status");
  const auto json = page.answer("");
  EXPECT_EQ(json.status, 200);
  const boost::json::value parsed = boost::json::parse(json.body);
  ASSERT_EQ(parsed.at("models").as_array().size(), 3u) << json.body;
  for (const auto& model : parsed.at("models").as_array()) {
    EXPECT_TRUE(model.at("error").is_null());
    EXPECT_EQ(model.at("lag_events").as_int64(), 0);
    EXPECT_EQ(model.at("stages").as_array().size(), model.at("name") == "list.v1" ? 6u : 0u);
  }
  EXPECT_THAT(json.body, HasSubstr(R"({"stage":"bos_to_model","samples":1,"last_ms":10.000,"p50_ms":10.000,)"));
  const auto text = page.answer("text");
  EXPECT_THAT(text.body, AllOf(HasSubstr("list.v1  at position 0 of 0 (0 behind)"), HasSubstr("topic_to_query"),
                               HasSubstr("no changes since the start")));
  ExposeReadModels((*engine)->runner(), metrics);
  EXPECT_THAT(metrics.Text(), HasSubstr("projection_waiting{projection=\"list.v1\"} 0"));
}

}  // namespace
}  // namespace beneficiary
