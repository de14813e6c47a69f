#include "beneficiary/gateway_service/topic_publisher.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "beneficiary/gateway_service/output_records.h"
#include "beneficiary/gateway_service/topics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace cdc = daybook::cdc;
using bus::TransactionFailure;

namespace {

constexpr absl::Duration kEndTimeout = absl::Seconds(10);  // of a flush or a commit, with what it takes to try again
constexpr absl::Duration kAdminTimeout = absl::Seconds(5);

// Calls again as long as the answer says so.
template <class Call>
absl::Status Persistently(const daybook::Clock& clock, Call call) {
  const absl::Duration give_up = clock.Monotonic() + kEndTimeout;
  while (true) {
    const absl::Status status = call();
    if (bus::FailureOf(status) != TransactionFailure::kRetry || clock.Monotonic() > give_up) return status;
  }
}

}  // namespace

struct TopicPublisher::Impl {
  class InstanceSink final : public Sink {
   public:
    InstanceSink(Impl* impl, std::string instance) : impl_(impl), by_{std::move(instance), ""} {}
    void set_writer(std::string writer) override { by_.writer = std::move(writer); }
    Recall recall() const override { return Recall::kReadBack; }

    absl::Status Publish(const cdc::Command& command, Done done) override {
      const std::string_view topic = CommandsTopic(command.stream.category());
      const bus::BusCommand out = ToBusCommand(command, by_);
      bus::HeaderList headers;
      const absl::StatusOr<bus::OutgoingRecord> record = bus::EncodeCommand(topic, out, headers);
      if (!record.ok()) {
        done(record.status());  // for good
        return absl::OkStatus();
      }
      return impl_->Send(*record, std::move(done), command.source_time);
    }

    absl::Status PublishDeadLetter(const cdc::DeadLetter& letter, Done done) override {
      std::string topic;
      bus::HeaderList headers;
      const bus::OutgoingRecord record = ToDeadLetterRecord(letter, by_, topic, headers);
      const absl::Status there = impl_->EnsureDeadLetterTopic(topic);
      if (absl::IsUnavailable(there)) return there;
      if (!there.ok()) {
        done(there);
        return absl::OkStatus();
      }
      return impl_->Send(record, std::move(done), daybook::Timestamp());
    }

   private:
    Impl* const impl_;
    OutputWriter by_;
  };

  struct Pending {
    cdc::CommandSink::Done done;
    daybook::Timestamp source_time;
  };

  Impl(bus::Bus& b, TopicPublisherOptions o) : topics(b), options(std::move(o)) {}

  absl::Status EnsureDeadLetterTopic(const std::string& topic);
  absl::Status Send(const bus::OutgoingRecord& record, cdc::CommandSink::Done done, daybook::Timestamp source_time);
  absl::Status Flush();
  absl::Status Commit();
  absl::Status Fail(const absl::Status& why);
  void Answer(const absl::Status& status);

  bus::Bus& topics;
  const TopicPublisherOptions options;
  std::unique_ptr<bus::TransactionalProducer> producer;
  std::map<std::string, std::unique_ptr<InstanceSink>> sinks;
  std::set<std::string> dead_letter_topics;  // known to be there
  bool ready = false;                        // initialised and not fenced since
  bool open = false;                         // a transaction
  absl::Duration opened_at;
  absl::Status broken;  // why the open transaction takes no more
  std::vector<Pending> pending;
  std::uint64_t transactions = 0;
};

absl::Status TopicPublisher::Impl::EnsureDeadLetterTopic(const std::string& topic) {
  if (dead_letter_topics.contains(topic)) return absl::OkStatus();
  const absl::Status made =
      topics.admin().CreateTopic({.topic = topic, .partitions = 1, .config = {{"retention.ms", "-1"}}}, kAdminTimeout);
  if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
  dead_letter_topics.insert(topic);
  return absl::OkStatus();
}

absl::Status TopicPublisher::Impl::Send(const bus::OutgoingRecord& record, cdc::CommandSink::Done done,
                                        daybook::Timestamp source_time) {
  if (!ready) return absl::UnavailableError("this gateway does not publish at present");
  if (!broken.ok()) return absl::UnavailableError(broken.message());
  if (!open) {
    open = true;
    opened_at = options.clock->Monotonic();
    broken = producer->Begin();
    if (!broken.ok()) return absl::UnavailableError(broken.message());  // Deliver says so too
  }
  const absl::Status sent = producer->Send(record);
  if (sent.ok()) {
    pending.push_back({std::move(done), source_time});
    return absl::OkStatus();
  }
  if (absl::IsResourceExhausted(sent)) return sent;
  if (bus::FailureOf(sent) == TransactionFailure::kOther) {
    done(sent);  // too large, or refused: for good
    return absl::OkStatus();
  }
  broken = sent;
  return absl::UnavailableError(sent.message());
}

