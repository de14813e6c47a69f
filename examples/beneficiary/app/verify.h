#ifndef BENEFICIARY_APP_VERIFY_H_
#define BENEFICIARY_APP_VERIFY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/projection/projector.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"

namespace beneficiary {

// What a check of a data directory found.
struct VerifyReport {
  std::uint64_t events = 0;
  std::uint64_t streams = 0;
  std::uint64_t rows = 0;             // compared, of all read models
  std::vector<std::string> findings;  // empty = sound; at most 100
};

// Checks that the log is dense (positions from 1, every stream's revisions from 1, every command whole) and that every
// read model equals one that is built from zero, entry for entry. The models are first brought to the log's end.
//
//   DAYBOOK_ASSIGN_OR_RETURN(VerifyReport report, Verify("/var/lib/beneficiary"));
//   return report.findings.empty() ? 0 : 1;
//
// kFailedPrecondition: a running service has the directory open; kNotFound: there is no such directory; kDataLoss:
// something is damaged, with its place. Memory: the read models' size, once.
absl::StatusOr<VerifyReport> Verify(const std::string& data_dir);

// The same on what is open; `read_models` is what projections have written so far.
absl::StatusOr<VerifyReport> VerifyStores(daybook::store::EventStore& events, daybook::store::KeyValue& read_models);

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_VERIFY_H_
