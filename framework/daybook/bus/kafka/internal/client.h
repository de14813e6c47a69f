#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_CLIENT_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_CLIENT_H_

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/bus.h"
#include "daybook/bus/kafka/internal/attempt.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace daybook::bus::internal {

enum class Role { kConsumer, kProducer };

using Settings = std::map<std::string, std::string>;

// What every client of librdkafka has here: settings, whether a broker can be reached, figures, log lines.
//
// Topics, messages and queues of it are let go before it is destroyed, which takes at most some seconds.
// Made in two steps because librdkafka's callbacks get a pointer to it: MakeConf, then more callbacks on the conf, then
// Start. Thread safety: health() from any thread; the callbacks run where the client is polled.
class Client {
 public:
  Client(const KafkaOptions& options, Role role, std::string name);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // The user's properties, ours, and then `settings`; callbacks get `opaque`, which is or leads to this client.
  // kInvalidArgument naming the property.
  absl::StatusOr<ConfHandle> MakeConf(const Settings& settings);

  // `opaque`: what rd_kafka_opaque gives; its first use must be through OfOpaque.
  absl::Status Start(ConfHandle conf);

  rd_kafka_t* get() const { return handle_; }
  const std::string& name() const { return name_; }

  // Replaces what a consumer reads, once it has let go of what it read before; nullptr: by nothing. The one
  // way to do so: librdkafka's own aborts the process if it is called too soon again.
  absl::Status Assign(const rd_kafka_topic_partition_list_t* partitions);

  // Closes a consumer: leaves its group, ends its reading. Its callbacks must ask it nothing meanwhile, and say
  // OweLettingGo instead of letting go of partitions. kUnavailable: not within `timeout`.
  absl::Status CloseConsumer(absl::Duration timeout);

  // librdkafka may wait for this consumer to let go of its partitions: CloseConsumer does.
  void OweLettingGo() { owes_letting_go_ = true; }

  absl::Status health() const;
  // Something came back from a broker.
  void SayReachable();
  // Called in the thread that polls, for errors that concern the client as a whole.
  void OnError(rd_kafka_resp_err_t error, std::string_view reason);
  void OnFigures(std::string_view json);
  // Whether a connection has failed since this was asked last: much may have happened at the brokers meanwhile.
  bool TakeConnectionLost() { return connection_lost_.exchange(false, std::memory_order_relaxed); }

  // The code of a fatal error; NO_ERROR if there is none.
  rd_kafka_resp_err_t fatal_error() const { return fatal_.load(std::memory_order_acquire); }

  // The owner's pointer, for its own callbacks.
  void* owner = nullptr;
  static Client& Of(void* opaque) { return *static_cast<Client*>(opaque); }

 private:
  void AwaitStops();

  const KafkaOptions options_;  // a copy: clients may outlive the bus by the batches that they gave out
  const Role role_;
  const std::string name_;
  std::atomic<rd_kafka_resp_err_t> fatal_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::atomic<bool> is_reachable_ = true;
  std::atomic<bool> connection_lost_ = false;
  mutable absl::Mutex mu_;
  std::string last_reason_ ABSL_GUARDED_BY(mu_);
  absl::Status health_ ABSL_GUARDED_BY(mu_);
  rd_kafka_t* handle_ = nullptr;
  bool owes_letting_go_ = false;
  std::unique_ptr<Attempt> letting_go_;  // by CloseConsumer
};

// Why the options would be refused, without making a client.
absl::Status CheckOptions(const KafkaOptions& options);

// How many partitions a topic has; `client` must not make topics by asking. kNotFound, kUnavailable.
absl::StatusOr<std::int32_t> AskPartitionCount(rd_kafka_t* client, const std::string& topic, absl::Duration timeout);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_CLIENT_H_
