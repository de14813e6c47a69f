#include "beneficiary/api/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/testing/fake_clock.h"

namespace beneficiary::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AdmissionTest : public ::testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  static AdmissionOptions Restricting() {
    AdmissionOptions options;
    options.read_clients_header = "X-Read-Clients";
    options.write_clients_header = "X-Write-Clients";
    return options;
  }

  AdmissionOptions Limited(double rate, double burst) {
    AdmissionOptions options;
    options.requests_per_second_max = rate;
    options.requests_burst = burst;
    options.clock = &clock_;
    options.on_refused = [this](std::string_view edge, std::string_view reason) {
      refused_.push_back(std::string(edge).append(" ").append(reason));
    };
    return options;
  }

  static absl::StatusOr<Caller> Admit(Admission& admission, const Headers& headers,
                                      std::string_view peer = "10.0.0.1:5") {
    const auto values = [&](std::string_view name) {
      std::vector<std::string_view> found;
      for (const auto& [header, value] : headers) {
        if (absl::EqualsIgnoreCase(header, std::string(name))) found.emplace_back(value);
      }
      return found;
    };
    return admission.Admit("rest", values, peer);
  }

  static std::string ReasonOf(const absl::StatusOr<Caller>& caller) {
    return caller.ok() ? "admitted" : daybook::ReasonOf(caller.status());
  }

  daybook::testing::FakeClock clock_;
  std::vector<std::string> refused_;
};

TEST_F(AdmissionTest, WithoutListsEverybodyMayDoEverything) {
  Admission admission((AdmissionOptions()));
  const auto nobody = Admit(admission, {});
  ASSERT_TRUE(nobody.ok());
  EXPECT_EQ(nobody->name, "anonymous");
  EXPECT_TRUE(nobody->readable.IsAll() && nobody->writable.IsAll());
  EXPECT_EQ(Admit(admission, {{"x-caller-identity", "ebo"}})->name, "ebo");
}

TEST_F(AdmissionTest, AListsClientsAreThoseThatItNames) {
  Admission admission(Restricting());
  const auto caller = Admit(admission, {{"X-Caller-Identity", "ebo"},
                                        {"X-Read-Clients", "EBPCLI000001, EBPCLI000002 ,EBPCLI000001"},
                                        {"X-Write-Clients", "EBPCLI000002"}});
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->name, "ebo");
  EXPECT_TRUE(caller->readable.Contains("EBPCLI000001"));
  EXPECT_TRUE(caller->readable.Contains("EBPCLI000002"));
  EXPECT_FALSE(caller->readable.Contains("EBPCLI00000"));
  EXPECT_FALSE(caller->readable.Contains(""));
  EXPECT_FALSE(caller->readable.IsAll());
  EXPECT_FALSE(caller->writable.Contains("EBPCLI000001"));
}

TEST_F(AdmissionTest, AStarIsEveryClientAndAMissingListNone) {
  Admission admission(Restricting());
  const auto caller = Admit(admission, {{"X-Caller-Identity", "ebo"}, {"X-Read-Clients", "*"}});
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_TRUE(caller->readable.IsAll());
  EXPECT_FALSE(caller->writable.Contains("EBPCLI000001"));
  EXPECT_FALSE(caller->writable.IsAll());
  const auto empty = Admit(admission, {{"X-Caller-Identity", "ebo"}, {"X-Read-Clients", "  "}});
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_FALSE(empty->readable.Contains("EBPCLI000001"));
}

TEST_F(AdmissionTest, WithoutAnIdentityNobodyIsLetIn) {
  Admission admission(Restricting());
  EXPECT_EQ(ReasonOf(Admit(admission, {})), "IDENTITY_REQUIRED");
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", ""}})), "IDENTITY_REQUIRED");
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Read-Clients", "*"}, {"X-Write-Clients", "*"}})), "IDENTITY_REQUIRED");
}

// What a client has put before the proxy's own must not be taken for it.
TEST_F(AdmissionTest, AHeaderThatComesTwiceIsRefused) {
  Admission admission(Restricting());
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", "root"}, {"x-caller-identity", "ebo"}})),
            "IDENTITY_MALFORMED");
  EXPECT_EQ(
      ReasonOf(Admit(admission,
                     {{"X-Caller-Identity", "ebo"}, {"X-Read-Clients", "*"}, {"X-Read-Clients", "EBPCLI000001"}})),
      "CLIENTS_MALFORMED");
  EXPECT_EQ(
      ReasonOf(Admit(admission, {{"X-Caller-Identity", "ebo"}, {"X-Write-Clients", ""}, {"X-Write-Clients", "*"}})),
      "CLIENTS_MALFORMED");
}

TEST_F(AdmissionTest, ValuesAreOfTheirFormOrRefused) {
  Admission admission(Restricting());
  for (const std::string& identity : {std::string("a b"), std::string("a\tb"), std::string("jos\xc3\xa9"),
                                      std::string("a\0b", 3), std::string("\x7f"), std::string(257, 'a')}) {
    EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", identity}})), "IDENTITY_MALFORMED") << identity;
  }
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", std::string(256, 'a')}})), "admitted");
  std::string many = "C0";
  for (int i = 1; i <= 1000; ++i) absl::StrAppend(&many, ",C", i);
  for (const std::string& list :
       {std::string("*,EBPCLI000001"), std::string("EBPCLI000001,*"), std::string("**"), std::string(",EBPCLI000001"),
        std::string("EBPCLI000001,"), std::string("A B"), std::string("\"EBPCLI000001\""),
        std::string("EBPCLI000001;EBPCLI000002"), std::string("EBPCLI\xff"), std::string(65, 'A'), many}) {
    const auto caller = Admit(admission, {{"X-Caller-Identity", "ebo"}, {"X-Read-Clients", list}});
    EXPECT_EQ(ReasonOf(caller), "CLIENTS_MALFORMED") << list;
    EXPECT_THAT(std::string(caller.status().message()), HasSubstr("X-Read-Clients"));
  }
  many.resize(many.rfind(','));
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", "ebo"}, {"X-Read-Clients", many}})), "admitted");
}

