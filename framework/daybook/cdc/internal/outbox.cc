#include "daybook/cdc/internal/outbox.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace daybook::cdc::internal {
namespace {

constexpr char kFirstCommandFormat = 1;   // without aggregate and emission
constexpr char kSecondCommandFormat = 2;  // without what the source says the change was
constexpr char kLetterFormat = 3;
constexpr char kCommandFormat = 4;
constexpr absl::Duration kRetryDelay = absl::Milliseconds(20);
constexpr std::string_view kLetterCategory = "dead_letter";

std::string SequenceKey(std::uint64_t sequence) {
  std::string key;
  AppendBigEndian64(key, sequence);
  return key;
}

absl::Status Damaged() { return absl::DataLossError("a stored entry of the gateway's outbox cannot be read"); }

void AppendOptional(std::string& out, const std::optional<std::string>& text) {
  out.push_back(text ? 1 : 0);
  if (text) AppendLengthPrefixed(out, *text);
}

bool ConsumeText(std::string_view& in, std::string& text) {
  std::string_view bytes;
  if (!ConsumeLengthPrefixed(in, bytes)) return false;
  text = std::string(bytes);
  return true;
}

bool ConsumeOptional(std::string_view& in, std::optional<std::string>& text) {
  if (in.empty()) return false;
  const bool present = in.front() != 0;
  in.remove_prefix(1);
  if (!present) return true;
  text.emplace();
  return ConsumeText(in, *text);
}

bool ConsumeSigned(std::string_view& in, std::int64_t& value) {
  std::uint64_t number = 0;
  if (!ConsumeVarint(in, number)) return false;
  value = static_cast<std::int64_t>(number);
  return true;
}

bool ConsumeUuid(std::string_view& in, Uuid& id) {
  std::string_view bytes;
  if (!ConsumeLengthPrefixed(in, bytes)) return false;
  const std::optional<Uuid> uuid = Uuid::FromBytes(bytes);
  if (!uuid) return false;
  id = *uuid;
  return true;
}

std::string EncodeCommand(const Command& command) {
  std::string out(1, kCommandFormat);
  AppendLengthPrefixed(out, command.id.uuid().raw());
  AppendLengthPrefixed(out, command.stream.text());
  AppendLengthPrefixed(out, command.type);
  AppendVarint(out, static_cast<std::uint64_t>(command.source_time.micros()));
  AppendLengthPrefixed(out, command.payload);
  AppendLengthPrefixed(out, command.aggregate);
  AppendVarint(out, command.emission);
  AppendLengthPrefixed(out, command.source_change);
  return out;
}

bool DecodeCommand(char format, std::string_view in, Command& command) {
  Uuid id;
  std::string_view stream;
  std::int64_t time = 0;
  if (!ConsumeUuid(in, id) || !ConsumeLengthPrefixed(in, stream) || !ConsumeText(in, command.type) ||
      !ConsumeSigned(in, time) || !ConsumeText(in, command.payload)) {
    return false;
  }
  if (format != kFirstCommandFormat && (!ConsumeText(in, command.aggregate) || !ConsumeVarint(in, command.emission))) {
    return false;
  }
  if (format == kCommandFormat && !ConsumeText(in, command.source_change)) return false;
  const std::optional<StreamId> parsed = StreamId::Parse(stream);
  if (!parsed) return false;
  command.id = CommandId(id);
  command.stream = *parsed;
  command.source_time = Timestamp::FromMicros(time);
  return true;
}

std::string EncodeLetter(const DeadLetter& letter) {
  std::string out(1, kLetterFormat);
  AppendLengthPrefixed(out, letter.id.raw());
  AppendLengthPrefixed(out, letter.topic);
  AppendVarint(out, static_cast<std::uint64_t>(letter.partition));
  AppendVarint(out, static_cast<std::uint64_t>(letter.offset));
  AppendVarint(out, static_cast<std::uint64_t>(letter.timestamp.micros()));
  AppendOptional(out, letter.key);
  AppendOptional(out, letter.value);
  AppendVarint(out, letter.headers.size());
  for (const DeadLetter::Header& header : letter.headers) {
    AppendLengthPrefixed(out, header.name);
    AppendLengthPrefixed(out, header.value);
  }
  AppendVarint(out, static_cast<std::uint64_t>(letter.why.raw_code()));
  AppendLengthPrefixed(out, ToStd(letter.why.message()));
  AppendVarint(out, static_cast<std::uint64_t>(letter.at.micros()));
  return out;
}

bool DecodeLetter(std::string_view in, DeadLetter& letter) {
  std::int64_t partition = 0;
  std::int64_t timestamp = 0;
  std::int64_t code = 0;
  std::int64_t at = 0;
  std::uint64_t headers = 0;
  std::string message;
  if (!ConsumeUuid(in, letter.id) || !ConsumeText(in, letter.topic) || !ConsumeSigned(in, partition) ||
      !ConsumeSigned(in, letter.offset) || !ConsumeSigned(in, timestamp) || !ConsumeOptional(in, letter.key) ||
      !ConsumeOptional(in, letter.value) || !ConsumeVarint(in, headers)) {
    return false;
  }
  for (; headers > 0; --headers) {
    DeadLetter::Header& header = letter.headers.emplace_back();
    if (!ConsumeText(in, header.name) || !ConsumeText(in, header.value)) return false;
  }
  if (!ConsumeSigned(in, code) || !ConsumeText(in, message) || !ConsumeSigned(in, at)) return false;
  letter.partition = static_cast<std::int32_t>(partition);
  letter.timestamp = Timestamp::FromMicros(timestamp);
  letter.why = absl::Status(static_cast<absl::StatusCode>(code), message);
  letter.at = Timestamp::FromMicros(at);
  return true;
}

// A letter has the id, and a stream of its own, of what stands for it in the outbox.
Command InPlaceOf(const DeadLetter& letter) {
  Command command;
  command.id = CommandId(letter.id);
  command.stream = StreamId(kLetterCategory, letter.id.ToString());
  return command;
}

void AddToDirectory(const DeadLetter& letter, DeadLetters& directory) {
  Record record{.topic = letter.topic,
                .partition = letter.partition,
                .offset = letter.offset,
                .timestamp_ms = letter.timestamp.millis(),
                .key = letter.key,
                .value = letter.value,
                .headers = {}};
  for (const DeadLetter::Header& header : letter.headers) record.headers.push_back({header.name, header.value});
  directory.AddRecord(record, letter.why, letter.at);
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

std::string Outbox::Encode(const Entry& entry) {
  return entry.letter ? EncodeLetter(*entry.letter) : EncodeCommand(entry.command);
}

absl::StatusOr<Outbox::Entry> Outbox::Decode(std::string_view key, std::string_view in) {
  if (key.size() != 8 || in.empty()) return Damaged();
  const char format = in.front();
  in.remove_prefix(1);
  Entry entry;
  if (format == kLetterFormat) {
    if (!DecodeLetter(in, entry.letter.emplace())) return Damaged();
    entry.command = InPlaceOf(*entry.letter);
  } else {
    const bool known = format == kCommandFormat || format == kSecondCommandFormat || format == kFirstCommandFormat;
    if (!known || !DecodeCommand(format, in, entry.command)) return Damaged();
  }
  entry.command.sequence = ReadBigEndian64(key.data());
  return entry;
}

void Outbox::Add(Command command) { AddEntry({std::move(command), std::nullopt}); }

void Outbox::AddLetter(DeadLetter letter) {
  Entry entry{InPlaceOf(letter), std::nullopt};
  entry.letter = std::move(letter);
  AddEntry(std::move(entry));
}

void Outbox::AddEntry(Entry entry) {
  entry.command.sequence = next_sequence_++;
  ++size_;
  Index(entry);
  added_.push_back(std::move(entry));
}

// Of letters that were read back only so many are remembered, too few to do without.
bool Outbox::NeedsSync() const {
  if (sink_->recall() == CommandSink::Recall::kNone) return !added_.empty();
  return std::any_of(added_.begin(), added_.end(), [](const Entry& entry) { return entry.letter.has_value(); });
}

absl::Status Outbox::EnsureIndexed() {
  if (indexed_) return absl::OkStatus();
  indexed_ = true;
  const auto cursor = kv_->Scan(table_, "", "");
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) break;
    DAYBOOK_ASSIGN_OR_RETURN(const Entry entry, Decode(cursor->key(), cursor->value()));
    Index(entry);
  }
  // Acknowledged since, and still stored.
  for (const std::uint64_t sequence : removed_) {
    DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> stored, kv_->Get(table_, SequenceKey(sequence)));
    if (!stored) continue;
    DAYBOOK_ASSIGN_OR_RETURN(const Entry entry, Decode(SequenceKey(sequence), *stored));
    Unindex(entry);
  }
  return absl::OkStatus();
}

