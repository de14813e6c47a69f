#include "daybook/bus/kafka/internal/kafka_consumer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {
namespace {

constexpr std::size_t kFetchBytesMinMax = 100'000'000;  // librdkafka's
constexpr int kLooksMax = 1000;                         // at records in one Poll, once its time is over

constexpr absl::Duration kAskTimeout = absl::Seconds(1);
constexpr absl::Duration kCheckTimeout = absl::Seconds(5);  // for what is asked where a record is gone
constexpr absl::Duration kUnseen = absl::Seconds(10);       // without a Poll: topics can have been made anew meanwhile

absl::Status Gone(const TopicPartition& partition, Offset next) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        partition.ToString(), " is not there, but it was read up to offset ", next.value(),
                        ": the topic was deleted or made anew; decide what that means, then assign without it")),
                    "PARTITION_GONE");
}

absl::Status Recreated(const TopicPartition& partition, const ReadMark& last, std::string_view found) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        partition.ToString(), " does not have at offset ", last.offset.value(),
                        " the record that was read from it (there is ", ToAbsl(found), " instead of one of time ",
                        last.timestamp.millis(),
                        "): the topic was made anew; decide what that means, then assign it from its first record")),
                    "TOPIC_RECREATED");
}

struct KafkaHeaders {
  explicit KafkaHeaders(const rd_kafka_message_t* message) {
    rd_kafka_headers_t* found = nullptr;
    if (rd_kafka_message_headers(message, &found) == RD_KAFKA_RESP_ERR_NO_ERROR) list = found;  // the message's
  }
  rd_kafka_headers_t* list = nullptr;
};

void AppendHeaders(const rd_kafka_message_t* message, std::vector<Header>& out) {
  const KafkaHeaders headers(message);
  if (headers.list == nullptr) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers.list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    Header header{.name = name, .value = std::nullopt};
    if (value != nullptr) header.value = std::string_view(static_cast<const char*>(value), size);
    out.push_back(header);
  }
}

std::optional<std::string_view> BytesOf(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

}  // namespace

struct KafkaConsumer::Gathered {
  // What the records of a batch refer to. The client goes last.
  struct Memory {
    std::shared_ptr<Client> client;
    std::vector<MessageHandle> messages;
    std::vector<Header> headers;
  };

  std::shared_ptr<Memory> memory = std::make_shared<Memory>();
  std::vector<std::size_t> header_ends;  // in memory->headers, by message
  std::size_t bytes = 0;

  RecordBatch Finish();
};

RecordBatch KafkaConsumer::Gathered::Finish() {
  std::vector<Record> records;
  records.reserve(memory->messages.size());
  const std::span<const Header> headers = memory->headers;
  std::size_t header = 0;
  for (std::size_t i = 0; i < memory->messages.size(); ++i) {
    const rd_kafka_message_t* message = memory->messages[i].get();
    rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const std::int64_t time_ms = rd_kafka_message_timestamp(message, &kind);
    records.push_back({.topic = rd_kafka_topic_name(message->rkt),
                       .partition = BusPartition(message->partition),
                       .offset = Offset(message->offset),
                       .timestamp = Timestamp::FromMillis(kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : time_ms),
                       .key = BytesOf(message->key, message->key_len),
                       .value = BytesOf(message->payload, message->len),
                       .headers = headers.subspan(header, header_ends[i] - header)});
    header = header_ends[i];
  }
  return RecordBatch(std::move(records), std::move(memory));
}

