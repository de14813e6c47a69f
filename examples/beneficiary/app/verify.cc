#include "beneficiary/app/verify.h"

#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/app/engine.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace beneficiary {

namespace projection = daybook::projection;
namespace store = daybook::store;
using daybook::Position;
using daybook::ToAbsl;

namespace {

constexpr std::size_t kFindingsMax = 100;
constexpr absl::Duration kCatchUpMax = absl::Hours(24);

void Find(VerifyReport& report, std::string finding) {
  if (report.findings.size() < kFindingsMax) report.findings.push_back(std::move(finding));
}

absl::Status CheckDensity(store::EventStore& events, VerifyReport& report) {
  daybook::StringMap<std::uint64_t> heads;
  const std::unique_ptr<store::EventCursor> cursor = events.ReadAll(Position(1));
  std::uint64_t expected_position = 1;
  std::uint32_t left_of_command = 0;
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) break;
    const store::EventView& event = cursor->event();
    ++report.events;
    const std::string place = absl::StrCat("position ", event.position.value(), " (", ToAbsl(event.stream), ")");
    if (event.position.value() != expected_position) {
      Find(report, absl::StrCat(place, ": expected position ", expected_position));
    }
    expected_position = event.position.value() + 1;
    std::uint64_t& head = heads[std::string(event.stream)];
    if (event.revision.value() != head + 1) {
      Find(report, absl::StrCat(place, ": revision ", event.revision.value(), " follows ", head));
    }
    head = event.revision.value();
    const bool begins = event.index == 0;
    if (begins != (left_of_command == 0)) Find(report, absl::StrCat(place, ": a command's events are not together"));
    left_of_command = event.count - event.index - 1;
  }
  if (left_of_command != 0) Find(report, "the log ends inside a command");
  report.streams = heads.size();
  return absl::OkStatus();
}

// Lets the service's projections run on `read_models` until they are at the log's end.
absl::Status CatchUp(store::EventStore& events, store::KeyValue& read_models) {
  projection::ProjectionRunner runner(events, read_models, {});
  DAYBOOK_RETURN_IF_ERROR(AddProjections(runner));
  runner.Start();
  const absl::Status reached = runner.WaitUntil(runner.Names(), events.DurableWatermark(), kCatchUpMax);
  runner.Stop();
  return reached;
}

std::string Named(std::string_view table, std::string_view key) {
  return absl::StrCat(ToAbsl(table), ": key ", absl::CHexEscape(ToAbsl(key)));
}

// Walks over both tables at once; entries come in the order of their keys.
absl::Status CompareTable(const std::string& name, store::KeyValue& have, store::KeyValue& want, VerifyReport& report) {
  DAYBOOK_ASSIGN_OR_RETURN(const store::TableId have_table, have.OpenTable(name));
  DAYBOOK_ASSIGN_OR_RETURN(const store::TableId want_table, want.OpenTable(name));
  const std::unique_ptr<store::KeyValueCursor> a = have.Scan(have_table, "", "");
  const std::unique_ptr<store::KeyValueCursor> b = want.Scan(want_table, "", "");
  DAYBOOK_ASSIGN_OR_RETURN(bool more_a, a->Next());
  DAYBOOK_ASSIGN_OR_RETURN(bool more_b, b->Next());
  while (more_a || more_b) {
    ++report.rows;
    const int order = !more_a ? 1 : !more_b ? -1 : a->key().compare(b->key());
    if (order < 0) Find(report, Named(name, a->key()) + " is there, but a rebuild has none");
    if (order > 0) Find(report, Named(name, b->key()) + " is missing; a rebuild has it");
    if (order == 0 && a->value() != b->value()) Find(report, Named(name, a->key()) + " differs from a rebuild");
    if (order <= 0) {
      DAYBOOK_ASSIGN_OR_RETURN(more_a, a->Next());
    }
    if (order >= 0) {
      DAYBOOK_ASSIGN_OR_RETURN(more_b, b->Next());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<VerifyReport> VerifyStores(store::EventStore& events, store::KeyValue& read_models) {
  VerifyReport report;
  DAYBOOK_RETURN_IF_ERROR(CheckDensity(events, report));
  DAYBOOK_RETURN_IF_ERROR(CatchUp(events, read_models));
  const std::unique_ptr<store::KeyValue> rebuilt = store::NewMemoryKeyValue();
  DAYBOOK_RETURN_IF_ERROR(daybook::Annotate(CatchUp(events, *rebuilt), "rebuilding"));
  for (const std::string& table : rebuilt->TableNames()) {
    DAYBOOK_RETURN_IF_ERROR(CompareTable(table, read_models, *rebuilt, report));
  }
  return report;
}

absl::StatusOr<VerifyReport> Verify(const std::string& data_dir) {
  std::error_code error;
  if (!std::filesystem::exists(data_dir + "/events/0", error)) {
    return absl::NotFoundError(absl::StrCat(data_dir, " holds no events"));
  }
  store::RocksEventStoreOptions event_options;
  event_options.path = data_dir + "/events/0";
  DAYBOOK_ASSIGN_OR_RETURN(const auto events, store::OpenRocksEventStore(event_options));
  store::RocksKeyValueOptions model_options;
  model_options.path = data_dir + "/read-models";
  DAYBOOK_ASSIGN_OR_RETURN(const auto read_models, store::OpenRocksKeyValue(model_options));
  return VerifyStores(*events, *read_models);
}

}  // namespace beneficiary
