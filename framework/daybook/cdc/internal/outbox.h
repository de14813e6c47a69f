#ifndef DAYBOOK_CDC_INTERNAL_OUTBOX_H_
#define DAYBOOK_CDC_INTERNAL_OUTBOX_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
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
  // The batch is written, and durable if NeedsSync() said so: what was added may be published.
  void Committed();

  // Adds the letter to the current batch.
  void AddLetter(DeadLetter letter);

  // What was published though no answer came: the entry of this id, and those of its stream before it, go with the next
  // batch. False: there is none. Not between Add and Committed.
  absl::StatusOr<bool> RemovePublished(const Uuid& id);
  // All entries of the stream go with the next batch. Likewise.
  absl::Status RemoveStream(std::string_view stream);

  // Takes in the sink's answers, and offers it what is waiting. Never blocks.
  absl::Status Publish();
  // Takes in the sink's answers only.
  void TakeAnswers();
  // Waits until the sink answers something, at most `timeout`.
  void WaitForAnswer(absl::Duration timeout);

  // What was added must be durable before it is published.
  bool NeedsSync() const;
  bool HasRemovals() const { return !removed_.empty(); }
  std::uint64_t size() const { return size_; }
  std::uint64_t published() const { return published_; }
  std::uint64_t set_aside() const { return set_aside_; }

 private:
  struct Answers;

  // A command, or a letter in the place of one.
  struct Entry {
    Command command;
    std::optional<DeadLetter> letter;
  };
  struct Known {
    std::uint64_t sequence = 0;
    std::string stream;
  };

  static std::string Encode(const Entry& entry);
  static absl::StatusOr<Entry> Decode(std::string_view key, std::string_view in);

  void AddEntry(Entry entry);
  absl::Status EnsureIndexed();
  void Index(const Entry& entry);
  void Unindex(const Entry& entry);
  // Takes a stored entry out, wherever it is by now.
  void Drop(std::uint64_t sequence);
  absl::Status Offer(const Entry& entry);
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
  std::vector<Entry> added_;
  std::map<std::uint64_t, Entry> waiting_;
  std::map<std::uint64_t, Entry> in_flight_;
  // Everything that is stored, by id and by stream, from the first call of RemovePublished or RemoveStream on.
  bool indexed_ = false;
  absl::flat_hash_map<Uuid, Known> by_id_;
  StringMap<std::map<std::uint64_t, Uuid>> by_stream_;
  StringSet busy_streams_;
  std::vector<std::uint64_t> removed_;
  absl::Duration retry_at_ = absl::ZeroDuration();
  std::shared_ptr<Answers> answers_;
};

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_OUTBOX_H_