void Outbox::Index(const Entry& entry) {
  if (!indexed_) return;
  by_id_[entry.command.id.uuid()] = {entry.command.sequence, entry.command.stream.text()};
  by_stream_[entry.command.stream.text()][entry.command.sequence] = entry.command.id.uuid();
}

void Outbox::Unindex(const Entry& entry) {
  if (!indexed_) return;
  by_id_.erase(entry.command.id.uuid());
  const auto stream = by_stream_.find(entry.command.stream.text());
  if (stream == by_stream_.end()) return;
  stream->second.erase(entry.command.sequence);
  if (stream->second.empty()) by_stream_.erase(stream);
}

void Outbox::Drop(std::uint64_t sequence) {
  waiting_.erase(sequence);
  if (const auto node = in_flight_.extract(sequence); !node.empty()) {
    busy_streams_.erase(node.mapped().command.stream.text());
  }
  --size_;
  removed_.push_back(sequence);
}

absl::StatusOr<bool> Outbox::RemovePublished(const Uuid& id) {
  DAYBOOK_RETURN_IF_ERROR(EnsureIndexed());
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  const Known known = found->second;
  const auto stream = by_stream_.find(known.stream);
  while (!stream->second.empty() && stream->second.begin()->first <= known.sequence) {
    ++published_;
    Drop(stream->second.begin()->first);
    by_id_.erase(stream->second.begin()->second);
    stream->second.erase(stream->second.begin());
  }
  if (stream->second.empty()) by_stream_.erase(stream);
  return true;
}

