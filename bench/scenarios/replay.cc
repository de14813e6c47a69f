#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "daybook/base/check.h"
#include "daybook/base/hash.h"
#include "daybook/codec/event_codec.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "floors/bare_writer.h"
#include "harness/closed_loop.h"
#include "scenarios/notes.h"
#include "scenarios/scenarios.h"

namespace daybook::bench {
namespace {

constexpr std::uint64_t kEvents = 1'000'000;
constexpr std::uint64_t kEventsPerBatch = 1000;

void Fill(store::EventStore& store) {
  const codec::EventCodec<Notes::Event> codec;
  daybook_bench::v1::NoteAdded event;
  event.set_text(std::string(kEventBytes, 'x'));
  for (std::uint64_t i = 0; i < kEvents;) {
    store::Batch batch;
    for (std::uint64_t n = 0; n < kEventsPerBatch; ++n, ++i) {
      event.set_number(i);
      store::StreamAppend& append = batch.appends.emplace_back();
      append.stream = StreamId(Notes::kCategory, NotesKey(i));
      append.events.push_back({codec.TypeOf(event), "", codec.Encode(event)});
    }
    const auto appended = store.Append(batch);
    DAYBOOK_CHECK(appended.ok(), appended.status().ToString());
  }
}

struct Note {
  std::string stream;
  Notes::State state;
};

// The stream's name lies beside the state, which is touched anyway: one cache line less than a map's own copy of it.
struct NoteHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view stream) const { return Hash64(stream); }
  std::size_t operator()(const std::unique_ptr<Note>& note) const { return Hash64(note->stream); }
};
struct NoteEq {
  using is_transparent = void;
  static std::string_view NameOf(std::string_view stream) { return stream; }
  static std::string_view NameOf(const std::unique_ptr<Note>& note) { return note->stream; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return NameOf(a) == NameOf(b);
  }
};

// Folds the whole log into the states of all aggregates, as a rebuild does: read, check, decode, evolve.
double Replay(store::EventStore& store) {
  const auto began = std::chrono::steady_clock::now();
  const codec::EventCodec<Notes::Event> codec;
  absl::flat_hash_set<std::unique_ptr<Note>, NoteHash, NoteEq> notes;
  Notes::Event event;
  const auto cursor = store.ReadAll(Position(1));
  std::uint64_t events = 0;
  while (true) {
    const auto more = cursor->Next();
    DAYBOOK_CHECK(more.ok(), more.status().ToString());
    if (!*more) break;
    const store::EventView& view = cursor->event();
    DAYBOOK_CHECK(codec.DecodeInto(view.type, view.data, event).ok(), "does not decode");
    auto note = notes.find(view.stream);
    if (note == notes.end()) note = notes.insert(std::make_unique<Note>(Note{std::string(view.stream), {}})).first;
    std::visit([&](const auto& e) { Notes::Evolve((*note)->state, e); }, event);
    ++events;
  }
  DAYBOOK_CHECK(events == kEvents && notes.size() == kAggregates, "not every event was there");
  return static_cast<double>(events) / std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

void BenchReplay(const Settings& settings, Report& report) {
  auto store = store::OpenRocksEventStore({.path = NewDirectory(settings), .block_cache_bytes = 512 << 20});
  DAYBOOK_CHECK(store.ok(), store.status().ToString());
  Fill(**store);
  BareWriter bare(NewDirectory(settings), kAggregates);
  bare.Fill(kEvents, std::string(kEventBytes, 'x'));
  Row row;
  row.scenario = "replay, 256 B events";
  row.unit = "events/s";
  row.floor = "raw scan of the log";
  row.target = 0.3;
  report.Add(MeasurePairs(
      std::move(row), settings.rounds, [&] { return Replay(**store); },
      [&] {
        const auto began = std::chrono::steady_clock::now();
        bare.ScanLog();
        return static_cast<double>(kEvents) /
               std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
      }));
}

}  // namespace daybook::bench
