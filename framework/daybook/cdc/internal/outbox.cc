#include "daybook/cdc/internal/outbox.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace daybook::cdc::internal {
namespace {

constexpr char kCommandFormat = 1;
constexpr absl::Duration kRetryDelay = absl::Milliseconds(20);

std::string SequenceKey(std::uint64_t sequence) {
  std::string key;
  AppendBigEndian64(key, sequence);
  return key;
}

std::string Encode(const Command& command) {
  std::string out(1, kCommandFormat);
  AppendLengthPrefixed(out, command.id.uuid().raw());
  AppendLengthPrefixed(out, command.stream.text());
  AppendLengthPrefixed(out, command.type);
  AppendVarint(out, static_cast<std::uint64_t>(command.source_time.micros()));
  AppendLengthPrefixed(out, command.payload);
  return out;
}

absl::StatusOr<Command> Decode(std::string_view key, std::string_view in) {
  const absl::Status damaged = absl::DataLossError("a stored command of the gateway's outbox cannot be read");
  if (key.size() != 8 || in.empty() || in.front() != kCommandFormat) return damaged;
  in.remove_prefix(1);
  std::string_view id;
  std::string_view stream;
  std::string_view type;
  std::string_view payload;
  std::uint64_t time = 0;
  if (!ConsumeLengthPrefixed(in, id) || !ConsumeLengthPrefixed(in, stream) || !ConsumeLengthPrefixed(in, type) ||
      !ConsumeVarint(in, time) || !ConsumeLengthPrefixed(in, payload)) {
    return damaged;
  }
  const auto uuid = Uuid::FromBytes(id);
  const auto stream_id = StreamId::Parse(stream);
  if (!uuid || !stream_id) return damaged;
  Command command;
  command.sequence = ReadBigEndian64(key.data());
  command.id = CommandId(*uuid);
  command.stream = *stream_id;
  command.type = std::string(type);
  command.payload = std::string(payload);
  command.source_time = Timestamp::FromMicros(static_cast<std::int64_t>(time));
  return command;
}

bool IsRetriable(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kDeadlineExceeded || code == absl::StatusCode::kAborted ||
         code == absl::StatusCode::kCancelled;
}

}  // namespace

// Outlives the outbox: a sink may answer late.
struct Outbox::Answers {
  absl::Mutex mu;
  absl::CondVar changed;
  std::vector<std::pair<std::uint64_t, absl::Status>> list ABSL_GUARDED_BY(mu);
};

Outbox::Outbox(store::KeyValue* kv, store::TableId table, CommandSink* sink, const Clock* clock,
               DeadLetters* dead_letters, std::size_t in_flight_max)
    : kv_(kv),
      table_(table),
      sink_(sink),
      clock_(clock),
      dead_letters_(dead_letters),
      in_flight_max_(in_flight_max),
      answers_(std::make_shared<Answers>()) {}

Outbox::~Outbox() = default;

absl::Status Outbox::Load() {
  const auto cursor = kv_->Scan(table_, "", "");
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return absl::OkStatus();
    if (cursor->key().size() != 8) continue;  // the counter, written last
    ++size_;
    next_sequence_ = ReadBigEndian64(cursor->key().data()) + 1;
  }
}

void Outbox::Add(Command command) {
  command.sequence = next_sequence_++;
  ++size_;
  added_.push_back(std::move(command));
}

void Outbox::AppendTo(store::WriteBatch& batch) {
  for (const Command& command : added_) batch.Put(table_, SequenceKey(command.sequence), Encode(command));
  for (const std::uint64_t sequence : removed_) batch.Delete(table_, SequenceKey(sequence));
}

void Outbox::Committed() {
  removed_.clear();
  for (Command& command : added_) {
    const bool contiguous = read_up_to_ + 1 == command.sequence;
    if (!contiguous || waiting_.size() >= in_flight_max_) continue;  // read back when there is room
    read_up_to_ = command.sequence;
    waiting_.emplace(command.sequence, std::move(command));
  }
  added_.clear();
}

absl::Status Outbox::Refill() {
  if (waiting_.size() >= in_flight_max_ || read_up_to_ + 1 >= next_sequence_) return absl::OkStatus();
  const auto cursor = kv_->Scan(table_, SequenceKey(read_up_to_ + 1), "");
  while (waiting_.size() < in_flight_max_) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) {
      read_up_to_ = next_sequence_ - 1 - added_.size();
      break;
    }
    DAYBOOK_ASSIGN_OR_RETURN(Command command, Decode(cursor->key(), cursor->value()));
    read_up_to_ = command.sequence;
    waiting_.emplace(command.sequence, std::move(command));
  }
  return absl::OkStatus();
}

absl::Status Outbox::TakeAnswers() {
  std::vector<std::pair<std::uint64_t, absl::Status>> list;
  {
    absl::MutexLock lock(&answers_->mu);
    list.swap(answers_->list);
  }
  for (const auto& [sequence, status] : list) {
    auto node = in_flight_.extract(sequence);
    if (node.empty()) continue;
    busy_streams_.erase(node.mapped().stream.text());
    if (IsRetriable(status.code())) {
      retry_at_ = clock_->Monotonic() + kRetryDelay;
      waiting_.insert(std::move(node));
      continue;
    }
    if (status.ok()) {
      ++published_;
    } else {
      ++set_aside_;
      Log(LogLevel::kError, "a command of the gateway was refused and set aside",
          {{"command", node.mapped().id.ToString()}, {"error", std::string(status.ToString())}});
      dead_letters_->AddCommand(node.mapped(), status, clock_->Now());
    }
    --size_;
    removed_.push_back(sequence);
  }
  return absl::OkStatus();
}

absl::Status Outbox::Publish() {
  DAYBOOK_RETURN_IF_ERROR(TakeAnswers());
  DAYBOOK_RETURN_IF_ERROR(Refill());
  if (clock_->Monotonic() < retry_at_) return absl::OkStatus();
  for (auto it = waiting_.begin(); it != waiting_.end() && in_flight_.size() < in_flight_max_;) {
    Command& command = it->second;
    const std::string& stream = command.stream.text();
    if (busy_streams_.contains(stream)) {
      ++it;
      continue;
    }
    const std::uint64_t sequence = it->first;
    const auto [placed, inserted] = in_flight_.emplace(sequence, std::move(command));
    it = waiting_.erase(it);
    busy_streams_.insert(placed->second.stream.text());
    const absl::Status taken =
        sink_->Publish(placed->second, [answers = answers_, sequence](const absl::Status& status) {
          absl::MutexLock lock(&answers->mu);
          answers->list.emplace_back(sequence, status);
          answers->changed.Signal();
        });
    if (taken.ok()) continue;
    absl::MutexLock lock(&answers_->mu);
    answers_->list.emplace_back(sequence, taken);
    break;
  }
  return TakeAnswers();
}

void Outbox::WaitForAnswer(absl::Duration timeout) {
  absl::MutexLock lock(&answers_->mu);
  if (answers_->list.empty()) answers_->changed.WaitWithTimeout(&answers_->mu, timeout);
}

}  // namespace daybook::cdc::internal
