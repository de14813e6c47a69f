#include "daybook/bus/kafka/tests/lost_answers.h"

#include <dlfcn.h>
#include <librdkafka/rdkafka.h>

#include <set>

#include "absl/synchronization/mutex.h"

namespace daybook::testing {
namespace {

struct State {
  absl::Mutex mu;
  bool are_lost ABSL_GUARDED_BY(mu) = false;
  std::set<const rd_kafka_t*> closing ABSL_GUARDED_BY(mu);
};

State& TheState() {
  static auto* const state = new State;
  return *state;
}

// Whether the answer was lost, which it says only when answers are lost no more.
bool IsLost(const rd_kafka_t* client) {
  State& state = TheState();
  absl::MutexLock lock(&state.mu);
  if (!state.are_lost || !state.closing.contains(client)) return false;
  const auto is_over = [&state]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state.mu) { return !state.are_lost; };
  state.mu.Await(absl::Condition(&is_over));
  return true;
}

// librdkafka's own; this program's functions of the same names stand before them.
template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

LostAnswers::LostAnswers() {
  absl::MutexLock lock(&TheState().mu);
  TheState().are_lost = true;
}

LostAnswers::~LostAnswers() {
  absl::MutexLock lock(&TheState().mu);
  TheState().are_lost = false;
  TheState().closing.clear();
}

}  // namespace daybook::testing

using daybook::testing::IsLost;
using daybook::testing::Real;
using daybook::testing::TheState;

extern "C" {

rd_kafka_error_t* rd_kafka_consumer_close_queue(rd_kafka_t* client, rd_kafka_queue_t* queue) {
  {
    absl::MutexLock lock(&TheState().mu);
    if (TheState().are_lost) TheState().closing.insert(client);
  }
  return Real<decltype(rd_kafka_consumer_close_queue)>("rd_kafka_consumer_close_queue")(client, queue);
}

rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t* client, const rd_kafka_topic_partition_list_t* partitions) {
  if (IsLost(client)) return RD_KAFKA_RESP_ERR__DESTROY;
  return Real<decltype(rd_kafka_assign)>("rd_kafka_assign")(client, partitions);
}

rd_kafka_resp_err_t rd_kafka_assignment(rd_kafka_t* client, rd_kafka_topic_partition_list_t** partitions) {
  if (IsLost(client)) return RD_KAFKA_RESP_ERR__DESTROY;
  return Real<decltype(rd_kafka_assignment)>("rd_kafka_assignment")(client, partitions);
}

rd_kafka_consumer_group_metadata_t* rd_kafka_consumer_group_metadata(rd_kafka_t* client) {
  if (IsLost(client)) return nullptr;
  return Real<decltype(rd_kafka_consumer_group_metadata)>("rd_kafka_consumer_group_metadata")(client);
}

char* rd_kafka_memberid(const rd_kafka_t* client) {
  if (IsLost(client)) return nullptr;
  return Real<decltype(rd_kafka_memberid)>("rd_kafka_memberid")(client);
}

}  // extern "C"
