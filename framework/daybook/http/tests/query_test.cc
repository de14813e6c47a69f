#include "daybook/http/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daybook::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(QueryTest, ParametersKeepTheirOrderAndRepeat) {
  const Query query = Query::Parse("b=1&a=2&b=3&c&&d=", QuerySyntax::kStrict).value();
  EXPECT_THAT(query.items(), ElementsAre(Pair("b", "1"), Pair("a", "2"), Pair("b", "3"), Pair("c", ""), Pair("d", "")));
  EXPECT_THAT(query.All("b"), ElementsAre("1", "3"));
  EXPECT_EQ(query.Last("b"), "3");
  EXPECT_EQ(query.Last("missing"), std::nullopt);
  EXPECT_TRUE(query.Has("c"));
}

TEST(QueryTest, PlusIsASpaceAndEscapesAreDecodedOnce) {
  const Query query = Query::Parse("q=a+b%2Bc%20d%2525&%C3%A9=%e2%82%ac", QuerySyntax::kStrict).value();
  EXPECT_THAT(query.items(), ElementsAre(Pair("q", "a b+c d%25"), Pair("\xc3\xa9", "\xe2\x82\xac")));
}

TEST(QueryTest, StrictSyntaxNamesTheBadParameter) {
  for (const char* bad : {"iban=%", "iban=%4", "iban=%zz", "iban=%ff", "iban=%00", "iban=\xff"}) {
    const auto query = Query::Parse(bad, QuerySyntax::kStrict);
    EXPECT_EQ(query.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(query.status().message()), HasSubstr("iban")) << bad;
  }
}

TEST(QueryTest, LenientSyntaxReadsWhatDjangoReads) {
  // The right sides are what django.http.QueryDict gives for the left ones.
  const auto last = [](std::string_view raw) {
    return std::string(Query::Parse(raw, QuerySyntax::kLenient).value().Last("a").value_or("<none>"));
  };
  EXPECT_EQ(last("a=%"), "%");
  EXPECT_EQ(last("a=%4"), "%4");
  EXPECT_EQ(last("a=%zz+1"), "%zz 1");
  EXPECT_EQ(last("a=%ff"), "\xef\xbf\xbd");
  EXPECT_EQ(last("a=%e2%82"), "\xef\xbf\xbd");
  EXPECT_EQ(last("a=\xe9"), "\xc3\xa9");
}

TEST(QueryTest, MoreThanAThousandParametersAreRefused) {
  std::string raw;
  for (int i = 0; i < 1000; ++i) raw += "a=1&";
  EXPECT_TRUE(Query::Parse(raw, QuerySyntax::kLenient).ok());
  EXPECT_EQ(Query::Parse(raw + "b=1", QuerySyntax::kLenient).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(QueryTest, NothingIsNoParameters) {
  EXPECT_THAT(Query::Parse("", QuerySyntax::kStrict).value().items(), IsEmpty());
}

TEST(PercentTest, EncodingAndDecodingAreInverse) {
  const std::string text = "a b/c:d?e#f%g+h\xc3\xa9~";
  EXPECT_EQ(PercentEncode(text), "a%20b%2Fc%3Ad%3Fe%23f%25g%2Bh%C3%A9~");
  EXPECT_EQ(PercentDecode(PercentEncode(text)).value(), text);
}

TEST(PercentTest, APlusInAPathIsAPlus) { EXPECT_EQ(PercentDecode("a+b").value(), "a+b"); }

}  // namespace
}  // namespace daybook::http
