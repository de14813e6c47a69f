#ifndef BENEFICIARY_SWITCH_COMPARER_H_
#define BENEFICIARY_SWITCH_COMPARER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/switch/comparison.h"
#include "beneficiary/switch/evidence.h"
#include "beneficiary/switch/masking.h"
#include "beneficiary/switch/mode.h"
#include "daybook/base/clock.h"
#include "daybook/http/client.h"

namespace beneficiary::switching {

struct ComparerOptions {
  ComparisonRules rules;
  MaskingRules masking;
  absl::Duration settling_time = absl::Seconds(10);             // how long a difference may be lag; zero: none may
  absl::Duration settling_wait_first = absl::Milliseconds(25);  // before the first check; doubles up to
  absl::Duration settling_wait_max = absl::Seconds(1);
  std::size_t in_flight_max = 256;   // comparisons from Admit to their verdict or to their settling
  std::size_t settling_max = 64;     // differences being watched, one for each request
  std::size_t bytes_max = 64 << 20;  // of all answers waiting to be compared
};

struct ComparerStats {
  std::size_t in_flight = 0;
  std::size_t settling = 0;
};

// One request whose two answers are to be compared.
struct ComparedRequest {
  Mode mode = Mode::kShadow;
  std::string client;
  daybook::http::ClientRequest request;  // to ask again with
};

// Compares pairs of answers on a thread of its own and watches what differs until it agrees or the settling time is
// over.
//
//   if (auto ticket = comparer.Admit()) {
//     … ask both sides …
//     comparer.Submit(std::move(ticket), request, bos, daybook);
//   }
//
// Thread safety: every method from any thread; none of them blocks, but Stop.
// Invariants:
//  1. Every Admit is counted in the evidence exactly once: by Submit's verdict, or as dropped when the ticket is null,
//     or goes unused, or there is no room for the answers.
//  2. Memory is bounded by the options. What differs under a request that is being watched already joins it.
class Comparer {
 public:
  // The right to one comparison.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : comparer_(std::exchange(other.comparer_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(comparer_, other.comparer_);
      return *this;
    }
    ~Ticket();
    explicit operator bool() const { return comparer_ != nullptr; }

   private:
    friend class Comparer;
    explicit Ticket(Comparer* comparer) : comparer_(comparer) {}
    Comparer* comparer_ = nullptr;
  };

  // Asks one side again; calls back once, from any thread.
  using Ask = std::function<void(Side, daybook::http::ClientRequest, daybook::http::Client::Callback)>;

  Comparer(ComparerOptions options, Ask ask, Evidence& evidence, const daybook::Clock& clock);
  // As Stop. Whoever answers asks must be gone before.
  ~Comparer();

  // Null, and counted as dropped, if there is no room.
  Ticket Admit();
  void Submit(Ticket ticket, ComparedRequest request, absl::StatusOr<daybook::http::ClientResponse> bos,
              absl::StatusOr<daybook::http::ClientResponse> daybook);

  // Ends the thread; what waits is counted as dropped. Idempotent.
  void Stop();

  ComparerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_COMPARER_H_
