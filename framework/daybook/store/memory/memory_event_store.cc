#include "daybook/store/memory/memory_event_store.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/internal/batch_checks.h"
#include "daybook/store/internal/durable_watermark.h"
#include "daybook/store/internal/log_subscription.h"

namespace daybook::store {
namespace {

// An event in the log. Records never change or move, so views into them outlive the lock.
struct Record {
  std::string stream;
  Revision revision;
  std::uint32_t index;
  std::uint32_t count;
  EventData data;
};

EventView ViewOf(const Record& record, Position position) {
  return {record.stream,    record.revision,      position,        record.index, record.count,
          record.data.type, record.data.envelope, record.data.data};
}

// A cursor over records that were collected when it was made.
class MemoryCursor : public EventCursor {
 public:
  explicit MemoryCursor(std::vector<EventView> events) : events_(std::move(events)) {}

  absl::StatusOr<bool> Next() override {
    if (next_ == events_.size()) return false;
    ++next_;
    return true;
  }
  const EventView& event() const override { return events_[next_ - 1]; }

 private:
  const std::vector<EventView> events_;
  std::size_t next_ = 0;
};

class MemoryEventStore : public EventStore {
 public:
  ~MemoryEventStore() override { watermark_->Close(); }

  absl::StatusOr<Appended> Append(const Batch& batch) override;
  absl::Status WriteSnapshots(const std::vector<SnapshotRow>& snapshots) override;
  absl::StatusOr<WriterEpoch> ClaimEpoch() override;
  std::unique_ptr<EventCursor> ReadStream(const StreamId& stream, Revision from, Direction direction) override;
  std::unique_ptr<EventCursor> ReadAll(Position from) override;
  std::unique_ptr<Subscription> Subscribe(Position from) override;
  absl::StatusOr<StreamHead> Head(const StreamId& stream) override;
  absl::StatusOr<std::optional<OutcomeRow>> FindOutcome(CommandId id, Timestamp not_before) override;
  absl::StatusOr<std::optional<SnapshotRow>> FindSnapshot(const StreamId& stream) override;
  absl::StatusOr<std::vector<DeadlineRow>> DueDeadlines(Timestamp until, std::size_t limit) override;
  absl::StatusOr<std::optional<std::string>> FindInputPosition(std::string_view source) override;
  Position DurableWatermark() const override { return watermark_->Get(); }
  absl::Status health() const override { return absl::OkStatus(); }

  // The events from `from` to `to`, cut by `limits` after a whole command.
  void Collect(Position from, Position to, const BatchLimits& limits, std::vector<EventView>& out) const;

 private:
  using DeadlineKey = std::tuple<Timestamp, std::string, std::string>;

