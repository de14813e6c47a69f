#ifndef BENEFICIARY_GATEWAY_SERVICE_REPLAY_H_
#define BENEFICIARY_GATEWAY_SERVICE_REPLAY_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/gateway_service/topics.h"
#include "daybook/bus/bus.h"

namespace beneficiary {

struct ReplayReport {
  std::uint64_t sent = 0;
  std::uint64_t sent_before = 0;  // found in the replay topic already
};

// Sends the dead letters of a captured topic back: those of its dead-letter topic that are not in the source's replay
// topic yet go there, as they were read, and every gateway takes them in. A record that is not understood again becomes
// a new dead letter.
//
//   DAYBOOK_ASSIGN_OR_RETURN(ReplayReport report, ReplayDeadLetters(*bus, source, "bos-uk.public.core_bank", limit));
//
// kNotFound: the topic is none of that source's, or has no dead letters; kUnavailable, kDeadlineExceeded: some may have
// been sent; again is harmless.
absl::StatusOr<ReplayReport> ReplayDeadLetters(daybook::bus::Bus& bus, const BosSource& source,
                                               const std::string& topic, absl::Duration timeout);

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_REPLAY_H_
