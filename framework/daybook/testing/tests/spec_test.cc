#include "daybook/testing/spec.h"

#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace daybook::testing {
namespace {

using google::protobuf::BoolValue;
using google::protobuf::Int64Value;
using google::protobuf::StringValue;
using google::protobuf::UInt32Value;

int g_calls = 0;

StringValue Text(std::string_view text) {
  StringValue out;
  out.set_value(std::string(text));
  return out;
}

// A page of text: StringValue is "write this", UInt32Value is "misbehave in way n".
struct Page {
  static constexpr std::string_view kCategory = "page";
  using State = StringValue;
  using Command = std::variant<StringValue, UInt32Value>;
  using Event = std::variant<StringValue, BoolValue>;

  static Decision<Event> Decide(const State& s, const StringValue& c, const Context& context) {
    if (c.value().empty()) {
      return Reject{Code::kInvalidArgument, "EMPTY", "", {{"/text", "REQUIRED", ""}, {"/more", "REQUIRED", ""}}};
    }
    if (s.value() == c.value()) return Unchanged{};
    if (c.value() == "twice") return Emit(Text("half"), c);
    StringValue written;
    written.set_value(c.value() == "now" ? context.actor + std::to_string(context.now.millis()) : c.value());
    return Emit(written);
  }
  static Decision<Event> Decide(const State&, const UInt32Value& c, const Context&) {
    BoolValue e;
    if (c.value() == 1) e.set_value(++g_calls % 2 == 0);
    return Emit(e);
  }
  static void Evolve(State& s, const StringValue& e) { s.set_value(e.value()); }
  static void Evolve(State&, const BoolValue&) {}
};

using PageSpec = Spec<Page>;

UInt32Value Misbehave(std::uint32_t way) {
  UInt32Value out;
  out.set_value(way);
  return out;
}

TEST(SpecTest, TheSentencesHold) {
  PageSpec().When(Text("a")).Then(Text("a")).ThenState(Text("a")).ThenRetryIsUnchanged();
  PageSpec().Given(Text("a")).When(Text("a")).ThenNothing();
  PageSpec().When(Text("")).ThenRejected(Code::kInvalidArgument, "EMPTY", {"/more", "/text"});
  PageSpec().Given(Text("a"), Text("b")).When(Text("c")).ThenState([](const StringValue& s) {
    return s.value() == "c";
  });
}

TEST(SpecTest, TimeAndActorReachTheDecider) { PageSpec().At(1700).As("ann").When(Text("now")).Then(Text("ann1700")); }

TEST(SpecTest, ASecondWhenGoesOnFromTheFirst) {
  PageSpec().When(Text("a")).Then(Text("a")).When(Text("a")).ThenNothing();
  PageSpec().When(Text("twice")).Then(Text("half"), Text("twice")).When(Text("twice")).ThenNothing();
}

TEST(SpecTest, AnotherDecisionFailsWithBothSides) {
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("a")).Then(Text("b")), "value: \"b\"");
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("a")).Then(Text("b")), "value: \"a\"");
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("a")).ThenNothing(), "Unchanged");
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("a")).ThenRejected(Code::kNotFound, "NO"), "kNotFound NO");
}

TEST(SpecTest, OtherPointersFail) {
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("")).ThenRejected(Code::kInvalidArgument, "EMPTY", {"/text"}),
                          "the violations differ");
}

TEST(SpecTest, AnotherStateFails) {
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("a")).ThenState(Text("b")), "the state differs");
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Text("a")).ThenState([](const StringValue&) { return false; }),
                          "the state is not as wanted");
}

TEST(SpecTest, ADeciderThatReadsAGlobalFails) {
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Misbehave(1)), "deciding twice differs");
}

TEST(SpecTest, ACommandThatEmitsAgainFailsTheRetrySentence) {
  EXPECT_NONFATAL_FAILURE(PageSpec().When(Misbehave(2)).ThenRetryIsUnchanged(), "a retry on the new state");
}

TEST(SpecTest, TextThatIsNotUtf8DoesNotSurviveTheWire) {
  EXPECT_NONFATAL_FAILURE(PageSpec().Given(Text("\xff")), "does not survive the wire");
}

TEST(SpecTest, ThenBeforeWhenFails) { EXPECT_NONFATAL_FAILURE(PageSpec().ThenNothing(), "Then before When"); }

}  // namespace
}  // namespace daybook::testing