  absl::Status CheckAppends(const Batch& batch) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Store(const StreamAppend& append) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StoreRows(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StoreSnapshot(const SnapshotRow& row, Position watermark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<internal::DurableWatermark> watermark_ =
      std::make_shared<internal::DurableWatermark>(Position());

  mutable absl::Mutex mu_;
  std::deque<Record> log_ ABSL_GUARDED_BY(mu_);
  StringMap<std::vector<Position>> streams_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<CommandId, OutcomeRow> outcomes_ ABSL_GUARDED_BY(mu_);
  StringMap<SnapshotRow> snapshots_ ABSL_GUARDED_BY(mu_);
  std::map<DeadlineKey, std::string> deadlines_ ABSL_GUARDED_BY(mu_);
  StringMap<std::string> inputs_ ABSL_GUARDED_BY(mu_);
  WriterEpoch epoch_ ABSL_GUARDED_BY(mu_);
};

class MemoryLogReader : public internal::LogReader {
 public:
  explicit MemoryLogReader(const MemoryEventStore& store) : store_(store) {}

  absl::Status Read(Position from, Position to, const BatchLimits& limits, std::vector<EventView>& out) override {
    store_.Collect(from, to, limits, out);
    return absl::OkStatus();
  }

 private:
  const MemoryEventStore& store_;
};

absl::Status MemoryEventStore::CheckAppends(const Batch& batch) const {
  DAYBOOK_RETURN_IF_ERROR(internal::CheckEpoch(batch.epoch, epoch_));
  DAYBOOK_RETURN_IF_ERROR(internal::CheckFirstPosition(batch.first_position, Position(log_.size() + 1)));
  StringMap<Revision> staged;
  for (const StreamAppend& append : batch.appends) {
    const auto [it, first] = staged.try_emplace(append.stream.text());
    if (first) {
      const auto stored = streams_.find(append.stream.text());
      if (stored != streams_.end()) it->second = Revision(stored->second.size());
    }
    DAYBOOK_RETURN_IF_ERROR(internal::CheckExpected(append, it->second));
    it->second = it->second.Plus(append.events.size());
  }
  return absl::OkStatus();
}

void MemoryEventStore::Store(const StreamAppend& append) {
  std::vector<Position>& positions = streams_[append.stream.text()];
  const auto count = static_cast<std::uint32_t>(append.events.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    positions.push_back(Position(log_.size() + 1));
    log_.push_back({append.stream.text(), Revision(positions.size()), i, count, append.events[i]});
  }
}

void MemoryEventStore::StoreSnapshot(const SnapshotRow& row, Position watermark) {
  const auto stored = snapshots_.find(row.stream.text());
  const Revision revision = stored == snapshots_.end() ? Revision() : stored->second.revision;
  if (internal::TakesSnapshot(row, revision, watermark)) snapshots_[row.stream.text()] = row;
}

void MemoryEventStore::StoreRows(const Batch& batch) {
  for (const OutcomeRow& row : batch.outcomes) outcomes_[row.command_id] = row;
  for (const SnapshotRow& row : batch.snapshots) StoreSnapshot(row, Position(log_.size()));
  for (const DeadlineRow& row : batch.deadlines_set) deadlines_[{row.due, row.owner, row.key}] = row.payload;
  for (const DeadlineRow& row : batch.deadlines_cleared) deadlines_.erase({row.due, row.owner, row.key});
  for (const InputPosition& input : batch.inputs) inputs_[input.source] = input.value;
}

absl::StatusOr<Appended> MemoryEventStore::Append(const Batch& batch) {
  DAYBOOK_RETURN_IF_ERROR(internal::CheckBatch(batch));
  Appended appended;
  absl::MutexLock lock(&mu_);
  DAYBOOK_RETURN_IF_ERROR(CheckAppends(batch));
  if (!batch.appends.empty()) appended.first = Position(log_.size() + 1);
  for (const StreamAppend& append : batch.appends) {
    Store(append);
    appended.last_revisions.push_back(Revision(streams_[append.stream.text()].size()));
  }
  StoreRows(batch);
  epoch_ = batch.epoch;
  appended.last = Position(log_.size());
  watermark_->Advance(appended.last);
  return appended;
}

absl::Status MemoryEventStore::WriteSnapshots(const std::vector<SnapshotRow>& snapshots) {
  for (const SnapshotRow& row : snapshots) DAYBOOK_RETURN_IF_ERROR(internal::CheckSnapshot(row));
  absl::MutexLock lock(&mu_);
  for (const SnapshotRow& row : snapshots) StoreSnapshot(row, watermark_->Get());
  return absl::OkStatus();
}

absl::StatusOr<WriterEpoch> MemoryEventStore::ClaimEpoch() {
  absl::MutexLock lock(&mu_);
  epoch_ = epoch_.Next();
  return epoch_;
}

std::unique_ptr<EventCursor> MemoryEventStore::ReadStream(const StreamId& stream, Revision from, Direction direction) {
  std::vector<EventView> events;
  const Position watermark = watermark_->Get();
  absl::ReaderMutexLock lock(&mu_);
  const auto found = streams_.find(stream.text());
  if (found != streams_.end()) {
    const std::vector<Position>& positions = found->second;
    std::size_t begin = direction == Direction::kForwards && from.value() > 0 ? from.value() - 1 : 0;
    std::size_t end = positions.size();
    if (direction == Direction::kBackwards && from != Revision()) end = std::min<std::size_t>(end, from.value());
    for (std::size_t i = begin; i < end && positions[i] <= watermark; ++i) {
      events.push_back(ViewOf(log_[positions[i].value() - 1], positions[i]));
    }
  }
  if (direction == Direction::kBackwards) std::reverse(events.begin(), events.end());
  return std::make_unique<MemoryCursor>(std::move(events));
}

void MemoryEventStore::Collect(Position from, Position to, const BatchLimits& limits,
                               std::vector<EventView>& out) const {
  absl::ReaderMutexLock lock(&mu_);
  std::size_t bytes = 0;
  for (Position at = from; at <= to; at = at.Next()) {
    out.push_back(ViewOf(log_[at.value() - 1], at));
    bytes += internal::BytesOf(out.back());
    if (internal::AtLimit(limits, out.size(), bytes, out.back())) return;
  }
}

std::unique_ptr<EventCursor> MemoryEventStore::ReadAll(Position from) {
  std::vector<EventView> events;
  Collect(std::max(from, Position(1)), watermark_->Get(), BatchLimits{~std::size_t{0}, ~std::size_t{0}}, events);
  return std::make_unique<MemoryCursor>(std::move(events));
}

std::unique_ptr<Subscription> MemoryEventStore::Subscribe(Position from) {
  return std::make_unique<internal::LogSubscription>(watermark_, std::make_unique<MemoryLogReader>(*this), from);
}

absl::StatusOr<StreamHead> MemoryEventStore::Head(const StreamId& stream) {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = streams_.find(stream.text());
  if (found == streams_.end()) return StreamHead{};
  return StreamHead{Revision(found->second.size()), found->second.back()};
}

absl::StatusOr<std::optional<OutcomeRow>> MemoryEventStore::FindOutcome(CommandId id, Timestamp not_before) {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = outcomes_.find(id);
  if (found == outcomes_.end() || found->second.decided_at < not_before) return std::optional<OutcomeRow>();
  return std::optional<OutcomeRow>(found->second);
}

absl::StatusOr<std::optional<SnapshotRow>> MemoryEventStore::FindSnapshot(const StreamId& stream) {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = snapshots_.find(stream.text());
  if (found == snapshots_.end()) return std::optional<SnapshotRow>();
  return std::optional<SnapshotRow>(found->second);
}

absl::StatusOr<std::vector<DeadlineRow>> MemoryEventStore::DueDeadlines(Timestamp until, std::size_t limit) {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<DeadlineRow> due;
  for (const auto& [key, payload] : deadlines_) {
    if (std::get<0>(key) > until || due.size() == limit) break;
    due.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), payload});
  }
  return due;
}

absl::StatusOr<std::optional<std::string>> MemoryEventStore::FindInputPosition(std::string_view source) {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = inputs_.find(source);
  if (found == inputs_.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

}  // namespace

std::unique_ptr<EventStore> NewMemoryEventStore() { return std::make_unique<MemoryEventStore>(); }

}  // namespace daybook::store
