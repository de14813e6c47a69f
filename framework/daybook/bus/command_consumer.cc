#include "daybook/bus/command_consumer.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/bus/command_record.h"
#include "daybook/bus/dead_letter.h"
#include "daybook/bus/internal/answered_offsets.h"

namespace daybook::bus {
namespace {

using internal::AnsweredOffsets;

constexpr absl::Duration kPatience = absl::Milliseconds(100);      // how soon the end is noticed
constexpr absl::Duration kQueueFullDelay = absl::Milliseconds(5);  // it is the only one that waits, and in order
constexpr absl::Duration kLetterTimeout = absl::Seconds(5);
constexpr std::size_t kLettersAtOnce = 256;
// A topic that is not there does not say how many partitions it had.
constexpr std::int32_t kPartitionsLookedFor = 1024;

// Connect's names of where a record failed.
constexpr std::string_view kUndecodable = "VALUE_CONVERTER";
constexpr std::string_view kNotCarriedOut = "TASK_PUT";

// A record with the memory behind it, and where its answer is kept.
struct Place {
  std::shared_ptr<const RecordBatch> batch;
  std::size_t index = 0;
  std::shared_ptr<AnsweredOffsets> offsets;
  std::optional<Timestamp> source_time;

  const Record& record() const { return batch->records()[index]; }
};

// The status in parts: its representation is shared by reference count, here between threads, and ThreadSanitizer does
// not see the counting inside the library.
struct Letter {
  Place place;
  std::string_view stage;
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string reason;
  std::string message;
};

runtime::CommandOptions OptionsOf(const BusCommand& command, const Place& place) {
  runtime::CommandOptions options;
  options.id = command.id;
  options.actor = command.actor;
  options.correlation_id = command.correlation_id;
  options.causation_id = command.causation_id;
  options.traceparent = command.traceparent;
  options.source_time = command.source_time;
  options.source_change = command.source_change;
  options.input = runtime::CommandInput{place.offsets, static_cast<std::uint64_t>(place.record().offset.value())};
  return options;
}

// Answers of one round of dead letters, shared with the handlers.
struct Round {
  explicit Round(std::size_t count) : answers(count, absl::UnknownError("")), left(count) {}

  void Answer(std::size_t index, absl::Status status) {
    absl::MutexLock lock(&mu);
    answers[index] = std::move(status);
    --left;
  }
  void WaitForAll() {
    absl::MutexLock lock(&mu);
    const auto none_left = [this] {
      mu.AssertReaderHeld();
      return left == 0;
    };
    mu.Await(absl::Condition(&none_left));
  }

  absl::Mutex mu;
  std::vector<absl::Status> answers;
  std::size_t left ABSL_GUARDED_BY(mu);
};

}  // namespace

struct CommandConsumer::Impl {
  Impl(CommandConsumerOptions given, Bus& bus, runtime::Partition& partition, const CommandRouter& router)
      : options(std::move(given)), bus(bus), partition(partition), router(router) {}

  // The reader's thread.
  void Read();
  absl::Status ReadFromStoredPositions();
  absl::StatusOr<std::vector<bus::Start>> StoredStarts(Consumer& consumer);
  absl::Status ForgetPositions(std::vector<bus::Start>& starts);
  absl::Status Take(Consumer& consumer);
  void Execute(Place place);
  // Hands the command over; a full queue is for the caller to wait for.
  std::optional<absl::Duration> TryExecute(const BusCommand& command, const Place& place);
  std::size_t WaitForRoom();
  void WaitUntilAnswered();
  void StoreMovedPositions();
  void NoteLag(const Consumer& consumer);
  void Wait(absl::Duration delay);

  // The partition's threads, or the reader's.
  void OnOutcome(const Place& place, absl::StatusOr<runtime::CommandOutcome> outcome);
  void SetAside(Place place, std::string_view stage, const absl::Status& why);

  // The thread of dead letters.
  void SendLetters();
  std::size_t SendRound(Producer& producer, std::vector<Letter>& letters);
  void SendOne(Producer& producer, const Letter& letter, const std::shared_ptr<Round>& round, std::size_t index);

