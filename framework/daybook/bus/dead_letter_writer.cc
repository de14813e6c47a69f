#include "daybook/bus/dead_letter_writer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/dead_letter.h"

namespace daybook::bus {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(5);
constexpr std::size_t kLettersReadBack = 10'000;
constexpr std::size_t kPlacesMax = 10 * kLettersReadBack;  // kept of one topic; then the topic's end is read again

constexpr std::uint64_t kGivenUpPerLine = 1000;  // of the log

// The status in parts: see command_consumer.cc.
struct Letter {
  std::string topic;
  BusPartition partition;
  Offset offset;
  std::optional<std::string> key;
  std::optional<std::string> value;
  HeaderList headers;
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string reason;
  std::string message;

  RecordPlace Place() const { return {{topic, partition}, offset}; }
};

}  // namespace

struct DeadLetterWriter::Impl {
  Impl(DeadLetterWriterOptions given, Bus& bus) : options(std::move(given)), bus(bus) {}

  void Run();
  absl::Status WriteOne(Letter& letter);
  absl::StatusOr<bool> IsThere(const Letter& letter);
  absl::Status Send(Letter& letter);

  const DeadLetterWriterOptions options;
  Bus& bus;

  // The thread's own.
  std::unique_ptr<Producer> producer;
  std::map<std::string, std::set<RecordPlace>> places;  // of the letters on a topic, by the records' topic

  mutable absl::Mutex mu;
  bool stopping ABSL_GUARDED_BY(mu) = false;
  std::deque<Letter> waiting ABSL_GUARDED_BY(mu);
  DeadLetterWriterStats figures ABSL_GUARDED_BY(mu);

  std::jthread thread;  // last: it uses all of the above
};

absl::StatusOr<bool> DeadLetterWriter::Impl::IsThere(const Letter& letter) {
  if (const auto known = places.find(letter.topic); known != places.end()) {
    if (known->second.size() < kPlacesMax) return known->second.contains(letter.Place());
    places.erase(known);
  }
  std::set<RecordPlace> found;
  DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch batch,
                           ReadTail(bus, {DeadLetterTopic(letter.topic), BusPartition(0)}, kLettersReadBack, kTimeout));
  for (const Record& record : batch.records()) {
    if (std::optional<RecordPlace> place = PlaceOfLetter(record)) found.insert(*std::move(place));
  }
  return places.emplace(letter.topic, std::move(found)).first->second.contains(letter.Place());
}

absl::Status DeadLetterWriter::Impl::Send(Letter& letter) {
  if (producer == nullptr) {
    ProducerOptions settings;
    settings.name = options.name + "-dlq";
    for (const std::string& topic : options.topics) settings.topics.push_back(DeadLetterTopic(topic));
    settings.delivery_timeout = kTimeout;
    DAYBOOK_ASSIGN_OR_RETURN(producer, bus.NewProducer(settings));
  }
  Record record;
  record.topic = letter.topic;
  record.partition = letter.partition;
  record.offset = letter.offset;
  if (letter.key.has_value()) record.key = *letter.key;
  if (letter.value.has_value()) record.value = *letter.value;
  record.headers = letter.headers.view();
  const std::string topic = DeadLetterTopic(letter.topic);
  const absl::Status why = WithReason(absl::Status(letter.code, letter.message), letter.reason);
  HeaderList headers;
  struct Answer {
    absl::Mutex mu;
    std::optional<absl::Status> status ABSL_GUARDED_BY(mu);
  };
  const auto answer = std::make_shared<Answer>();
  DAYBOOK_RETURN_IF_ERROR(producer->Send(MakeDeadLetter(record, {options.name, "VALUE_CONVERTER", why}, topic, headers),
                                         [answer](const absl::StatusOr<Delivery>& delivery) {
                                           absl::MutexLock lock(&answer->mu);
                                           answer->status = delivery.status();
                                         }));
  absl::MutexLock lock(&answer->mu);
  const auto answered = [&answer] {
    answer->mu.AssertReaderHeld();
    return answer->status.has_value();
  };
  answer->mu.Await(absl::Condition(&answered));
  return *answer->status;
}

