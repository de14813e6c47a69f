#ifndef DAYBOOK_BUS_DEAD_LETTER_REPLAY_H_
#define DAYBOOK_BUS_DEAD_LETTER_REPLAY_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/bus.h"

namespace daybook::bus {

struct ReplayReport {
  std::uint64_t sent = 0;
  std::uint64_t overtaken = 0;    // left alone: the topic has a later record of the key
  std::uint64_t without_key = 0;  // left alone: what they belong to is not known
};

// Sends the dead letters of a topic back to it, at its end: key, value and headers as they were first read, without
// what MakeDeadLetter added. Their place in the topic's order is lost, so a letter is sent only if no later record of
// its key is there: a newer state, or a later command, must not be undone by an older one. A letter that was sent back
// is overtaken by itself, so calling this again sends nothing twice. One that fails again is a new letter.
//
//   DAYBOOK_ASSIGN_OR_RETURN(ReplayReport report, ReplayDeadLetters(*bus, "payee.commands.v1", absl::Minutes(10)));
//
// Reads the whole topic and keeps its keys in memory. Whoever else writes to the topic should be stopped meanwhile:
// what it writes between the reading and the sending is not seen. kNotFound: there is no such topic, or it has no dead
// letters; kUnavailable, kDeadlineExceeded: some may have been sent; calling it again is harmless.
absl::StatusOr<ReplayReport> ReplayDeadLetters(Bus& bus, std::string_view topic, absl::Duration timeout);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_DEAD_LETTER_REPLAY_H_
