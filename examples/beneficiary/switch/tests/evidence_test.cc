#include "beneficiary/switch/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "absl/strings/str_cat.h"
#include "daybook/testing/fake_clock.h"

namespace beneficiary::switching {
namespace {

namespace json = boost::json;

TEST(LatencyHistogramTest, QuantilesAreWithinABucketOfTheTruth) {
  LatencyHistogram latencies;
  EXPECT_EQ(latencies.Quantile(0.5), absl::ZeroDuration());
  for (int i = 1; i <= 1000; ++i) latencies.Add(absl::Microseconds(i * 100));
  for (const double q : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const absl::Duration truth = absl::Microseconds(q * 100'000);
    EXPECT_GE(latencies.Quantile(q), truth * 0.999) << q;
    EXPECT_LE(latencies.Quantile(q), truth * 1.16) << q;
  }
  EXPECT_EQ(latencies.total(), 1000);
}

TEST(LatencyHistogramTest, NothingFallsOutside) {
  LatencyHistogram latencies;
  for (const absl::Duration odd :
       {-absl::Seconds(1), absl::ZeroDuration(), absl::Nanoseconds(1), absl::Hours(5), absl::InfiniteDuration()}) {
    latencies.Add(odd);
  }
  EXPECT_EQ(latencies.total(), 5);
  EXPECT_EQ(latencies.count(0), 3);
  EXPECT_EQ(latencies.count(LatencyHistogram::kBuckets - 1), 2);
}

class EvidenceTest : public ::testing::Test {
 protected:
  json::object Document(Resolution resolution = Resolution::kFine) {
    return json::parse(evidence_.ToJson(resolution)).as_object();
  }
  static std::int64_t Number(const json::object& document, const char* pointer) {
    return json::value(document).at_pointer(pointer).to_number<std::int64_t>();
  }
  static Finding Of(Verdict verdict, std::string client = "EBPCLI000001") {
    Finding finding{verdict};
    finding.client = std::move(client);
    return finding;
  }
  static Finding Differing(std::string pattern, std::string client = "EBPCLI000001") {
    Finding finding = Of(Verdict::kDifferent, std::move(client));
    finding.differences = {{Difference::Kind::kValue, pattern, pattern, pattern, "\"X #1\"", "\"X #2\"", "a hint"}};
    return finding;
  }

  daybook::testing::FakeClock clock_{daybook::Timestamp::FromMillis(1'700'000'000'000)};
  Evidence evidence_{clock_};
};

TEST_F(EvidenceTest, TotalsAndCourseAgree) {
  for (int i = 0; i < 7; ++i) evidence_.AddFinding(Of(Verdict::kEqual));
  clock_.Advance(absl::Seconds(30));
  Finding lag = Of(Verdict::kLag);
  lag.weight = 3;
  lag.lag = absl::Milliseconds(40);
  evidence_.AddFinding(lag);
  evidence_.AddFinding(Differing("/*/name"));
  evidence_.AddServed({Mode::kShadow, Side::kBos, {}});
  evidence_.AddServed({Mode::kDaybook, Side::kBos, FallbackReason::kTimeout});
  evidence_.AddServed({Mode::kDaybook, std::nullopt, FallbackReason::kError});
  evidence_.AddLatency(Side::kBos, absl::Milliseconds(10));
  for (const Resolution resolution : {Resolution::kFine, Resolution::kCoarse}) {
    const json::object document = Document(resolution);
    EXPECT_EQ(Number(document, "/totals/comparisons/equal"), 7);
    EXPECT_EQ(Number(document, "/totals/comparisons/lag"), 3);
    EXPECT_EQ(Number(document, "/totals/comparisons/different"), 1);
    EXPECT_EQ(Number(document, "/totals/answered/shadow/bos"), 1);
    EXPECT_EQ(Number(document, "/totals/answered/daybook/bos"), 1);
    EXPECT_EQ(Number(document, "/totals/fallbacks_from/daybook/timeout"), 1);
    EXPECT_EQ(Number(document, "/totals/requests_unanswered"), 1);
    EXPECT_EQ(Number(document, "/latency/bos/count"), 1);
    EXPECT_EQ(Number(document, "/course/latency/bos/count"), 1);
    EXPECT_EQ(Number(document, "/lag/count"), 1);
    std::int64_t equal = 0;
    std::int64_t lags = 0;
    for (const json::value& bucket : document.at("course").at("buckets").as_array()) {
      equal += bucket.at_pointer("/comparisons/equal").to_number<std::int64_t>();
      lags += bucket.at_pointer("/comparisons/lag").to_number<std::int64_t>();
    }
    EXPECT_EQ(equal, 7);
    EXPECT_EQ(lags, 3);
  }
  EXPECT_EQ(Document(Resolution::kFine).at("course").at("buckets").as_array().size(), 2);
}

TEST_F(EvidenceTest, WhatIsOlderThanTheCourseIsShownNoMore) {
  evidence_.AddFinding(Of(Verdict::kEqual));
  clock_.Advance(absl::Minutes(31));
  EXPECT_EQ(Document(Resolution::kFine).at("course").at("buckets").as_array().size(), 0);
  EXPECT_EQ(Document(Resolution::kCoarse).at("course").at("buckets").as_array().size(), 1);
  // The ring comes round: the old bucket's numbers do not come back.
  evidence_.AddFinding(Of(Verdict::kLag));
  EXPECT_EQ(Number(Document(), "/course/buckets/0/comparisons/equal"), 0);
  EXPECT_EQ(Number(Document(), "/totals/comparisons/equal"), 1);
}

TEST_F(EvidenceTest, EverythingKeptIsBounded) {
  for (int i = 0; i < 2000; ++i) evidence_.AddFinding(Differing(absl::StrCat("/", i), absl::StrCat("client", i)));
  const json::object document = Document();
  EXPECT_EQ(document.at("differences").as_array().size(), Evidence::kSamplesKept);
  EXPECT_LE(document.at("places").as_array().size(), Evidence::kPlacesKept + 1);
  EXPECT_LE(document.at("clients").as_array().size(), Evidence::kPlacesKept + 1);
  EXPECT_EQ(document.at("differences").as_array().front().at("client").as_string(), "client1999");
  EXPECT_EQ(document.at("places").as_array().front().at("place").as_string(), "(others)");
  EXPECT_EQ(Number(document, "/places/0/differences"), 2000 - static_cast<std::int64_t>(Evidence::kPlacesKept));
}

TEST_F(EvidenceTest, ResetForgetsAll) {
  evidence_.AddFinding(Differing("/*/name"));
  evidence_.AddLatency(Side::kBos, absl::Milliseconds(10));
  clock_.Advance(absl::Seconds(5));
  evidence_.Reset();
  const json::object document = Document();
  EXPECT_EQ(Number(document, "/totals/comparisons/different"), 0);
  EXPECT_EQ(Number(document, "/latency/bos/count"), 0);
  EXPECT_TRUE(document.at("differences").as_array().empty());
  EXPECT_EQ(document.at("since").as_string(), document.at("now").as_string());
}

}  // namespace
}  // namespace beneficiary::switching
