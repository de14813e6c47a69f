#ifndef BENEFICIARY_SWITCH_MODE_TABLE_H_
#define BENEFICIARY_SWITCH_MODE_TABLE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "beneficiary/switch/mode.h"
#include "daybook/base/clock.h"

namespace beneficiary::switching {

// One change of a mode, for the record.
struct ModeChange {
  daybook::Timestamp at;
  std::string client;        // "" = the mode of all others
  std::optional<Mode> from;  // nullopt: the client had none of its own
  std::optional<Mode> to;    // nullopt: the client has none of its own any more
  std::string by;
  std::string reason;
};

// The modes in force: one for all, and those of single clients.
struct Modes {
  std::uint64_t change_count = 0;  // goes up by one with every change: the ETag of the admin API
  Mode for_all = Mode::kBos;
  std::map<std::string, Mode, std::less<>> for_clients;
  std::vector<ModeChange> changes;  // the latest, newest last

  Mode Of(std::string_view client) const {
    const auto found = for_clients.find(client);
    return found == for_clients.end() ? for_all : found->second;
  }
};

struct ModeChangeRequest {
  std::string client;      // "" = for all
  std::optional<Mode> to;  // nullopt: takes the client's own mode away
  std::string by;
  std::string reason;
  std::optional<std::uint64_t> if_change_count;  // refuse if another change came between
};

// The modes, kept over restarts in one small file, DIRECTORY/modes.json.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto table, ModeTable::Open("switch-data", Mode::kBos, Clock::System()));
//   Mode mode = table->Current()->Of("EBPCLI000042");
//   DAYBOOK_RETURN_IF_ERROR(table->Change({.client = "EBPCLI000042", .to = Mode::kShadow}).status());
//
// Thread safety: every method from any thread.
// Invariants:
//  1. The file is replaced whole: a new one is written and synced beside it, then renamed over it. A crash at any
//     moment leaves the modes before or after a change.
//  2. A change is in force when, and only when, it is on the disk.
//  3. One process at a time has the directory.
//  4. A file that cannot be read stops the start: to answer from the wrong side by guessing would be worse.
class ModeTable {
 public:
  static constexpr std::size_t kClientsMax = 20'000;
  static constexpr std::size_t kChangesKept = 50;
  static constexpr std::size_t kTextBytesMax = 200;  // of `by` and of `reason`

  // `initial` counts if there is no file yet. kFailedPrecondition: another process has the directory, or the file is of
  // an unknown format; kDataLoss: the file is damaged; kUnavailable: the directory cannot be made, read or written.
  static absl::StatusOr<std::unique_ptr<ModeTable>> Open(const std::string& directory, Mode initial,
                                                         const daybook::Clock& clock);
  ~ModeTable();

  // What is in force now. Never null; quick.
  std::shared_ptr<const Modes> Current() const;

  // Returns what is in force afterwards. kInvalidArgument: a client's name or a text that is too long or not printable,
  // or no mode for all; kAborted: `if_change_count` is not the present one; kResourceExhausted: kClientsMax have a mode
  // of their own; kUnavailable: it could not be written, and is not in force (if only the directory's sync failed, it
  // may be after the next start).
  absl::StatusOr<std::shared_ptr<const Modes>> Change(const ModeChangeRequest& request);

 private:
  struct Impl;
  explicit ModeTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_MODE_TABLE_H_
