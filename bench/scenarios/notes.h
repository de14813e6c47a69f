#ifndef DAYBOOK_BENCH_SCENARIOS_NOTES_H_
#define DAYBOOK_BENCH_SCENARIOS_NOTES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "daybook/core/aggregate.h"
#include "daybook_bench/v1/note.pb.h"

namespace daybook::bench {

// What the command benchmarks run: each command adds one event of about 256 bytes.
struct Notes {
  static constexpr std::string_view kCategory = "notes";
  using State = daybook_bench::v1::NotesState;
  using Command = std::variant<daybook_bench::v1::AddNote>;
  using Event = std::variant<daybook_bench::v1::NoteAdded>;

  static Decision<Event> Decide(const State& s, const daybook_bench::v1::AddNote& c, const Context&) {
    if (c.text().empty()) return Reject{Code::kInvalidArgument, "EMPTY", "", {}};
    daybook_bench::v1::NoteAdded e;
    e.set_text(c.text());
    e.set_number(s.count() + 1);
    return Emit(std::move(e));
  }
  static void Evolve(State& s, const daybook_bench::v1::NoteAdded& e) {
    s.set_count(e.number());
    s.set_last(e.text());
  }
};
static_assert(Aggregate<Notes>);

inline constexpr int kAggregates = 10'000;
inline constexpr std::size_t kEventBytes = 256;

// Which of the kAggregates command `i` goes to, and its key.
int NotesNumber(std::uint64_t i);
std::string NotesKey(std::uint64_t i);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_SCENARIOS_NOTES_H_
