#include "beneficiary/api/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace beneficiary::api {
namespace {

using daybook::Revision;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConditionsTest, IfMatchIsATagOrAStar) {
  EXPECT_EQ(IfMatch::Parse("\"7\"")->kind, IfMatch::Kind::kRevision);
  EXPECT_EQ(IfMatch::Parse("\"7\"")->revision, Revision(7));
  EXPECT_EQ(IfMatch::Parse(" * ")->kind, IfMatch::Kind::kAnything);
  for (const std::string tag : {"W/\"7\"", "\"07\"", "\"x\"", "\"\"", "\"0\"", "\"99999999999999999999999\""}) {
    EXPECT_EQ(IfMatch::Parse(tag)->kind, IfMatch::Kind::kNothing) << tag;
  }
  for (const std::string bad : {"", "7", "\"7", "\"7\", \"8\"", "**"}) {
    EXPECT_FALSE(IfMatch::Parse(bad).ok()) << bad;
  }
}

TEST(ConditionsTest, IfNoneMatchComparesWeaklyAndTakesLists) {
  EXPECT_TRUE(NoneMatchNames("\"7\"", "\"7\""));
  EXPECT_TRUE(NoneMatchNames("W/\"7\"", "\"7\""));
  EXPECT_TRUE(NoneMatchNames("\"a,b\", \"7\"", "\"7\""));
  EXPECT_TRUE(NoneMatchNames("*", "\"7\""));
  EXPECT_FALSE(NoneMatchNames("\"8\"", "\"7\""));
  EXPECT_FALSE(NoneMatchNames("7", "\"7\""));
}

TEST(ConditionsTest, PreferReadsWaitAndModels) {
  auto prefer = Prefer::Parse({"wait=5, models=\"list.v1 detail.v1\""});
  ASSERT_TRUE(prefer.ok());
  EXPECT_EQ(prefer->wait, absl::Seconds(5));
  EXPECT_THAT(prefer->models, ElementsAre("list.v1", "detail.v1"));
  EXPECT_EQ(prefer->Applied(), "wait=5, models=\"list.v1 detail.v1\"");
  prefer = Prefer::Parse({"return=minimal, WAIT=0", "wait=9"});
  ASSERT_TRUE(prefer.ok());
  EXPECT_EQ(prefer->wait, absl::ZeroDuration());
  EXPECT_THAT(prefer->models, IsEmpty());
  prefer = Prefer::Parse({"wait=5; models=list.v1"});
  ASSERT_TRUE(prefer.ok());
  EXPECT_THAT(prefer->models, ElementsAre("list.v1"));
  EXPECT_FALSE(Prefer::Parse({})->wait);
  for (const std::string bad : {"wait", "wait=-1", "wait=61", "wait=soon", "wait=1.5", "wait=1, models=\"\""}) {
    EXPECT_FALSE(Prefer::Parse({bad}).ok()) << bad;
  }
}

TEST(ConditionsTest, AnIdempotencyKeyIsPrintableAndShort) {
  EXPECT_TRUE(CheckIdempotencyKey("a").ok());
  EXPECT_TRUE(CheckIdempotencyKey("a b~!").ok());
  EXPECT_TRUE(CheckIdempotencyKey(std::string(128, 'x')).ok());
  EXPECT_FALSE(CheckIdempotencyKey("").ok());
  EXPECT_FALSE(CheckIdempotencyKey(std::string(129, 'x')).ok());
  EXPECT_FALSE(CheckIdempotencyKey("a\tb").ok());
  EXPECT_FALSE(CheckIdempotencyKey("\xc3\xa9").ok());
}

}  // namespace
}  // namespace beneficiary::api