absl::StatusOr<std::unique_ptr<Consumer>> KafkaConsumer::Make(const KafkaOptions& kafka, const ConsumerOptions& options,
                                                              KafkaAdmin& admin) {
  if (options.queue_bytes_max < 1024)
    return absl::InvalidArgumentError("ConsumerOptions::queue_bytes_max is too small");
  if (options.metadata_interval <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("ConsumerOptions::metadata_interval is not positive");
  }
  if (options.fetch_bytes_min < 1 || options.fetch_bytes_min > kFetchBytesMinMax) {
    return absl::InvalidArgumentError("ConsumerOptions::fetch_bytes_min is not from 1 to 100000000");
  }
  auto client = std::make_shared<Client>(kafka, Role::kConsumer, options.name);
  DAYBOOK_ASSIGN_OR_RETURN(
      ConfHandle conf,
      client->MakeConf(
          {{"group.id", "daybook-reader"},  // librdkafka demands one; nobody joins it
           {"enable.auto.commit", "false"},
           {"enable.auto.offset.store", "false"},
           {"auto.offset.reset", "error"},
           {"enable.partition.eof", "true"},
           {"check.crcs", "true"},
           {"isolation.level", options.isolation == Isolation::kReadCommitted ? "read_committed" : "read_uncommitted"},
           {"fetch.wait.max.ms", absl::StrCat(ToMilliseconds(options.fetch_wait_max))},
           {"fetch.min.bytes", absl::StrCat(options.fetch_bytes_min)},
           {"queued.max.messages.kbytes", absl::StrCat(options.queue_bytes_max / 1024)}}));
  DAYBOOK_RETURN_IF_ERROR(client->Start(std::move(conf)));
  rd_kafka_poll_set_consumer(client->get());
  return std::unique_ptr<Consumer>(new KafkaConsumer(std::move(client), options, admin));
}

KafkaConsumer::KafkaConsumer(std::shared_ptr<Client> client, const ConsumerOptions& options, KafkaAdmin& admin)
    : client_(std::move(client)), options_(options), admin_(admin), polled_at_(MonotonicNow()) {
  finder_ = std::jthread([this](std::stop_token stop) { LookForPartitions(std::move(stop)); });
}

KafkaConsumer::~KafkaConsumer() {
  finder_.request_stop();
  finder_.join();
  const absl::Status closed = client_->CloseConsumer(absl::Seconds(5));
  if (!closed.ok()) Log(LogLevel::kWarning, "a consumer does not end", {{"why", std::string(closed.message())}});
}

absl::Status KafkaConsumer::AssignTopics(std::vector<std::string> topics, std::span<const Start> starts,
                                         absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  std::vector<Start> all(starts.begin(), starts.end());
  std::map<std::string, std::int32_t> counts;
  for (const std::string& topic : topics) {
    const absl::StatusOr<std::int32_t> count = AskPartitionCount(client_->get(), topic, deadline - MonotonicNow());
    if (!count.ok() && !absl::IsNotFound(count.status())) return count.status();
    counts[topic] = count.value_or(0);
    for (std::int32_t i = 0; i < counts[topic]; ++i) {
      const TopicPartition partition{topic, BusPartition(i)};
      if (std::none_of(starts.begin(), starts.end(), [&](const Start& s) { return s.partition == partition; })) {
        all.push_back({.partition = partition, .next = Offset(), .last = std::nullopt});
      }
    }
  }
  for (const Start& start : starts) {
    if (!counts.contains(start.partition.topic)) {
      return absl::InvalidArgumentError(start.partition.ToString() + " is of none of the topics to read");
    }
    if (start.partition.partition.value() < counts[start.partition.topic]) continue;
    if (start.next > Offset()) return Gone(start.partition, start.next);
    std::erase_if(all, [&](const Start& s) { return s.partition == start.partition; });
  }
  return Replace(std::move(topics), all, deadline - MonotonicNow());
}

absl::Status KafkaConsumer::Assign(std::span<const Start> starts, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  std::map<std::string, std::int32_t> counts;
  for (const Start& start : starts) {
    const std::string& topic = start.partition.topic;
    if (!counts.contains(topic)) {
      const absl::StatusOr<std::int32_t> count = AskPartitionCount(client_->get(), topic, deadline - MonotonicNow());
      if (!count.ok() && !absl::IsNotFound(count.status())) return count.status();
      counts[topic] = count.value_or(0);
    }
    const std::int32_t number = start.partition.partition.value();
    if (number < 0 || number >= counts[topic]) return Gone(start.partition, start.next);
  }
  return Replace({}, starts, deadline - MonotonicNow());
}

