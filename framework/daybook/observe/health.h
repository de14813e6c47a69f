#ifndef DAYBOOK_OBSERVE_HEALTH_H_
#define DAYBOOK_OBSERVE_HEALTH_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/strings.h"

namespace daybook::observe {

// Whether the process may get requests (ready) and whether restarting it would help (alive).
//
//   Health health;
//   health.Set("bos_records", absl::UnavailableError("1,200 of 9,000 records read"));
//   health.AddCheck("list.v1", [&] { return projector.status(); });
//   …
//   health.Set("bos_records", absl::OkStatus());
//   if (health.ready()) …
//
// Thread safety: every method from any thread. Checks are called without a lock held, by whoever asks.
// Invariants:
//  1. Ready = no named check has an error. Without any check it is ready.
//  2. Once dead, always dead: a restart is the only cure.
class Health {
 public:
  struct Line {
    std::string name;
    absl::Status status;  // OK = ready; otherwise the message is the reason
  };

  Health() = default;
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // Sets one named check's state, adding the check if it is new. Replaces a callback of that name.
  void Set(std::string_view name, absl::Status status);

  // Asks `check` whenever readiness is asked for: quick, not blocking. It must be removed before what it refers to
  // goes. What it throws is an error.
  void AddCheck(std::string_view name, std::function<absl::Status()> check);
  void Remove(std::string_view name);

  bool ready() const;
  // Every check, by name.
  std::vector<Line> Report() const;

  // Liveness: OK until SetDead.
  absl::Status alive() const;
  // The first reason stays. Precondition (checked): not OK.
  void SetDead(absl::Status reason);

 private:
  mutable absl::Mutex mu_;
  StringMap<std::function<absl::Status()>> checks_ ABSL_GUARDED_BY(mu_);
  absl::Status dead_ ABSL_GUARDED_BY(mu_);
};

}  // namespace daybook::observe

#endif  // DAYBOOK_OBSERVE_HEALTH_H_
