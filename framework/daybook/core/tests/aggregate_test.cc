#include "daybook/core/aggregate.h"

#include <gtest/gtest.h>

#include "daybook/core/process_manager.h"
#include "daybook/core/projection.h"

namespace daybook {
namespace {

struct Opened {
  int by = 0;
};
struct Closed {};
struct Open {};
struct Close {};

struct Door {
  static constexpr std::string_view kCategory = "door";
  struct State {
    bool open = false;
  };
  using Command = std::variant<Open, Close>;
  using Event = std::variant<Opened, Closed>;

  static Decision<Event> Decide(const State& s, const Open&, const Context&) {
    if (s.open) return Unchanged{};
    return Emit(Opened{1});
  }
  static Decision<Event> Decide(const State& s, const Close&, const Context&) {
    if (!s.open) return Reject{Code::kFailedPrecondition, "NOT_OPEN", "", {}};
    return Emit(Closed{});
  }
  static void Evolve(State& s, const Opened&) { s.open = true; }
  static void Evolve(State& s, const Closed&) { s.open = false; }
};
static_assert(Aggregate<Door>);
static_assert(!Aggregate<int>);

struct OpenDoors {
  static constexpr std::string_view kName = "open_doors.v1";
  static void On(const Recorded<Opened>&, ViewWriter&) {}
  static void On(const Recorded<Closed>&, ViewWriter&) {}
};
static_assert(ProjectionOf<OpenDoors, Door>);

TEST(DecisionTest, EmitHoldsTheEventsInOrder) {
  const Decision<Door::Event> d = Emit(Opened{7}, Closed{});
  ASSERT_TRUE(d.emits());
  ASSERT_EQ(d.events().size(), 2u);
  EXPECT_EQ(std::get<Opened>(d.events()[0]).by, 7);
  EXPECT_TRUE(std::holds_alternative<Closed>(d.events()[1]));
}

TEST(DecisionTest, AnEmptyListOfEventsIsUnchanged) {
  EXPECT_TRUE(Decision<Door::Event>(std::vector<Door::Event>()).unchanged());
}

TEST(DecisionTest, ARejectionKeepsItsReason) {
  const auto d = Door::Decide({}, Close{}, Context{});
  ASSERT_TRUE(d.rejected());
  EXPECT_EQ(d.rejection().reason, "NOT_OPEN");
}

}  // namespace
}  // namespace daybook
