#include "daybook/observe/admin_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daybook/base/reason.h"

namespace daybook::observe {
namespace {

using ::testing::HasSubstr;

class AdminEndpointsTest : public ::testing::Test {
 protected:
  AdminAnswer Get(std::string_view path, std::string_view raw_query = "") const {
    for (const auto& endpoint : admin_.endpoints()) {
      if (endpoint.path == path) return endpoint.answer(raw_query);
    }
    ADD_FAILURE() << "no endpoint " << path;
    return {};
  }

  Health health_;
  Metrics metrics_;
  AdminEndpoints admin_{health_, metrics_, {"tester", "1.2", "abc"}};
};

TEST_F(AdminEndpointsTest, LivezTellsWhetherARestartWouldHelp) {
  EXPECT_EQ(Get("/livez").status, 200);
  health_.Set("x", absl::UnavailableError("not yet"));
  EXPECT_EQ(Get("/livez").status, 200);
  health_.SetDead(absl::DataLossError("poisoned"));
  EXPECT_EQ(Get("/livez").status, 500);
  EXPECT_EQ(Get("/livez").body, "dead: poisoned\n");
}

TEST_F(AdminEndpointsTest, ReadyzTellsEachCheckWhenVerbose) {
  health_.Set("store", absl::OkStatus());
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(Get("/readyz").body, "ok\n");
  health_.Set("gateway", absl::UnavailableError("line 1\nline 2 \xff"));
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/readyz").body, "not ready\n");
  const std::string verbose = "[-]gateway: line 1 line 2 \xef\xbf\xbd\n[+]store ok\nnot ready\n";
  for (const char* query : {"verbose", "verbose=1", "a=b&verbose=true", "verbose="}) {
    EXPECT_EQ(Get("/readyz", query).body, verbose) << query;
  }
  for (const char* query : {"verbose=0", "verbose=false", "quiet", "nverbose"}) {
    EXPECT_EQ(Get("/readyz", query).body, "not ready\n") << query;
  }
}

TEST_F(AdminEndpointsTest, ReadyzNamesTheReasonByWhichDocumentsSayWhatToDo) {
  health_.Set("commands", WithReason(absl::FailedPreconditionError("the topic was made anew"), "TOPIC_RECREATED"));
  EXPECT_EQ(Get("/readyz", "verbose").body, "[-]commands: TOPIC_RECREATED: the topic was made anew\nnot ready\n");
}

TEST_F(AdminEndpointsTest, MetricsAreInPrometheusText) {
  metrics_.GetCounter("a_total", "A").Increment();
  const AdminAnswer answer = Get("/metrics");
  EXPECT_THAT(answer.content_type, HasSubstr("version=0.0.4"));
  EXPECT_THAT(answer.body, HasSubstr("a_total 1\n"));
}

TEST_F(AdminEndpointsTest, VersionIsJson) {
  EXPECT_EQ(Get("/version").body, R"({"name":"tester","version":"1.2","revision":"abc"})");
  EXPECT_EQ(Get("/version").content_type, "application/json");
}

}  // namespace
}  // namespace daybook::observe
