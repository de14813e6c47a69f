#ifndef DAYBOOK_BENCH_BACKLOG_MEASURES_H_
#define DAYBOOK_BENCH_BACKLOG_MEASURES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "backlog/recorded_backlog.h"

namespace daybook::bench {

// Each runs over the copies 0 to `copies` - 1, says on standard error how far it is, and gives seconds. The time that
// making the copies takes is not counted, except where threads work on meanwhile.

// The change parser alone.
absl::StatusOr<double> ParseAlone(const RecordedBacklog& backlog, std::uint64_t copies);

// Into a new gateway below `directory`, whose commands are taken at once.
absl::StatusOr<double> ToCommands(const RecordedBacklog& backlog, std::uint64_t copies, const std::string& directory);

// Likewise, with the commands carried out in the same process, until every read model shows the last of them.
absl::StatusOr<double> ToReadModels(const RecordedBacklog& backlog, std::uint64_t copies, const std::string& directory);

// To topics of these brokers, which are there, each record in the partition that it was recorded in.
absl::StatusOr<double> Produce(const RecordedBacklog& backlog, std::uint64_t copies, const std::string& brokers);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_BACKLOG_MEASURES_H_