absl::Status DeadLetterWriter::Impl::WriteOne(Letter& letter) {
  DAYBOOK_ASSIGN_OR_RETURN(const bool is_there, IsThere(letter));
  if (!is_there) DAYBOOK_RETURN_IF_ERROR(Send(letter));
  places[letter.topic].insert(letter.Place());
  absl::MutexLock lock(&mu);
  ++(is_there ? figures.there_before : figures.written);
  return absl::OkStatus();
}

void DeadLetterWriter::Impl::Run() {
  absl::Duration delay = options.retry_delay_min;
  const auto has_work = [this] {
    mu.AssertReaderHeld();
    return stopping || !waiting.empty();
  };
  while (true) {
    Letter letter;
    {
      absl::MutexLock lock(&mu);
      mu.Await(absl::Condition(&has_work));
      if (stopping) return;
      letter = waiting.front();
    }
    const absl::Status written = WriteOne(letter);
    absl::MutexLock lock(&mu);
    if (written.ok()) {
      waiting.pop_front();
      delay = options.retry_delay_min;
      continue;
    }
    Log(LogLevel::kError, "a dead letter cannot be written; it is tried again",
        {{"record", absl::StrCat(letter.Place().partition.ToString(), "@", letter.offset.value())},
         {"error", written.ToString()}});
    mu.AwaitWithTimeout(absl::Condition(&stopping), delay);
    delay = std::min(delay * 2, options.retry_delay_max);
  }
}

DeadLetterWriter::DeadLetterWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DeadLetterWriter::~DeadLetterWriter() {
  absl::MutexLock lock(&impl_->mu);
  impl_->stopping = true;
}

absl::StatusOr<std::unique_ptr<DeadLetterWriter>> DeadLetterWriter::Start(DeadLetterWriterOptions options, Bus& bus) {
  if (options.name.empty()) return absl::InvalidArgumentError("DeadLetterWriterOptions: no name");
  if (options.topics.empty()) return absl::InvalidArgumentError("DeadLetterWriterOptions: no topics");
  auto impl = std::make_unique<Impl>(std::move(options), bus);
  Impl* const raw = impl.get();
  raw->thread = std::jthread([raw] { raw->Run(); });
  return std::unique_ptr<DeadLetterWriter>(new DeadLetterWriter(std::move(impl)));
}

void DeadLetterWriter::Write(const Record& record, const absl::Status& why) {
  Letter letter;
  letter.topic = std::string(record.topic);
  letter.partition = record.partition;
  letter.offset = record.offset;
  if (record.key.has_value()) letter.key = std::string(*record.key);
  if (record.value.has_value()) letter.value = std::string(*record.value);
  for (const Header& header : record.headers) {
    letter.headers.Add(header);
  }
  letter.code = why.code();
  letter.reason = ReasonOf(why);
  letter.message = std::string(why.message());
  absl::MutexLock lock(&impl_->mu);
  if (impl_->waiting.size() < impl_->options.waiting_max) {
    impl_->waiting.push_back(std::move(letter));
  } else if (impl_->figures.given_up++ % kGivenUpPerLine == 0) {
    Log(LogLevel::kError, "a dead letter found no room to wait and is given up; its record stays on its topic",
        {{"record", absl::StrCat(letter.Place().partition.ToString(), "@", letter.offset.value())},
         {"given_up", static_cast<std::int64_t>(impl_->figures.given_up)}});
  }
}

DeadLetterWriterStats DeadLetterWriter::stats() const {
  absl::MutexLock lock(&impl_->mu);
  DeadLetterWriterStats stats = impl_->figures;
  stats.waiting = impl_->waiting.size();
  return stats;
}

}  // namespace daybook::bus
