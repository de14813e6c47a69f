#include "beneficiary/switch/comparer.h"

#include <algorithm>
#include <array>
#include <deque>
#include <list>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/strings.h"

namespace beneficiary::switching {

namespace http = daybook::http;
using Answer = absl::StatusOr<http::ClientResponse>;

namespace {

struct Task {
  ComparedRequest request;
  Answer bos;
  Answer daybook;
  std::size_t bytes = 0;
};

std::size_t BytesOf(const Answer& answer) { return answer.ok() ? answer->body.size() : 0; }

// True for headers that name the single request or its way, on which no answer depends.
bool IsOfOneRequest(const std::string& name) {
  constexpr std::array<std::string_view, 10> kNames = {
      "traceparent",      "tracestate",      "baggage",         "b3",        "x-request-id",
      "x-correlation-id", "x-amzn-trace-id", "x-forwarded-for", "forwarded", "user-agent"};
  const auto same = [&](std::string_view known) { return absl::EqualsIgnoreCase(name, daybook::ToAbsl(known)); };
  return std::any_of(kNames.begin(), kNames.end(), same) || absl::StartsWithIgnoreCase(name, "x-b3-");
}

// What makes two requests the same question: the target, and whatever else the answer may depend on.
std::string KeyOf(const http::ClientRequest& request) {
  std::string key = request.target;
  for (const auto& [name, value] : request.headers) {
    if (!IsOfOneRequest(name)) absl::StrAppend(&key, "\n", name, ":", value);
  }
  return key;
}

// Whether there is something to compare. A caller that a side finds too frequent is told nothing of the data.
bool SaysSomething(const Answer& answer) { return answer.ok() && answer->status != http::StatusCode::kTooManyRequests; }

// A difference under watch. A check asks Daybook, and BOS only if Daybook does not show yet what BOS showed last: most
// lags cost BOS nothing.
struct Watched {
  enum class Stage { kWaiting, kDaybook, kBos };

  ComparedRequest request;
  Settlement settlement;
  std::vector<MaskedDifference> first;
  std::optional<http::ClientResponse> bos;      // its last answer; nullopt if there was no room for it
  std::optional<http::ClientResponse> daybook;  // its answer in the check under way
  std::uint64_t weight = 1;
  int checks = 1;
  absl::Duration began;
  absl::Duration wait;
  absl::Duration due;
  absl::Duration shown_at;  // when `daybook` came
  bool last = false;        // the settling time ends with the check under way
  Stage stage = Stage::kWaiting;
  // Of the side being asked, filled by the callback under the comparer's lock.
  std::optional<Answer> arrived;
  absl::Duration arrived_at;
};

}  // namespace

struct Comparer::Impl {
  Impl(ComparerOptions given, Ask how, Evidence& where, const daybook::Clock& of)
      : options(std::move(given)), ask(std::move(how)), evidence(where), clock(of) {}

  void Run();
  void Judge(Task task);
  void Watch(Task task, const Comparison& first);
  // Starts the check of whoever is due, and takes up those whose answers are complete.
  void TendWatched();
  void AskAgain(const std::shared_ptr<Watched>& watched, Side side);
  // Each true if the watch is over.
  bool OnDaybook(const std::shared_ptr<Watched>& watched, Answer answer, absl::Duration at);
  bool OnBos(Watched& watched, Answer answer);
  bool FinishCheck(Watched& watched, Verdict found);
  // Keeps BOS's answer for the next check if there is room.
  void Keep(Watched& watched, std::optional<http::ClientResponse> bos);
  absl::Duration NextDue() const;
  Finding FindingOf(const ComparedRequest& request, Verdict verdict) const;
  void Drop(std::uint64_t weight = 1);
  void Unticket();

  const ComparerOptions options;
  const Ask ask;
  Evidence& evidence;
  const daybook::Clock& clock;

  // Of the thread.
  std::list<std::pair<std::string, std::shared_ptr<Watched>>> watched;

  mutable absl::Mutex mu;
  std::deque<Task> tasks ABSL_GUARDED_BY(mu);
  std::size_t in_flight ABSL_GUARDED_BY(mu) = 0;
  std::size_t bytes ABSL_GUARDED_BY(mu) = 0;
  std::size_t watched_count ABSL_GUARDED_BY(mu) = 0;
  std::uint64_t answers ABSL_GUARDED_BY(mu) = 0;  // that have come since the thread last looked
  bool stopping ABSL_GUARDED_BY(mu) = false;
  std::jthread thread;
};

Comparer::Comparer(ComparerOptions options, Ask ask, Evidence& evidence, const daybook::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(ask), evidence, clock)) {
  impl_->thread = std::jthread([impl = impl_.get()] { impl->Run(); });
}