absl::Status KafkaConsumer::Replace(std::vector<std::string> topics, std::span<const Start> starts,
                                    absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  {
    absl::MutexLock lock(&mu_);
    topics_.clear();
    states_.clear();
    counts_.clear();
    has_news_ = false;
  }
  DAYBOOK_RETURN_IF_ERROR(client_->Assign(nullptr));
  failure_ = absl::OkStatus();
  DAYBOOK_RETURN_IF_ERROR(CheckStarts(starts, deadline - MonotonicNow()));
  DAYBOOK_RETURN_IF_ERROR(CheckMarks(starts, deadline - MonotonicNow()));
  DAYBOOK_RETURN_IF_ERROR(AssignList(std::vector<Start>(starts.begin(), starts.end())));
  absl::MutexLock lock(&mu_);
  for (const Start& start : starts) {
    std::vector<std::optional<State>>& of_topic = states_[start.partition.topic];
    const auto number = static_cast<std::size_t>(start.partition.partition.value());
    if (of_topic.size() <= number) of_topic.resize(number + 1);
    of_topic[number] = State{.next = start.next, .last = start.last};
  }
  is_caught_up_ = starts.empty();
  topics_.insert(topics.begin(), topics.end());
  polled_at_ = MonotonicNow();
  check_ = Check::kNone;
  return absl::OkStatus();
}

absl::Status KafkaConsumer::AssignList(const std::vector<Start>& starts) {
  const ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(starts.size())));
  for (const Start& start : starts) {
    rd_kafka_topic_partition_list_add(list.get(), start.partition.topic.c_str(), start.partition.partition.value())
        ->offset = start.next == Offset() ? RD_KAFKA_OFFSET_BEGINNING : start.next.value();
  }
  return client_->Assign(list.get());
}

absl::Status KafkaConsumer::OutOfRange(const TopicPartition& partition, Offset next, std::string_view how) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(partition.ToString(), " cannot be read from offset ", next.value(),
                                                 ": ", ToAbsl(how), "; decide what that means, then assign it anew")),
      "OFFSET_OUT_OF_RANGE");
}

absl::Status KafkaConsumer::CheckStarts(std::span<const Start> starts, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  for (const Start& start : starts) {
    if (start.next == Offset()) continue;
    if (start.next < Offset()) return absl::InvalidArgumentError(start.partition.ToString() + ": a negative offset");
    DAYBOOK_ASSIGN_OR_RETURN(const OffsetRange range, Offsets(start.partition, deadline - MonotonicNow()));
    if (start.next < range.begin || start.next > range.end) {
      return OutOfRange(start.partition, start.next,
                        ToStd(absl::StrCat("it holds ", range.begin.value(), " to ", range.end.value())));
    }
  }
  return absl::OkStatus();
}

// Reads the record at each mark, which must be the one that was read.
absl::Status KafkaConsumer::CheckMarks(std::span<const Start> starts, absl::Duration timeout) {
  DAYBOOK_RETURN_IF_ERROR(BeginCheck(starts));
  const absl::Duration deadline = MonotonicNow() + timeout;
  while (!open_marks_.empty()) {
    if (MonotonicNow() > deadline)
      return absl::UnavailableError("the broker did not give the last record read in time");
    DAYBOOK_RETURN_IF_ERROR(StepCheck(absl::Milliseconds(100)).status());
  }
  return client_->Assign(nullptr);
}

absl::Status KafkaConsumer::BeginCheck(std::span<const Start> starts) {
  std::vector<Start> at_marks;
  open_marks_.clear();
  for (const Start& start : starts) {
    if (!start.last.has_value() || start.next == Offset()) continue;
    at_marks.push_back({.partition = start.partition, .next = start.last->offset, .last = std::nullopt});
    open_marks_[start.partition] = *start.last;
  }
  return at_marks.empty() ? absl::OkStatus() : AssignList(at_marks);
}

// One answer of the broker, waited for at most so long; false: there was none.
absl::StatusOr<bool> KafkaConsumer::StepCheck(absl::Duration timeout) {
  const MessageHandle message(rd_kafka_consumer_poll(client_->get(), ToMilliseconds(timeout)));
  if (message == nullptr) return false;
  if (message->rkt == nullptr) return true;
  const auto found =
      open_marks_.find(TopicPartition{rd_kafka_topic_name(message->rkt), BusPartition(message->partition)});
  if (found == open_marks_.end()) return true;
  client_->SayReachable();
  const auto [partition, mark] = *found;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset == mark.offset.value()) {
    rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const std::int64_t time_ms = rd_kafka_message_timestamp(message.get(), &kind);
    if (time_ms != mark.timestamp.millis()) {
      return Recreated(partition, mark, ToStd(absl::StrCat("one of time ", time_ms)));
    }
  } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    DAYBOOK_RETURN_IF_ERROR(CheckMarkIsGone(partition, mark, kCheckTimeout));
  }
  open_marks_.erase(partition);  // other errors: reading on meets them too
  return true;
}