absl::Status Outbox::RemoveStream(std::string_view name) {
  DAYBOOK_RETURN_IF_ERROR(EnsureIndexed());
  const auto stream = by_stream_.find(name);
  if (stream == by_stream_.end()) return absl::OkStatus();
  for (const auto& [sequence, id] : stream->second) {
    Drop(sequence);
    by_id_.erase(id);
  }
  by_stream_.erase(stream);
  return absl::OkStatus();
}

void Outbox::AppendTo(store::WriteBatch& batch) {
  for (const Entry& entry : added_) batch.Put(table_, SequenceKey(entry.command.sequence), Encode(entry));
  for (const std::uint64_t sequence : removed_) batch.Delete(table_, SequenceKey(sequence));
}

void Outbox::Committed() {
  removed_.clear();
  for (Entry& entry : added_) {
    const std::uint64_t sequence = entry.command.sequence;
    const bool contiguous = read_up_to_ + 1 == sequence;
    if (!contiguous || waiting_.size() >= in_flight_max_) continue;  // read back when there is room
    read_up_to_ = sequence;
    waiting_.emplace(sequence, std::move(entry));
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
    DAYBOOK_ASSIGN_OR_RETURN(Entry entry, Decode(cursor->key(), cursor->value()));
    read_up_to_ = entry.command.sequence;
    waiting_.emplace(read_up_to_, std::move(entry));
  }
  return absl::OkStatus();
}

void Outbox::TakeAnswers() {
  std::vector<std::pair<std::uint64_t, absl::Status>> list;
  {
    absl::MutexLock lock(&answers_->mu);
    list.swap(answers_->list);
  }
  for (const auto& [sequence, status] : list) {
    auto node = in_flight_.extract(sequence);
    if (node.empty()) continue;
    const Command& command = node.mapped().command;
    busy_streams_.erase(command.stream.text());
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
          {{"command", command.id.ToString()}, {"error", std::string(status.ToString())}});
      if (node.mapped().letter) {
        AddToDirectory(*node.mapped().letter, *dead_letters_);
      } else {
        dead_letters_->AddCommand(command, status, clock_->Now());
      }
    }
    --size_;
    Unindex(node.mapped());
    removed_.push_back(sequence);
  }
}

absl::Status Outbox::Offer(const Entry& entry) {
  auto done = [answers = answers_, sequence = entry.command.sequence](const absl::Status& status) {
    absl::MutexLock lock(&answers->mu);
    answers->list.emplace_back(sequence, status);
    answers->changed.Signal();
  };
  return entry.letter ? sink_->PublishDeadLetter(*entry.letter, std::move(done))
                      : sink_->Publish(entry.command, std::move(done));
}

absl::Status Outbox::Publish() {
  TakeAnswers();
  DAYBOOK_RETURN_IF_ERROR(Refill());
  if (clock_->Monotonic() < retry_at_) return absl::OkStatus();
  for (auto it = waiting_.begin(); it != waiting_.end() && in_flight_.size() < in_flight_max_;) {
    if (busy_streams_.contains(it->second.command.stream.text())) {
      ++it;
      continue;
    }
    const std::uint64_t sequence = it->first;
    const auto [placed, inserted] = in_flight_.emplace(sequence, std::move(it->second));
    it = waiting_.erase(it);
    busy_streams_.insert(placed->second.command.stream.text());
    const absl::Status taken = Offer(placed->second);
    if (taken.ok()) continue;
    absl::MutexLock lock(&answers_->mu);
    answers_->list.emplace_back(sequence, taken);
    break;
  }
  TakeAnswers();
  return absl::OkStatus();
}

void Outbox::WaitForAnswer(absl::Duration timeout) {
  absl::MutexLock lock(&answers_->mu);
  if (answers_->list.empty()) answers_->changed.WaitWithTimeout(&answers_->mu, timeout);
}

}  // namespace daybook::cdc::internal