Comparer::~Comparer() { Stop(); }

Comparer::Ticket::~Ticket() {
  if (comparer_ == nullptr) return;
  comparer_->impl_->Unticket();
  comparer_->impl_->Drop();
}

void Comparer::Impl::Unticket() {
  absl::MutexLock lock(&mu);
  --in_flight;
}

void Comparer::Impl::Drop(std::uint64_t weight) {
  Finding dropped{Verdict::kDropped};
  dropped.weight = weight;
  evidence.AddFinding(dropped);
}

Comparer::Ticket Comparer::Admit() {
  {
    absl::MutexLock lock(&impl_->mu);
    if (!impl_->stopping && impl_->in_flight < impl_->options.in_flight_max) {
      ++impl_->in_flight;
      return Ticket(this);
    }
  }
  impl_->Drop();
  return Ticket();
}

void Comparer::Submit(Ticket ticket, ComparedRequest request, Answer bos, Answer daybook) {
  if (!ticket) return;
  Task task{std::move(request), std::move(bos), std::move(daybook)};
  task.bytes = BytesOf(task.bos) + BytesOf(task.daybook);
  absl::MutexLock lock(&impl_->mu);
  if (impl_->stopping || impl_->bytes + task.bytes > impl_->options.bytes_max) return;  // the ticket counts it
  ticket.comparer_ = nullptr;
  impl_->bytes += task.bytes;
  impl_->tasks.push_back(std::move(task));
}

ComparerStats Comparer::stats() const {
  absl::MutexLock lock(&impl_->mu);
  return {impl_->in_flight, impl_->watched_count};
}

void Comparer::Stop() {
  {
    absl::MutexLock lock(&impl_->mu);
    impl_->stopping = true;
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

void Comparer::Impl::Run() {
  while (true) {
    std::optional<Task> task;
    {
      absl::MutexLock lock(&mu);
      const auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
        return stopping || !tasks.empty() || answers > 0;
      };
      const absl::Duration wait = std::max(NextDue() - clock.Monotonic(), absl::ZeroDuration());
      mu.AwaitWithTimeout(absl::Condition(&something), wait);
      if (stopping) break;
      answers = 0;
      if (!tasks.empty()) {
        task = std::move(tasks.front());
        tasks.pop_front();
      }
    }
    if (task) Judge(*std::move(task));
    TendWatched();
  }
  std::uint64_t left = 0;
  for (const auto& [key, one] : watched) left += one->weight;
  {
    absl::MutexLock lock(&mu);
    left += tasks.size();
    in_flight -= tasks.size();
    tasks.clear();
    bytes = 0;
  }
  if (left > 0) Drop(left);
}

absl::Duration Comparer::Impl::NextDue() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [key, one] : watched) {
    if (one->stage == Watched::Stage::kWaiting) next = std::min(next, one->due);
  }
  return next;
}

Finding Comparer::Impl::FindingOf(const ComparedRequest& request, Verdict verdict) const {
  Finding finding{verdict};
  finding.mode = request.mode;
  finding.client = request.client;
  finding.target = MaskTarget(request.request.target, options.masking.key);
  return finding;
}

void Comparer::Impl::Judge(Task task) {
  {
    absl::MutexLock lock(&mu);
    --in_flight;
    bytes -= task.bytes;
  }
  if (!SaysSomething(task.bos) || !SaysSomething(task.daybook)) {
    return evidence.AddFinding(FindingOf(task.request, Verdict::kUnanswered));
  }
  const Comparison first = Compare(*task.bos, *task.daybook, options.rules);
  if (first.equal()) return evidence.AddFinding(FindingOf(task.request, Verdict::kEqual));
  Watch(std::move(task), first);
}

void Comparer::Impl::Watch(Task task, const Comparison& first) {
  std::string key = KeyOf(task.request.request);
  const auto same = std::find_if(watched.begin(), watched.end(), [&](const auto& entry) { return entry.first == key; });
  if (same != watched.end()) {
    ++same->second->weight;
    return;
  }
  std::vector<MaskedDifference> masked;
  for (const Difference& difference : first.differences) masked.push_back(Mask(difference, options.masking));
  if (options.settling_time <= absl::ZeroDuration()) {
    Finding finding = FindingOf(task.request, Verdict::kDifferent);
    finding.differences = std::move(masked);
    return evidence.AddFinding(finding);
  }
  if (watched.size() >= options.settling_max) return Drop();
  const absl::Duration now = clock.Monotonic();
  auto one = std::make_shared<Watched>(Watched{std::move(task.request), Settlement(first), std::move(masked)});
  Keep(*one, *std::move(task.bos));
  one->began = now;
  one->wait = std::min(options.settling_wait_first, options.settling_time);
  one->due = now + one->wait;
  watched.emplace_back(std::move(key), std::move(one));
  absl::MutexLock lock(&mu);
  watched_count = watched.size();
}