// There is no record at the mark. Retention and compaction can have taken it; where neither can, the topic is another
// one, with the end of a transaction there.
absl::Status KafkaConsumer::CheckMarkIsGone(const TopicPartition& partition, const ReadMark& mark,
                                            absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  DAYBOOK_ASSIGN_OR_RETURN(const OffsetRange range, Offsets(partition, deadline - MonotonicNow()));
  if (mark.offset < range.begin) return absl::OkStatus();
  const absl::StatusOr<bool> is_compacted = admin_.IsCompacted(partition.topic, deadline - MonotonicNow());
  if (absl::IsPermissionDenied(is_compacted.status())) {
    Log(LogLevel::kWarning, "whether a topic was made anew is not known: its settings may not be read",
        {{"partition", partition.ToString()}, {"offset", mark.offset.value()}});
    return absl::OkStatus();
  }
  DAYBOOK_RETURN_IF_ERROR(is_compacted.status());
  return *is_compacted ? absl::OkStatus() : Recreated(partition, mark, "none");
}

std::vector<Start> KafkaConsumer::Places() const {
  std::vector<Start> all;
  absl::MutexLock lock(&mu_);
  for (const auto& [topic, of_topic] : states_) {
    for (std::size_t i = 0; i < of_topic.size(); ++i) {
      if (!of_topic[i].has_value()) continue;
      all.push_back({.partition = {topic, BusPartition(static_cast<std::int32_t>(i))},
                     .next = of_topic[i]->next,
                     .last = of_topic[i]->last});
    }
  }
  return all;
}

void KafkaConsumer::CheckAgain(absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  if (check_ == Check::kDue) {
    failure_ = BeginCheck(Places());
    check_ = Check::kUnderWay;
  }
  // Whoever only looks, without time to wait, comes to an end too: some of what is there is taken.
  absl::StatusOr<bool> step = true;
  int looks = 0;
  while (step.ok() && failure_.ok() && !open_marks_.empty() &&
         (MonotonicNow() < deadline || (*step && ++looks <= kLooksMax))) {
    step = StepCheck(std::max(deadline - MonotonicNow(), absl::ZeroDuration()));
  }
  if (absl::IsUnavailable(step.status()) || (!step.ok() && !std::exchange(is_suspected_, true))) {
    // Not answered; or what was read ahead before may have been taken for what is there: once more.
    check_ = Check::kDue;
    return;
  }
  if (failure_.ok()) failure_ = step.status();
  if (failure_.ok() && !open_marks_.empty()) return;
  check_ = Check::kNone;
  is_suspected_ = false;
  if (failure_.ok()) failure_ = AssignList(Places());
}

absl::StatusOr<RecordBatch> KafkaConsumer::Poll(const PollOptions& options) {
  absl::StatusOr<RecordBatch> batch = PollNow(options);
  polled_at_ = MonotonicNow();
  return batch;
}

absl::StatusOr<RecordBatch> KafkaConsumer::PollNow(const PollOptions& options) {
  const absl::Duration deadline = MonotonicNow() + options.timeout;
  const bool was_away = client_->TakeConnectionLost() || MonotonicNow() - polled_at_ > kUnseen;
  if (was_away && failure_.ok()) check_ = Check::kDue;
  if (check_ != Check::kNone) CheckAgain(options.timeout);
  if (check_ != Check::kNone) return RecordBatch();
  if (has_news_.load(std::memory_order_acquire)) TakeNewPartitions();
  if (!failure_.ok()) return failure_;
  const bool was_caught_up = CaughtUp();
  Gathered batch;
  while (failure_.ok() && batch.memory->messages.size() < options.records_max && batch.bytes < options.bytes_max) {
    const int wait_ms = batch.memory->messages.empty() ? ToMilliseconds(deadline - MonotonicNow()) : 0;
    MessageHandle message(rd_kafka_consumer_poll(client_->get(), wait_ms));
    if (client_->TakeConnectionLost()) {  // what comes now may be of another topic
      check_ = Check::kDue;
      break;
    }
    if (message == nullptr) {
      if (!batch.memory->messages.empty() || MonotonicNow() >= deadline) break;
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Take(std::move(message), batch);
      continue;
    }
    TakeError(*message);
    if (batch.memory->messages.empty() && !was_caught_up && CaughtUp()) break;
  }
  if (batch.memory->messages.empty()) {
    if (!failure_.ok()) return failure_;
    return RecordBatch();
  }
  client_->SayReachable();
  batch.memory->client = client_;
  return batch.Finish();
}

