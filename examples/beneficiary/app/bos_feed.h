#ifndef BENEFICIARY_APP_BOS_FEED_H_
#define BENEFICIARY_APP_BOS_FEED_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/executor_sink.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "daybook/base/clock.h"
#include "daybook/store/key_value.h"

namespace beneficiary {

struct BosFeedOptions {
  std::string data_dir;  // rows go to data_dir/gateway, dead letters to data_dir/dead-letters
  std::string instance;  // of BOS
  std::string records;   // a file to ingest at the start; "" = none
  const daybook::Clock* clock = &daybook::Clock::System();
};

// The gateway on a thread of its own: ingests a file of recorded changes, and then goes on publishing what is due.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto feed, BosFeed::Start(options, *engine, report));
//   if (feed->Readiness().ok()) …                        // all that was ingested is visible
//   feed->Stop();                                        // before the engine stops
//
// Thread safety: every method from any thread; reports come from the feed's thread.
class BosFeed {
 public:
  // How an ingestion goes, and at its end (`done`) what it came to.
  struct Report {
    IngestProgress progress;
    absl::Duration elapsed;
    bool done = false;
    absl::Status status;  // once done
  };
  using Reporter = std::function<void(const Report&)>;

  // kNotFound or kPermissionDenied: the file cannot be opened; kInvalidArgument: the instance; else as Gateway::Open.
  // The engine outlives it.
  static absl::StatusOr<std::unique_ptr<BosFeed>> Start(const BosFeedOptions& options, Engine& engine,
                                                        Reporter reporter);
  // As Stop().
  ~BosFeed();

  // Ends a running ingestion after its present batch and joins the thread. What is in the outbox is published by the
  // next start. Idempotent.
  void Stop();

  // OK once the file has been ingested and every read model shows it; else what is missing, or why it stopped.
  absl::Status Readiness() const;

  daybook::cdc::GatewayCounters counters() const;

 private:
  struct Impl;
  explicit BosFeed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_BOS_FEED_H_
