#ifndef DAYBOOK_CDC_INTERNAL_OUTBOX_H_
#define DAYBOOK_CDC_INTERNAL_OUTBOX_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/internal/dead_letters.h"
#include "daybook/store/key_value.h"

namespace daybook::cdc::internal {

// Commands on their way to the sink: stored with the rows they were made of, published once they are durable, removed
// when acknowledged. Of one stream only one is under way at a time, so that a retry never overtakes.
// Thread safety: one thread; the sink answers from any thread.
class Outbox {
 public:
  Outbox(store::KeyValue* kv, store::TableId table, CommandSink* sink, const Clock* clock, DeadLetters* dead_letters,
         std::size_t in_flight_max);
  ~Outbox();

  absl::Status Load();

  // Adds the command to the current batch; the sequence is given here.
  void Add(Command command);
  // Writes the additions and removals of the current batch.
  void AppendTo(store::WriteBatch& batch);
  // The batch is durable: what was added may be published.
  void Committed();

  // Takes in the sink's answers, and offers it what is waiting. Never blocks.
  absl::Status Publish();
  // Waits until the sink answers something, at most `timeout`.
  void WaitForAnswer(absl::Duration timeout);

  bool HasRemovals() const { return !removed_.empty(); }
  std::uint64_t size() const { return size_; }
  std::uint64_t published() const { return published_; }
  std::uint64_t set_aside() const { return set_aside_; }

 private:
  struct Answers;

  absl::Status TakeAnswers();
  absl::Status Refill();

  store::KeyValue* kv_;
  store::TableId table_;
  CommandSink* sink_;
  const Clock* clock_;
  DeadLetters* dead_letters_;
  const std::size_t in_flight_max_;

  std::uint64_t next_sequence_ = 1;
  std::uint64_t read_up_to_ = 0;  // every stored command up to here is in waiting_ or in_flight_, or gone
  std::uint64_t size_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t set_aside_ = 0;
  std::vector<Command> added_;
  std::map<std::uint64_t, Command> waiting_;
  std::map<std::uint64_t, Command> in_flight_;
  StringSet busy_streams_;
  std::vector<std::uint64_t> removed_;
  absl::Duration retry_at_ = absl::ZeroDuration();
  std::shared_ptr<Answers> answers_;
};

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_OUTBOX_H_