void KafkaConsumer::Take(MessageHandle message, Gathered& batch) {
  {
    absl::MutexLock lock(&mu_);
    State* state = Find(rd_kafka_topic_name(message->rkt), message->partition);
    if (state == nullptr || message->offset < state->next.value()) return;  // read ahead before a Seek or Assign
    state->next = Offset(message->offset + 1);
    rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const std::int64_t time_ms = rd_kafka_message_timestamp(message.get(), &kind);
    state->last = ReadMark{Offset(message->offset), Timestamp::FromMillis(time_ms)};
  }
  batch.bytes += message->len + message->key_len;
  AppendHeaders(message.get(), batch.memory->headers);
  batch.header_ends.push_back(batch.memory->headers.size());
  batch.memory->messages.push_back(std::move(message));
}

void KafkaConsumer::TakeError(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) {  // of the client as a whole
    client_->OnError(message.err, rd_kafka_message_errstr(&message));
    return;
  }
  const TopicPartition partition{rd_kafka_topic_name(message.rkt), BusPartition(message.partition)};
  absl::MutexLock lock(&mu_);
  State* state = Find(partition.topic, message.partition);
  if (state == nullptr) return;
  const std::string what = absl::StrCat("reading ", partition.ToString(), " from offset ", state->next.value());
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      client_->SayReachable();
      state->next = std::max(state->next, Offset(message.offset));
      state->end = Offset(message.offset);
      state->was_at_end = true;
      is_caught_up_ = std::all_of(states_.begin(), states_.end(), [](const auto& of_topic) {
        return std::all_of(of_topic.second.begin(), of_topic.second.end(),
                           [](const std::optional<State>& s) { return !s.has_value() || s->was_at_end; });
      });
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      failure_ = OutOfRange(partition, state->next, rd_kafka_message_errstr(&message));
      return;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      failure_ = Gone(partition, state->next);
      return;
    default:
      break;
  }
  const absl::Status status = RdStatus(message.err, what, rd_kafka_message_errstr(&message));
  if (absl::IsUnavailable(status)) {  // librdkafka tries again by itself
    Log(LogLevel::kWarning, "a partition cannot be read just now", {{"why", std::string(status.message())}});
    return;
  }
  failure_ = status;
}

KafkaConsumer::State* KafkaConsumer::Find(std::string_view topic, std::int32_t number) {
  const auto found = states_.find(topic);
  if (found == states_.end() || number < 0 || static_cast<std::size_t>(number) >= found->second.size()) return nullptr;
  std::optional<State>& state = found->second[static_cast<std::size_t>(number)];
  return state.has_value() ? &*state : nullptr;
}

// By assigning everything again: librdkafka's own seek is refused while a partition is being started.
absl::Status KafkaConsumer::Seek(const TopicPartition& partition, Offset next) {
  if (next < Offset()) return absl::InvalidArgumentError(partition.ToString() + ": a negative offset");
  {
    absl::MutexLock lock(&mu_);
    State* state = Find(partition.topic, partition.partition.value());
    if (state == nullptr) return absl::NotFoundError(partition.ToString() + " is not assigned");
    state->next = next;
  }
  if (check_ != Check::kNone) {  // begins anew with the next Poll, and then reads from there
    check_ = Check::kDue;
    return absl::OkStatus();
  }
  return AssignList(Places());
}

absl::StatusOr<std::int32_t> KafkaConsumer::PartitionCount(std::string_view topic, absl::Duration timeout) {
  return AskPartitionCount(client_->get(), std::string(topic), timeout);
}

