#include "daybook/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace daybook::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricsTest, TextShowsEveryKindWithItsLabels) {
  Metrics metrics;
  metrics.GetCounter("served_total", "Requests served", {{"route", "/v1/{id}"}, {"status", "200"}}).Increment(3);
  metrics.GetGauge("waiting", "Commands waiting").Set(2.5);
  Histogram latency = metrics.GetHistogram("latency_seconds", "Latency", {0.1, 1});
  latency.Observe(0.05);
  latency.Observe(5);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# HELP served_total Requests served\n# TYPE served_total counter\n"));
  EXPECT_THAT(text, HasSubstr("served_total{route=\"/v1/{id}\",status=\"200\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE waiting gauge\nwaiting 2.5\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_count 2\n"));
}

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  metrics.GetCounter("a_total", "A", {{"x", "1"}}).Increment();
  metrics.GetCounter("a_total", "A", {{"x", "1"}}).Increment();
  metrics.GetCounter("a_total", "A", {{"x", "2"}}).Increment();
  EXPECT_THAT(metrics.Text(), HasSubstr("a_total{x=\"1\"} 2\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr("a_total{x=\"2\"} 1\n"));
}

TEST(MetricsTest, ACallbackIsAskedEachTimeUntilItIsRemoved) {
  Metrics metrics;
  int value = 1;
  const auto id = metrics.AddCallback("depth", "Depth", {{"queue", "a"}}, [&] { return value; });
  metrics.AddCallback("depth", "Depth", {{"queue", "b"}}, []() -> double { throw std::runtime_error("x"); });
  EXPECT_THAT(metrics.Text(), HasSubstr("depth{queue=\"a\"} 1\n"));
  value = 2;
  EXPECT_THAT(metrics.Text(), HasSubstr("depth{queue=\"a\"} 2\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr("depth{queue=\"b\"} Nan\n"));
  metrics.Remove(id);
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("queue=\"a\"")));
}

TEST(MetricsTest, AwkwardLabelValuesStayOneLineOfUtf8) {
  Metrics metrics;
  metrics.GetCounter("a_total", "A", {{"x", "quote \" line \n back \\ \xff"}}).Increment();
  EXPECT_THAT(metrics.Text(), HasSubstr("a_total{x=\"quote \\\" line \\n back \\\\ \xef\xbf\xbd\"} 1\n"));
}

TEST(MetricsTest, TheProcessIsMeasured) {
  Metrics metrics;
  metrics.AddProcessMetrics();
  const std::string text = metrics.Text();
  for (const char* name : {"process_resident_memory_bytes ", "process_open_fds ", "process_cpu_seconds_total "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
    EXPECT_THAT(text, Not(HasSubstr(std::string("\n") + name + "0\n")));
  }
}

TEST(MetricsTest, CountingFromManyThreadsLosesNothing) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        Counter counter = metrics.GetCounter("n_total", "N");
        for (int i = 0; i < 10'000; ++i) counter.Increment();
      });
    }
  }
  EXPECT_THAT(metrics.Text(), HasSubstr("n_total 40000\n"));
}

TEST(MetricsDeathTest, ANameOfTwoKindsIsABrokenProgram) {
  Metrics metrics;
  metrics.GetCounter("a_total", "A");
  EXPECT_DEATH(metrics.GetGauge("a_total", "A"), "one kind");
  EXPECT_DEATH(metrics.GetCounter("a total", "A"), "name");
}

}  // namespace
}  // namespace daybook::observe