TEST_F(AdmissionTest, OptionsThatMakeNoSenseAreNamed) {
  const auto check = [](auto change) {
    AdmissionOptions options = Restricting();
    change(options);
    return std::string(Admission::Check(options).message());
  };
  EXPECT_THAT(check([](AdmissionOptions& o) { o.write_clients_header.clear(); }), HasSubstr("belong together"));
  EXPECT_THAT(check([](AdmissionOptions& o) { o.identity_header.clear(); }), HasSubstr("is no name"));
  EXPECT_THAT(check([](AdmissionOptions& o) { o.read_clients_header = "X Read"; }), HasSubstr("X Read"));
  EXPECT_THAT(check([](AdmissionOptions& o) { o.read_clients_header = "X-Read-Bin"; }), HasSubstr("X-Read-Bin"));
  EXPECT_THAT(check([](AdmissionOptions& o) { o.read_clients_header = "x-write-clients"; }), HasSubstr("of their own"));
  EXPECT_THAT(check([](AdmissionOptions& o) { o.requests_per_second_max = -1; }), HasSubstr("limit"));
  EXPECT_THAT(check([](AdmissionOptions& o) { o.requests_per_second_max = 5; }), HasSubstr("burst"));
  EXPECT_EQ(check([](AdmissionOptions&) {}), "");
  EXPECT_TRUE(Admission::Check({}).ok());
}

TEST_F(AdmissionTest, NobodyIsAnsweredBeforeTheReadModelsHaveCaughtUpOnce) {
  absl::Status behind = absl::UnavailableError("list.v1 is at 3 of 7");
  AdmissionOptions options = Limited(1, 1);
  options.opens_when = [&] { return behind; };
  Admission admission(options);
  const auto refused = Admit(admission, {});
  EXPECT_EQ(ReasonOf(refused), "CATCHING_UP");
  EXPECT_EQ(daybook::RetryAfterOf(refused.status()), absl::Seconds(1));
  EXPECT_EQ(ReasonOf(Admit(admission, {})), "CATCHING_UP") << "it takes nothing from the caller's limit";
  behind = absl::OkStatus();
  EXPECT_EQ(ReasonOf(Admit(admission, {})), "admitted");
  behind = absl::UnavailableError("behind again, as while a broker is away");
  EXPECT_EQ(ReasonOf(Admit(admission, {})), "RATE_LIMITED") << "what was open stays open";
}

TEST_F(AdmissionTest, AReadModelThatHasStoppedKeepsNobodyOut) {
  AdmissionOptions options;
  options.opens_when = [] { return absl::FailedPreconditionError("list.v1: a bad event"); };
  Admission admission(options);
  EXPECT_EQ(ReasonOf(Admit(admission, {})), "admitted");
}

TEST_F(AdmissionTest, ACallerThatAsksTooOftenIsToldWhenToComeAgain) {
  Admission admission(Limited(2, 2));
  const Headers ebo = {{"X-Caller-Identity", "ebo"}};
  EXPECT_EQ(ReasonOf(Admit(admission, ebo)), "admitted");
  EXPECT_EQ(ReasonOf(Admit(admission, ebo)), "admitted");
  const auto refused = Admit(admission, ebo);
  EXPECT_EQ(ReasonOf(refused), "RATE_LIMITED");
  EXPECT_EQ(daybook::RetryAfterOf(refused.status()), absl::Milliseconds(500));
  EXPECT_THAT(refused_, ElementsAre("rest RATE_LIMITED"));
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", "other"}})), "admitted");
  clock_.Advance(absl::Milliseconds(500));
  EXPECT_EQ(ReasonOf(Admit(admission, ebo)), "admitted");
}

TEST_F(AdmissionTest, WithoutAnIdentityThePeersHostCountsAtBothEdges) {
  Admission admission(Limited(1, 1));
  EXPECT_EQ(ReasonOf(Admit(admission, {}, "127.0.0.1:1111")), "admitted");
  EXPECT_EQ(ReasonOf(Admit(admission, {}, "ipv4:127.0.0.1:2222")), "RATE_LIMITED");
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", "\x01"}}, "127.0.0.1:3333")), "RATE_LIMITED")
      << "what is no identity must not open a new count";
  EXPECT_EQ(ReasonOf(Admit(admission, {}, "[::1]:1111")), "admitted");
  EXPECT_EQ(ReasonOf(Admit(admission, {}, "ipv6:%5B::1%5D:2222")), "RATE_LIMITED");
  EXPECT_EQ(ReasonOf(Admit(admission, {{"X-Caller-Identity", "127.0.0.1"}})), "admitted") << "a name is no host";
}

}  // namespace
}  // namespace beneficiary::api