void Comparer::Impl::TendWatched() {
  const absl::Duration now = clock.Monotonic();
  for (auto it = watched.begin(); it != watched.end();) {
    const std::shared_ptr<Watched> one = it->second;
    if (one->stage == Watched::Stage::kWaiting) {
      if (one->due <= now) {
        one->last = now - one->began >= options.settling_time;
        AskAgain(one, Side::kDaybook);
      }
      ++it;
      continue;
    }
    std::optional<Answer> answer;
    absl::Duration at;
    {
      absl::MutexLock lock(&mu);
      answer = std::exchange(one->arrived, std::nullopt);
      at = one->arrived_at;
    }
    bool over = false;
    if (answer) {
      over = one->stage == Watched::Stage::kDaybook ? OnDaybook(one, *std::move(answer), at)
                                                    : OnBos(*one, *std::move(answer));
    }
    it = over ? watched.erase(it) : std::next(it);
  }
  absl::MutexLock lock(&mu);
  watched_count = watched.size();
}

void Comparer::Impl::AskAgain(const std::shared_ptr<Watched>& one, Side side) {
  one->stage = side == Side::kDaybook ? Watched::Stage::kDaybook : Watched::Stage::kBos;
  ask(side, one->request.request, [this, one](Answer answer) {
    absl::MutexLock lock(&mu);
    one->arrived = std::move(answer);
    one->arrived_at = clock.Monotonic();
    ++answers;
  });
}

bool Comparer::Impl::OnDaybook(const std::shared_ptr<Watched>& one, Answer answer, absl::Duration at) {
  // A check without both answers tells nothing; the next one may.
  if (!SaysSomething(answer)) return FinishCheck(*one, Verdict::kUnanswered);
  one->daybook = *std::move(answer);
  one->shown_at = at;
  if (one->bos && one->settlement.Check(Compare(*one->bos, *one->daybook, options.rules))) {
    ++one->checks;
    return FinishCheck(*one, Verdict::kLag);
  }
  AskAgain(one, Side::kBos);
  return false;
}

bool Comparer::Impl::OnBos(Watched& one, Answer answer) {
  if (!SaysSomething(answer)) return FinishCheck(one, Verdict::kUnanswered);
  ++one.checks;
  const bool agreed = one.settlement.Check(Compare(*answer, *one.daybook, options.rules));
  if (agreed) return FinishCheck(one, Verdict::kLag);
  Keep(one, *std::move(answer));
  return FinishCheck(one, Verdict::kDifferent);
}

void Comparer::Impl::Keep(Watched& one, std::optional<http::ClientResponse> bos) {
  absl::MutexLock lock(&mu);
  if (one.bos) bytes -= one.bos->body.size();
  one.bos = std::move(bos);
  if (!one.bos) return;
  bytes += one.bos->body.size();
  if (bytes <= options.bytes_max) return;
  bytes -= one.bos->body.size();
  one.bos.reset();
}

bool Comparer::Impl::FinishCheck(Watched& one, Verdict found) {
  one.stage = Watched::Stage::kWaiting;
  one.daybook.reset();
  const absl::Duration now = clock.Monotonic();
  const bool agreed = found == Verdict::kLag;
  if (!agreed && !one.last) {
    one.wait = std::min(one.wait * 2, options.settling_wait_max);
    one.due = std::max(now, std::min(now + one.wait, one.began + options.settling_time));
    return false;
  }
  Keep(one, std::nullopt);
  Finding finding = FindingOf(one.request, agreed ? Verdict::kLag : Verdict::kDifferent);
  finding.weight = one.weight;
  finding.lag = (agreed ? one.shown_at : now) - one.began;
  finding.checks = one.checks;
  if (agreed) {
    finding.differences = std::move(one.first);
  } else {
    for (const Difference& difference : one.settlement.open()) {
      finding.differences.push_back(Mask(difference, options.masking));
    }
  }
  evidence.AddFinding(finding);
  return true;
}

}  // namespace beneficiary::switching