absl::StatusOr<OffsetRange> KafkaConsumer::Offsets(const TopicPartition& partition, absl::Duration timeout) {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  DAYBOOK_RETURN_IF_ERROR(AskAgain(timeout, [&](absl::Duration left) {
    return RdStatus(rd_kafka_query_watermark_offsets(client_->get(), partition.topic.c_str(),
                                                     partition.partition.value(), &begin, &end, ToMilliseconds(left)),
                    "offsets of " + partition.ToString());
  }));
  client_->SayReachable();
  return OffsetRange{.begin = Offset(begin), .end = Offset(end)};
}

std::vector<PartitionProgress> KafkaConsumer::Progress() const {
  std::vector<PartitionProgress> all;
  absl::MutexLock lock(&mu_);
  for (const auto& [topic, of_topic] : states_) {
    for (std::size_t i = 0; i < of_topic.size(); ++i) {
      if (!of_topic[i].has_value()) continue;
      const State& state = *of_topic[i];
      PartitionProgress progress{.partition = {topic, BusPartition(static_cast<std::int32_t>(i))},
                                 .next = state.next,
                                 .end = state.end,
                                 .was_at_end = state.was_at_end};
      std::int64_t low = 0;
      std::int64_t high = 0;
      if (rd_kafka_get_watermark_offsets(client_->get(), topic.c_str(), static_cast<std::int32_t>(i), &low, &high) ==
              RD_KAFKA_RESP_ERR_NO_ERROR &&
          high >= 0 && state.end != state.next) {
        progress.end = std::max(state.next, Offset(high));
      }
      all.push_back(std::move(progress));
    }
  }
  return all;
}

bool KafkaConsumer::CaughtUp() const {
  absl::MutexLock lock(&mu_);
  return is_caught_up_;
}

absl::Status KafkaConsumer::health() const { return client_->health(); }

void KafkaConsumer::TakeNewPartitions() {
  std::vector<Start> added;
  {
    absl::MutexLock lock(&mu_);
    has_news_ = false;
    for (const auto& [topic, count] : counts_) {
      std::vector<std::optional<State>>& of_topic = states_[topic];
      for (std::size_t i = of_topic.size(); i < static_cast<std::size_t>(count); ++i) {
        added.push_back({.partition = {topic, BusPartition(static_cast<std::int32_t>(i))}});
        of_topic.emplace_back(State());
      }
    }
    if (!added.empty()) is_caught_up_ = false;
  }
  if (added.empty()) return;
  const ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(added.size())));
  for (const Start& start : added) {
    rd_kafka_topic_partition_list_add(list.get(), start.partition.topic.c_str(), start.partition.partition.value())
        ->offset = RD_KAFKA_OFFSET_BEGINNING;
    Log(LogLevel::kInfo, "a new partition is read from its first record", {{"partition", start.partition.ToString()}});
  }
  const ErrorHandle error(rd_kafka_incremental_assign(client_->get(), list.get()));
  if (error != nullptr) {
    failure_ = RdStatus(rd_kafka_error_code(error.get()), "assign", rd_kafka_error_string(error.get()));
  }
}

void KafkaConsumer::LookForPartitions(std::stop_token stop) {
  const auto is_stopped = [&stop] { return stop.stop_requested(); };
  const std::stop_callback wake(stop, [this] { absl::MutexLock lock(&mu_); });  // re-evaluates the condition
  while (true) {
    std::set<std::string> topics;
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&is_stopped), options_.metadata_interval)) return;
      topics = topics_;
    }
    for (const std::string& topic : topics) {
      if (stop.stop_requested()) return;
      const absl::StatusOr<std::int32_t> count = AskPartitionCount(client_->get(), topic, kAskTimeout);
      if (!count.ok()) continue;  // not there yet, or no broker
      absl::MutexLock lock(&mu_);
      if (!topics_.contains(topic)) continue;
      const auto known = states_.find(topic);
      const std::size_t has = known == states_.end() ? 0 : known->second.size();
      if (static_cast<std::size_t>(*count) <= has) continue;
      counts_[topic] = *count;
      has_news_.store(true, std::memory_order_release);
    }
  }
}

}  // namespace daybook::bus::internal
