// What the source says of its transactions, by logical messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "daybook/cdc/tests/gateway_fixture.h"

namespace daybook::cdc {
namespace {

using test::ChangeMaker;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr const char* kMessages = ChangeMaker::kMessages;

class GatewayMessageTest : public test::GatewayFixture {
 protected:
  GatewayMessageTest() {
    options_.describe = [](std::string_view prefix, std::string_view content) {
      return prefix == "garage" ? std::string(content) : std::string();
    };
  }

  // What the source says of each command that these records cause, as "stream: change".
  std::vector<std::string> Said(const std::vector<Record>& records) {
    std::vector<std::string> said;
    const std::vector<std::string> commands = Sent(records);
    const std::vector<std::string> changes = std::exchange(sink_.changes, {});
    for (std::size_t i = 0; i < commands.size(); ++i) {
      said.push_back(absl::StrCat(commands[i].substr(0, commands[i].find(' ')), ": ", changes[i]));
    }
    return said;
  }
  Record Message(const std::string& text, const std::string& transaction, int order = 1,
                 const std::string& prefix = "garage", std::int64_t time_ms = 1700000000000) {
    return make_.Message(prefix, absl::Base64Escape(text), transaction, order, time_ms);
  }
};

TEST_F(GatewayMessageTest, ACommandSaysWhatTheSourceSaysItsTransactionWas) {
  EXPECT_THAT(Said({Message("owner.joined", "70"), make_.Owner(1, "Ann", 1, "70"), make_.Note(7, 1, "a", 2, "70"),
                    make_.End("70", {{"owner", 1}, {"note", 1}, {kMessages, 1}})}),
              ElementsAre("owner/1: owner.joined"));
  EXPECT_THAT(Said({make_.Owner(1, "Eve", 3, "71", 'u'), make_.End("71", {{"owner", 1}})}), ElementsAre("owner/1: "));
  EXPECT_THAT(Said({Message("owner.left", "72"), make_.Delete("owner", 1, 4, "72"),
                    make_.End("72", {{"owner", 1}, {kMessages, 1}})}),
              ElementsAre("owner/1: owner.left"));
}

TEST_F(GatewayMessageTest, ATransactionWaitsForItsMessagesWhicheverTopicIsReadFirst) {
  EXPECT_THAT(Said({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {kMessages, 2}})}), IsEmpty());
  EXPECT_THAT(Said({Message("owner.joined", "70")}), IsEmpty());
  EXPECT_THAT(Said({Message("owner.joined", "70")}), IsEmpty());  // a second delivery
  EXPECT_THAT(Said({Message("of another system", "70", 2, "elsewhere")}), ElementsAre("owner/1: owner.joined"));
}

TEST_F(GatewayMessageTest, OfSeveralMessagesTheFirstOfTheTransactionCounts) {
  EXPECT_THAT(Said({Message("nested", "70", 3), Message("asked for", "70", 2), Message("x", "70", 1, "elsewhere"),
                    make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {kMessages, 3}})}),
              ElementsAre("owner/1: asked for"));
}

TEST_F(GatewayMessageTest, OfSeveralTransactionsInOneCommandTheNewestThatSaysSomethingCounts) {
  EXPECT_THAT(Said({Message("newer", "71", 1, "garage", 1700000000009), make_.Owner(1, "Ann", 1, "70"),
                    make_.Note(7, 1, "a", 2, "71"), make_.Note(8, 1, "b", 3, "72"), Message("older", "70"),
                    make_.End("71", {{"note", 1}, {kMessages, 1}}), make_.End("72", {{"note", 1}}),
                    make_.End("70", {{"owner", 1}, {kMessages, 1}})}),
              ElementsAre("owner/1: newer"));
}

TEST_F(GatewayMessageTest, ASharedRowsChangeIsSaidToAllThatReadIt) {
  EXPECT_THAT(Said({make_.MakeRow(9, "Fiat", 1), make_.Owner(1, "Ann", 2), make_.Car(5, 1, 9, 3)}),
              UnorderedElementsAre("make/9: ", "owner/1: "));
  EXPECT_THAT(Said({make_.MakeRow(9, "Seat", 4, "70", 'u'), Message("make.renamed", "70"),
                    make_.End("70", {{"make", 1}, {kMessages, 1}})}),
              UnorderedElementsAre("make/9: make.renamed", "owner/1: make.renamed"));
}

TEST_F(GatewayMessageTest, ItIsKeptOverRestarts) {
  EXPECT_THAT(Said({Message("owner.joined", "70"), make_.End("70", {{"owner", 1}, {kMessages, 1}})}), IsEmpty());
  Open();
  sink_.refuse = absl::UnavailableError("not now");
  EXPECT_THAT(Said({make_.Owner(1, "Ann", 1, "70")}), IsEmpty());
  Open();  // with the command in the outbox
  sink_.refuse = absl::OkStatus();
  EXPECT_THAT(Said({}), ElementsAre("owner/1: owner.joined"));
}

TEST_F(GatewayMessageTest, WithoutADescriptionNobodyWaitsForMessages) {
  options_.describe = nullptr;
  EXPECT_THAT(Said({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {kMessages, 1}})}),
              ElementsAre("owner/1: "));
  EXPECT_THAT(Said({Message("owner.joined", "70")}), IsEmpty());
  EXPECT_EQ(gateway_->counters().open_transactions, 0u);
}

TEST_F(GatewayMessageTest, MessagesOutsideTransactionsAndOddOnesAreIgnored) {
  EXPECT_THAT(Said({Message("x", ""), make_.Message("garage", "no base64!", "70"),
                    make_.Raw("bos.message", std::nullopt, R"({"op":"m","source":{},"message":7})"),
                    make_.Raw("bos.message", std::nullopt, R"({"op":"m","source":{},"message":{"prefix":null}})"),
                    make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {kMessages, 1}})}),
              ElementsAre("owner/1: "));
  EXPECT_EQ(gateway_->counters().ignored, 4u);
  EXPECT_EQ(gateway_->counters().dead_letters, 0u);
}

}  // namespace
}  // namespace daybook::cdc