void TopicPublisher::Impl::Answer(const absl::Status& status) {
  std::vector<Pending> answered;
  answered.swap(pending);
  const daybook::Timestamp now = options.clock->Now();
  for (Pending& one : answered) {
    one.done(status);
    if (!status.ok() || one.source_time == daybook::Timestamp() || !options.on_published) continue;
    options.on_published(absl::Microseconds(now.micros() - one.source_time.micros()));
  }
}

absl::Status TopicPublisher::Impl::Flush() {
  DAYBOOK_RETURN_IF_ERROR(broken);
  if (pending.empty()) return absl::OkStatus();
  DAYBOOK_RETURN_IF_ERROR(Persistently(*options.clock, [this] { return producer->Flush(kEndTimeout); }));
  Answer(absl::OkStatus());
  return absl::OkStatus();
}

absl::Status TopicPublisher::Impl::Commit() {
  DAYBOOK_RETURN_IF_ERROR(Persistently(*options.clock, [this] { return producer->Commit(kEndTimeout); }));
  open = false;
  ++transactions;
  return absl::OkStatus();
}

// What of the transaction is in the topics is found out by reading them once the next Init has ended it.
absl::Status TopicPublisher::Impl::Fail(const absl::Status& why) {
  ready = false;
  open = false;
  broken = absl::OkStatus();
  Answer(absl::UnavailableError(why.message()));
  return why;
}

TopicPublisher::TopicPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TopicPublisher::~TopicPublisher() { impl_->Answer(absl::CancelledError("the gateway is stopping")); }

absl::StatusOr<std::unique_ptr<TopicPublisher>> TopicPublisher::Make(bus::Bus& bus, TopicPublisherOptions options) {
  auto impl = std::make_unique<Impl>(bus, std::move(options));
  bus::TransactionalProducerOptions producer;
  producer.id = impl->options.transactional_id;
  producer.topics = {std::string(kBeneficiaryCommandsTopic), std::string(kClientCommandsTopic)};
  producer.transaction_timeout = absl::Seconds(20);
  DAYBOOK_ASSIGN_OR_RETURN(impl->producer, bus.NewTransactionalProducer(producer));
  return std::unique_ptr<TopicPublisher>(new TopicPublisher(std::move(impl)));
}

TopicPublisher::Sink& TopicPublisher::SinkFor(const std::string& instance) {
  std::unique_ptr<Impl::InstanceSink>& sink = impl_->sinks[instance];
  if (sink == nullptr) sink = std::make_unique<Impl::InstanceSink>(impl_.get(), instance);
  return *sink;
}

absl::Status TopicPublisher::Init(absl::Duration timeout) {
  DAYBOOK_RETURN_IF_ERROR(impl_->producer->Init(timeout));
  impl_->ready = true;
  return absl::OkStatus();
}

absl::Status TopicPublisher::Deliver() {
  Impl& impl = *impl_;
  if (!impl.open) return absl::OkStatus();
  if (const absl::Status flushed = impl.Flush(); !flushed.ok()) return impl.Fail(flushed);
  if (impl.options.clock->Monotonic() - impl.opened_at < impl.options.transaction_max) return absl::OkStatus();
  if (const absl::Status committed = impl.Commit(); !committed.ok()) return impl.Fail(committed);
  return absl::OkStatus();
}

void TopicPublisher::Close() {
  Impl& impl = *impl_;
  if (impl.open) {
    absl::Status ended = impl.Flush();
    if (ended.ok()) ended = impl.Commit();
    if (!ended.ok()) {
      daybook::Log(daybook::LogLevel::kInfo, "an open transaction was left to the next one that publishes",
                   {{"reason", impl.Fail(ended).ToString()}});
    }
  }
  impl.ready = false;
}

bool TopicPublisher::has_undelivered() const { return !impl_->pending.empty() || !impl_->broken.ok(); }

bool TopicPublisher::is_open() const { return impl_->ready; }

std::uint64_t TopicPublisher::transactions() const { return impl_->transactions; }

}  // namespace beneficiary
