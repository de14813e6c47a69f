#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_ATTEMPT_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_ATTEMPT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace daybook::bus::internal {

// A call of librdkafka that may never return, in a thread of its own.
//
//   auto end = std::make_unique<Attempt>([client] { rd_kafka_destroy(client); });
//   if (!end->Await(absl::Seconds(5))) LeaveBehind(std::move(end));
//
// Thread safety: one thread at a time.
class Attempt {
 public:
  explicit Attempt(std::function<void()> call)
      : thread_([this, call = std::move(call)] {
          call();
          returned_.Notify();
        }) {}

  // Whether the call has returned; waits for it at most `timeout`. Until it has, the attempt must not be destroyed.
  bool Await(absl::Duration timeout) const { return returned_.WaitForNotificationWithTimeout(timeout); }

 private:
  absl::Notification returned_;
  std::jthread thread_;
};

// Keeps an attempt that does not return until the process ends, with all that its call refers to. Returns how many
// there are.
std::size_t LeaveBehind(std::unique_ptr<Attempt> attempt);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_ATTEMPT_H_
