#include "daybook/codec/upcasters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daybook/codec/event_codec.h"
#include "daybook_test/v1/account.pb.h"

namespace daybook::codec {
namespace {

namespace pb = daybook_test::v1;
using ::testing::HasSubstr;
using Codec = EventCodec<std::variant<pb::Opened, pb::Deposited>>;

pb::Opened FromV0(const pb::OpenedV0& old) {
  pb::Opened opened;
  opened.set_owner(old.first_name() + " " + old.last_name());
  return opened;
}

TEST(UpcastersTest, AnOldTypeIsReadAsTheNewOne) {
  const Codec codec(Upcasters().Add<pb::OpenedV0, pb::Opened>(FromV0));
  pb::OpenedV0 old;
  old.set_first_name("Ada");
  old.set_last_name("Lovelace");
  const auto event = codec.Decode("daybook_test.v1.OpenedV0", old.SerializeAsString());
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(std::get<pb::Opened>(*event).owner(), "Ada Lovelace");
  EXPECT_TRUE(codec.Knows("daybook_test.v1.OpenedV0"));
}

TEST(UpcastersTest, AChainIsFollowedToItsEnd) {
  Upcasters upcasters;
  upcasters.Add<pb::OpenedV0, pb::Opened>(FromV0)
      .Rename("acme.Started", "acme.Opened")
      .AddRaw("acme.Opened", "daybook_test.v1.OpenedV0", [](std::string_view bytes) -> absl::StatusOr<std::string> {
        pb::OpenedV0 old;
        old.set_first_name(std::string(bytes));
        old.set_last_name("X");
        return old.SerializeAsString();
      });
  const Codec codec(upcasters);
  const auto event = codec.Decode("acme.Started", "Grace");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(std::get<pb::Opened>(*event).owner(), "Grace X");
}

TEST(UpcastersTest, AnOldShapeOfTheSameNameIsReshaped) {
  const Codec codec(Upcasters().Reshape<pb::Deposited>([](pb::Deposited& event) {
    if (event.note().empty()) event.set_note("none");
  }));
  pb::Deposited old;
  old.set_amount(5);
  const auto event = codec.Decode("daybook_test.v1.Deposited", old.SerializeAsString());
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(std::get<pb::Deposited>(*event).note(), "none");
}

TEST(UpcastersTest, AnUpcasterThatRefusesIsDataLossNamingTheStep) {
  const Codec codec(Upcasters().AddRaw(
      "acme.Opened", "daybook_test.v1.Opened",
      [](std::string_view) -> absl::StatusOr<std::string> { return absl::InvalidArgumentError("no owner"); }));
  const auto event = codec.Decode("acme.Opened", "x");
  EXPECT_EQ(event.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(event.status().message()),
              HasSubstr("upcasting acme.Opened to daybook_test.v1.Opened: no owner"));
}

TEST(UpcastersTest, DamagedBytesOfAnOldTypeAreDataLoss) {
  const Codec codec(Upcasters().Add<pb::OpenedV0, pb::Opened>(FromV0));
  EXPECT_EQ(codec.Decode("daybook_test.v1.OpenedV0", "\x0a\x7f").status().code(), absl::StatusCode::kDataLoss);
}

TEST(UpcastersTest, AChainThatEndsNowhereIsNamed) {
  const absl::Status status = Codec::CheckUpcasters(Upcasters().Rename("acme.A", "acme.B").Rename("acme.B", "acme.C"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("upcaster chain acme.A -> acme.B -> acme.C: acme.C is no event of this aggregate"));
}

TEST(UpcastersTest, ACircleIsNamed) {
  const absl::Status status = Codec::CheckUpcasters(
      Upcasters().Rename("acme.A", "acme.B").Rename("acme.B", "acme.C").Rename("acme.C", "acme.B"));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("acme.A -> acme.B -> acme.C -> acme.B: it goes round in a circle"));
}

TEST(UpcastersTest, AnEventOfTodayIsNoSource) {
  const absl::Status status =
      Codec::CheckUpcasters(Upcasters().Rename("daybook_test.v1.Opened", "daybook_test.v1.Deposited"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("use Reshape"));
}

TEST(UpcastersTest, OneTypeHasOneUpcaster) {
  const absl::Status status = Codec::CheckUpcasters(
      Upcasters().Rename("acme.A", "daybook_test.v1.Opened").Rename("acme.A", "daybook_test.v1.Deposited"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("two upcasters for acme.A"));
}

TEST(UpcastersTest, ReshapingWhatIsNoEventIsNamed) {
  const absl::Status status = Codec::CheckUpcasters(Upcasters().Reshape<pb::Withdrawn>([](pb::Withdrawn&) {}));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Reshape of daybook_test.v1.Withdrawn"));
}

TEST(UpcastersDeathTest, ACodecWithABrokenChainDoesNotStart) {
  EXPECT_DEATH(Codec(Upcasters().Rename("acme.A", "acme.B")), "acme.A -> acme.B: acme.B is no event");
}

}  // namespace
}  // namespace daybook::codec
