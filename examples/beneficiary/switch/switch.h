#ifndef BENEFICIARY_SWITCH_SWITCH_H_
#define BENEFICIARY_SWITCH_SWITCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/switch/comparer.h"
#include "beneficiary/switch/evidence.h"
#include "beneficiary/switch/mode_table.h"
#include "daybook/base/clock.h"
#include "daybook/http/client.h"
#include "daybook/http/router.h"

namespace beneficiary::switching {

// Which side may stand in for the other one.
enum class Fallback : std::uint8_t {
  kNone,
  kToBos,  // BOS for Daybook
  kBoth,   // and Daybook for BOS, although it may not have been proven yet
};

struct SideOptions {
  std::string address;  // "host:port"
  absl::Duration timeout;
  std::size_t connections_max = 64;
  std::optional<daybook::http::ClientTls> tls;  // nullopt = plain HTTP
};

struct SwitchOptions {
  SideOptions bos{"127.0.0.1:8000", absl::Seconds(10)};
  SideOptions daybook{"127.0.0.1:8080", absl::Seconds(1)};
  Fallback fallback = Fallback::kToBos;
  // After so many failures in a row a side that the other may stand in for is not asked, but once in a while to see.
  int suspend_after = 5;
  absl::Duration suspend_for = absl::Seconds(1);
  // Comparisons have connections of their own, so that they never take an answer's.
  std::size_t compare_connections_max = 16;
  absl::Duration compare_timeout = absl::Seconds(10);
  std::size_t body_bytes_max = 16 << 20;
  ComparerOptions comparer;
};

struct SwitchStats {
  ComparerStats comparer;
  daybook::http::ClientStats bos;  // of answers; those of comparisons are apart
  daybook::http::ClientStats daybook;
  bool bos_suspended = false;
  bool daybook_suspended = false;
};

// Answers client/beneficiaries from the side that the mode chooses, and has the other side asked and compared where the
// mode says so.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto parallel, Switch::Start(options, *modes, evidence, Clock::System()));
//   router.Add(Method::kGet, "/client/beneficiaries", parallel->handler());
//
// The answer is the side's own: its status, its end-to-end headers, and its body byte for byte; and besides
//   X-Answered-By: bos | daybook
//   X-Switch-Mode: bos | shadow | daybook-shadowed | daybook
//   X-Switch-Fallback: SIDE; REASON      where the other side answered; REASON is timeout, error, status, busy or
//                                        suspended
// A side has failed if it gives no complete answer in time or one of 500 and above. If nobody answers:
// {"detail":…} with 502, 503 or 504.
//
// Thread safety: every method from any thread.
// Invariants:
//  1. An answer waits for nothing but the sides that may give it: no comparison, no queue of them, no disk.
//  2. Both sides get the request's end-to-end headers, Host included, and X-Forwarded-For. Where answers are compared,
//     Accept-Encoding and conditional headers are left out, so that there is something to compare.
class Switch {
 public:
  // kInvalidArgument: an address or an option. `modes`, `evidence` and `clock` outlive it.
  static absl::StatusOr<std::unique_ptr<Switch>> Start(SwitchOptions options, const ModeTable& modes,
                                                       Evidence& evidence, const daybook::Clock& clock);
  // As Stop.
  ~Switch();

  // Serves GET; lives no longer than this.
  daybook::http::Handler handler();

  // Ends what is under way; the servers before it have been drained. Idempotent.
  void Stop();

  SwitchStats stats() const;

 private:
  struct Impl;
  explicit Switch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_SWITCH_H_