  bool Stopping() const {
    absl::MutexLock lock(&mu);
    return stopping;
  }
  bool MustEnd() const ABSL_SHARED_LOCKS_REQUIRED(mu) { return stopping || !fatal.ok(); }

  // Constant after construction.
  const CommandConsumerOptions options;
  Bus& bus;
  runtime::Partition& partition;
  const CommandRouter& router;

  // The reader's thread only.
  std::map<TopicPartition, std::shared_ptr<AnsweredOffsets>> offsets;
  std::map<TopicPartition, ReadMark> stored;
  bool has_forgotten = false;
  HeaderList letter_headers;  // the thread of dead letters only

  mutable absl::Mutex mu;
  bool stopping ABSL_GUARDED_BY(mu) = false;
  bool letters_end ABSL_GUARDED_BY(mu) = false;
  std::size_t awaiting ABSL_GUARDED_BY(mu) = 0;       // answers of the partition
  std::size_t setting_aside ABSL_GUARDED_BY(mu) = 0;  // letters that are not durable yet
  std::deque<Letter> letters ABSL_GUARDED_BY(mu);
  std::optional<absl::Duration> queue_full ABSL_GUARDED_BY(mu);  // said by the answer to the command being handed over
  absl::Status assignment ABSL_GUARDED_BY(mu) = absl::UnavailableError("the command consumer is starting");
  absl::Status fatal ABSL_GUARDED_BY(mu);      // of the partition
  absl::Status lettering ABSL_GUARDED_BY(mu);  // why dead letters wait
  absl::Status connection ABSL_GUARDED_BY(mu);
  CommandConsumerStats figures ABSL_GUARDED_BY(mu);

  absl::Mutex join_mu;
  std::jthread reader ABSL_GUARDED_BY(join_mu);
  std::jthread letter_writer ABSL_GUARDED_BY(join_mu);
};

// ---- The reader's thread ----

void CommandConsumer::Impl::Read() {
  absl::Duration delay = options.retry_delay_min;
  while (true) {
    const absl::Status failed = ReadFromStoredPositions();
    {
      absl::MutexLock lock(&mu);
      if (MustEnd()) return;
      if (assignment.ok()) delay = options.retry_delay_min;
      assignment = failed;
      ++figures.retries;
    }
    Log(absl::IsUnavailable(failed) ? LogLevel::kWarning : LogLevel::kError, "commands cannot be read",
        {{"consumer", options.name}, {"error", failed.ToString()}, {"retry_in_ms", absl::ToInt64Milliseconds(delay)}});
    Wait(delay);
    delay = std::min(delay * 2, options.retry_delay_max);
  }
}

// Reads until it fails, or must end (OK).
absl::Status CommandConsumer::Impl::ReadFromStoredPositions() {
  // An answer that is still out would store a position of the assignment before.
  WaitUntilAnswered();
  offsets.clear();
  stored.clear();
  DAYBOOK_ASSIGN_OR_RETURN(
      const std::unique_ptr<Consumer> consumer,
      bus.NewConsumer(
          {.name = options.name, .isolation = options.isolation, .fetch_wait_max = absl::Milliseconds(20)}));
  DAYBOOK_ASSIGN_OR_RETURN(std::vector<bus::Start> starts, StoredStarts(*consumer));
  if (!has_forgotten) DAYBOOK_RETURN_IF_ERROR(ForgetPositions(starts));
  DAYBOOK_RETURN_IF_ERROR(consumer->AssignTopics(options.topics, starts, options.assign_timeout));
  for (const bus::Start& start : starts) {
    if (start.last.has_value()) stored.emplace(start.partition, *start.last);
  }
  {
    absl::MutexLock lock(&mu);
    assignment = absl::OkStatus();
  }
  while (true) {
    DAYBOOK_RETURN_IF_ERROR(Take(*consumer));
    absl::MutexLock lock(&mu);
    connection = consumer->health();
    if (MustEnd()) return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<bus::Start>> CommandConsumer::Impl::StoredStarts(Consumer& consumer) {
  std::vector<bus::Start> starts;
  for (const std::string& topic : options.topics) {
    const absl::StatusOr<std::int32_t> count = consumer.PartitionCount(topic, options.assign_timeout);
    if (!count.ok() && !absl::IsNotFound(count.status())) return count.status();
    const std::int32_t looked_for = std::max(count.value_or(0), kPartitionsLookedFor);
    for (std::int32_t number = 0; number < looked_for; ++number) {
      const TopicPartition place{topic, BusPartition(number)};
      DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                               partition.store().FindInputPosition(internal::InputSourceOf(place)));
      if (!text.has_value()) continue;
      DAYBOOK_ASSIGN_OR_RETURN(const ReadMark mark, internal::DecodeMark(*text));
      if (mark.offset < Offset(0)) continue;
      starts.push_back({.partition = place, .next = mark.offset.Next(), .last = mark});
    }
  }
  return starts;
}

// Writes down, and waits until it is durable, that nothing of these topics was answered.
absl::Status CommandConsumer::Impl::ForgetPositions(std::vector<bus::Start>& starts) {
  const auto is_forgotten = [this](const bus::Start& start) {
    return std::find(options.forget_positions.begin(), options.forget_positions.end(), start.partition.topic) !=
           options.forget_positions.end();
  };
  const auto forgotten = std::stable_partition(starts.begin(), starts.end(), std::not_fn(is_forgotten));
  struct Answers {
    absl::Mutex mu;
    absl::Status failed ABSL_GUARDED_BY(mu);
  };
  const auto answers = std::make_shared<Answers>();  // they come later than this returns, if it must end
  for (auto start = forgotten; start != starts.end(); ++start) {
    {
      absl::MutexLock lock(&mu);
      ++awaiting;
    }
    Log(LogLevel::kWarning, "a stored position is forgotten, as asked for",
        {{"partition", start->partition.ToString()}, {"was", start->next.value()}});
    const auto nothing = std::make_shared<AnsweredOffsets>(start->partition, std::nullopt);
    partition.StoreInput(nothing, [this, answers](const absl::StatusOr<runtime::CommandOutcome>& stored_now) {
      {
        absl::MutexLock lock(&answers->mu);
        answers->failed.Update(stored_now.status());
      }
      absl::MutexLock lock(&mu);
      --awaiting;
    });
  }
  WaitUntilAnswered();
  {
    absl::MutexLock lock(&mu);
    if (MustEnd()) return absl::CancelledError("the command consumer is stopping");
  }
  absl::MutexLock lock(&answers->mu);
  DAYBOOK_RETURN_IF_ERROR(answers->failed);
  starts.erase(forgotten, starts.end());
  has_forgotten = true;
  return absl::OkStatus();
}

absl::Status CommandConsumer::Impl::Take(Consumer& consumer) {
  const std::size_t room = WaitForRoom();
  if (room == 0) return absl::OkStatus();
  PollOptions poll;
  poll.records_max = std::min<std::size_t>(room, 1000);
  poll.timeout = kPatience;
  DAYBOOK_ASSIGN_OR_RETURN(RecordBatch polled, consumer.Poll(poll));
  const auto batch = std::make_shared<const RecordBatch>(std::move(polled));
  for (std::size_t i = 0; i < batch->size(); ++i) {
    const Record& record = batch->records()[i];
    const TopicPartition place{std::string(record.topic), record.partition};
    std::shared_ptr<AnsweredOffsets>& answers = offsets[place];
    if (answers == nullptr) {
      const auto mark = stored.find(place);
      answers = std::make_shared<AnsweredOffsets>(
          place, mark == stored.end() ? std::nullopt : std::optional<ReadMark>(mark->second));
    }
    {
      absl::MutexLock lock(&mu);
      if (MustEnd()) return absl::OkStatus();  // read again by the next one
      ++figures.commands;
    }
    answers->Took(record.offset, record.timestamp);
    Execute({.batch = batch, .index = i, .offsets = answers, .source_time = std::nullopt});
  }
  if (batch->empty()) StoreMovedPositions();
  NoteLag(consumer);
  return absl::OkStatus();
}

void CommandConsumer::Impl::Execute(Place place) {
  const absl::StatusOr<BusCommand> command = DecodeCommand(place.record());
  if (!command.ok()) return SetAside(std::move(place), kUndecodable, command.status());
  place.source_time = command->source_time;
  while (const std::optional<absl::Duration> delay = TryExecute(*command, place)) {
    Wait(*delay);
    absl::MutexLock lock(&mu);
    if (MustEnd()) return;  // not answered, so read again by the next one
    ++figures.retries;
  }
}

std::optional<absl::Duration> CommandConsumer::Impl::TryExecute(const BusCommand& command, const Place& place) {
  {
    absl::MutexLock lock(&mu);
    ++awaiting;
    queue_full.reset();
  }
  const absl::Status taken = router.Execute(
      command, OptionsOf(command, place),
      [this, place](absl::StatusOr<runtime::CommandOutcome> outcome) { OnOutcome(place, std::move(outcome)); });
  if (!taken.ok()) {
    SetAside(place, kUndecodable, taken);
    absl::MutexLock lock(&mu);
    --awaiting;
    return std::nullopt;
  }
  absl::MutexLock lock(&mu);
  return std::exchange(queue_full, std::nullopt);
}

// How many more may be read now; 0 after a while, or at the end.
std::size_t CommandConsumer::Impl::WaitForRoom() {
  absl::MutexLock lock(&mu);
  const auto has_room = [this] {
    mu.AssertReaderHeld();
    return MustEnd() || awaiting + setting_aside < options.in_flight_max;
  };
  mu.AwaitWithTimeout(absl::Condition(&has_room), kPatience);
  const std::size_t in_flight = awaiting + setting_aside;
  return MustEnd() || in_flight >= options.in_flight_max ? 0 : options.in_flight_max - in_flight;
}

void CommandConsumer::Impl::WaitUntilAnswered() {
  absl::MutexLock lock(&mu);
  const auto answered = [this] {
    mu.AssertReaderHeld();
    return MustEnd() || awaiting + setting_aside == 0;
  };
  mu.Await(absl::Condition(&answered));
}

void CommandConsumer::Impl::StoreMovedPositions() {
  for (const auto& [place, answers] : offsets) {
    if (!answers->NeedsStoring()) continue;
    {
      absl::MutexLock lock(&mu);
      ++awaiting;
    }
    // An error is the partition's, which the next command meets too; a full queue, the next time's.
    partition.StoreInput(answers, [this](const absl::StatusOr<runtime::CommandOutcome>&) {
      absl::MutexLock lock(&mu);
      --awaiting;
    });
  }
}

void CommandConsumer::Impl::NoteLag(const Consumer& consumer) {
  std::int64_t lag = 0;
  for (const PartitionProgress& progress : consumer.Progress()) {
    if (progress.end.has_value()) lag += std::max<std::int64_t>(0, progress.end->value() - progress.next.value());
  }
  absl::MutexLock lock(&mu);
  figures.lag_records = static_cast<std::uint64_t>(lag);
}

void CommandConsumer::Impl::Wait(absl::Duration delay) {
  absl::MutexLock lock(&mu);
  const auto must_end = [this] {
    mu.AssertReaderHeld();
    return MustEnd();
  };
  mu.AwaitWithTimeout(absl::Condition(&must_end), delay);
}

// ---- The partition's threads ----

void CommandConsumer::Impl::OnOutcome(const Place& place, absl::StatusOr<runtime::CommandOutcome> outcome) {
  if (!outcome.ok() && !absl::IsResourceExhausted(outcome.status()) && !absl::IsUnavailable(outcome.status())) {
    SetAside(place, kNotCarriedOut, outcome.status());
  }
  if (outcome.ok() && options.on_answered) {
    AnsweredCommand answered;
    answered.topic = place.record().topic;
    answered.result = outcome->result;
    answered.duplicate = outcome->duplicate;
    const absl::Time now = ToAbslTime(options.clock->Now());
    answered.since_sent = now - ToAbslTime(place.record().timestamp);
    if (place.source_time.has_value()) answered.since_source = now - ToAbslTime(*place.source_time);
    options.on_answered(answered);
  }
  absl::MutexLock lock(&mu);
  --awaiting;
  if (outcome.ok()) {
    ++figures.answered;
    if (outcome->duplicate) ++figures.duplicates;
  } else if (absl::IsResourceExhausted(outcome.status())) {
    queue_full = kQueueFullDelay;  // said at once, on the reader's thread
  } else if (absl::IsUnavailable(outcome.status()) && fatal.ok()) {
    fatal = outcome.status();
  }
}

void CommandConsumer::Impl::SetAside(Place place, std::string_view stage, const absl::Status& why) {
  if (daybook::internal::SeededBug("dead_letter_not_awaited")) [[unlikely]]
    place.offsets->Answered(place.record().offset);
  Log(LogLevel::kWarning, "a command goes to the dead letters",
      {{"topic", std::string(place.record().topic)},
       {"partition", std::int64_t{place.record().partition.value()}},
       {"offset", place.record().offset.value()},
       {"code", std::string(ToStd(absl::StatusCodeToString(why.code())))},
       {"reason", ReasonOf(why)}});
  absl::MutexLock lock(&mu);
  ++setting_aside;
  letters.push_back({std::move(place), stage, why.code(), ReasonOf(why), std::string(why.message())});
}

// ---- The thread of dead letters ----

void CommandConsumer::Impl::SendLetters() {
  std::unique_ptr<Producer> producer;
  absl::Duration delay = options.retry_delay_min;
  while (true) {
    std::vector<Letter> round;
    {
      absl::MutexLock lock(&mu);
      const auto has_work = [this] {
        mu.AssertReaderHeld();
        return letters_end || !letters.empty();
      };
      mu.Await(absl::Condition(&has_work));
      if (letters_end) return;
      while (!letters.empty() && round.size() < kLettersAtOnce) {
        round.push_back(std::move(letters.front()));
        letters.pop_front();
      }
    }
    absl::Status made;
    if (producer == nullptr) {
      ProducerOptions settings;
      settings.name = options.name + "-dlq";
      for (const std::string& topic : options.topics) settings.topics.push_back(DeadLetterTopic(topic));
      settings.delivery_timeout = kLetterTimeout;
      absl::StatusOr<std::unique_ptr<Producer>> opened = bus.NewProducer(settings);
      made = opened.status();
      if (opened.ok()) producer = *std::move(opened);
    }
    const std::size_t sent = producer == nullptr ? 0 : SendRound(*producer, round);
    absl::MutexLock lock(&mu);
    figures.dead_letters += sent;
    setting_aside -= sent;
    if (!made.ok()) lettering = made;
    for (auto left = round.rbegin(); left != round.rend(); ++left) letters.push_front(std::move(*left));
    if (round.empty()) {
      lettering = absl::OkStatus();
      delay = options.retry_delay_min;
      continue;
    }
    ++figures.retries;
    mu.AwaitWithTimeout(absl::Condition(&letters_end), delay);
    delay = std::min(delay * 2, options.retry_delay_max);
  }
}

// Sends all and waits; leaves those that are not durable in `letters`, and says how many are.
std::size_t CommandConsumer::Impl::SendRound(Producer& producer, std::vector<Letter>& letters_now) {
  const auto round = std::make_shared<Round>(letters_now.size());
  for (std::size_t i = 0; i < letters_now.size(); ++i) SendOne(producer, letters_now[i], round, i);
  round->WaitForAll();
  std::vector<Letter> left;
  std::size_t sent = 0;
  for (std::size_t i = 0; i < letters_now.size(); ++i) {
    if (round->answers[i].ok()) {
      letters_now[i].place.offsets->Answered(letters_now[i].place.record().offset);
      ++sent;
      continue;
    }
    if (left.empty()) {
      Log(LogLevel::kError, "a dead letter cannot be sent; it is tried again",
          {{"topic", DeadLetterTopic(letters_now[i].place.record().topic)}, {"error", round->answers[i].ToString()}});
      absl::MutexLock lock(&mu);
      lettering = Annotate(round->answers[i], "dead letters wait");
    }
    left.push_back(std::move(letters_now[i]));
  }
  letters_now.swap(left);
  return sent;
}

void CommandConsumer::Impl::SendOne(Producer& producer, const Letter& letter, const std::shared_ptr<Round>& round,
                                    std::size_t index) {
  const Record& record = letter.place.record();
  const std::string topic = DeadLetterTopic(record.topic);
  const absl::Status why = WithReason(absl::Status(letter.code, letter.message), letter.reason);
  const OutgoingRecord outgoing =
      MakeDeadLetter(record, {.component = options.name, .stage = letter.stage, .status = why}, topic, letter_headers);
  const absl::Status queued = producer.Send(
      outgoing, [round, index](const absl::StatusOr<Delivery>& delivery) { round->Answer(index, delivery.status()); });
  if (!queued.ok()) round->Answer(index, queued);
}

// ---- Callers' threads ----

CommandConsumer::CommandConsumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CommandConsumer::~CommandConsumer() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<CommandConsumer>> CommandConsumer::Start(CommandConsumerOptions options, Bus& bus,
                                                                        runtime::Partition& partition,
                                                                        const CommandRouter& router) {
  if (options.topics.empty()) return absl::InvalidArgumentError("CommandConsumerOptions: no topics");
  if (options.in_flight_max == 0) return absl::InvalidArgumentError("CommandConsumerOptions: in_flight_max is 0");
  std::vector<std::string> topics = options.topics;
  std::sort(topics.begin(), topics.end());
  if (std::adjacent_find(topics.begin(), topics.end()) != topics.end()) {
    return absl::InvalidArgumentError("CommandConsumerOptions: a topic is given twice");
  }
  for (const std::string& topic : options.forget_positions) {
    if (std::binary_search(topics.begin(), topics.end(), topic)) continue;
    return absl::InvalidArgumentError(absl::StrCat(topic, ", whose positions are to be forgotten, is not read here"));
  }
  auto impl = std::make_unique<Impl>(std::move(options), bus, partition, router);
  {
    absl::MutexLock lock(&impl->join_mu);
    impl->reader = std::jthread([raw = impl.get()] { raw->Read(); });
    impl->letter_writer = std::jthread([raw = impl.get()] { raw->SendLetters(); });
  }
  return std::unique_ptr<CommandConsumer>(new CommandConsumer(std::move(impl)));
}

void CommandConsumer::Stop(absl::Duration grace) {
  Impl& impl = *impl_;
  absl::MutexLock join(&impl.join_mu);
  if (!impl.reader.joinable()) return;
  {
    absl::MutexLock lock(&impl.mu);
    impl.stopping = true;
  }
  impl.reader.join();
  {
    absl::MutexLock lock(&impl.mu);
    const auto aside = [&impl] {
      impl.mu.AssertReaderHeld();
      return impl.awaiting + impl.setting_aside == 0;
    };
    impl.mu.AwaitWithTimeout(absl::Condition(&aside), grace);
    impl.letters_end = true;
  }
  impl.letter_writer.join();
  impl.StoreMovedPositions();
  absl::MutexLock lock(&impl.mu);
  const auto answered = [&impl] {
    impl.mu.AssertReaderHeld();
    return impl.awaiting == 0;
  };
  impl.mu.Await(absl::Condition(&answered));
}

absl::Status CommandConsumer::Readiness() const {
  absl::MutexLock lock(&impl_->mu);
  if (impl_->stopping) return absl::UnavailableError("the command consumer is stopping");
  for (const absl::Status* status : {&impl_->fatal, &impl_->assignment, &impl_->lettering, &impl_->connection}) {
    if (!status->ok()) return *status;
  }
  return absl::OkStatus();
}

CommandConsumerStats CommandConsumer::stats() const {
  absl::MutexLock lock(&impl_->mu);
  CommandConsumerStats stats = impl_->figures;
  stats.in_flight = impl_->awaiting + impl_->setting_aside;
  stats.dead_letters_waiting = impl_->setting_aside;
  return stats;
}

}  // namespace daybook::bus
