#include "beneficiary/switch/switch.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/switch/internal/suspension.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/http/query.h"

namespace beneficiary::switching {

namespace http = daybook::http;
using Answer = absl::StatusOr<http::ClientResponse>;
using daybook::ToAbsl;

namespace {

bool Failed(const Answer& answer) { return !answer.ok() || http::ToInt(answer->status) >= 500; }

FallbackReason ReasonOf(const Answer& answer) {
  if (answer.ok()) return FallbackReason::kStatus;
  if (absl::IsDeadlineExceeded(answer.status())) return FallbackReason::kTimeout;
  if (absl::IsResourceExhausted(answer.status())) return FallbackReason::kBusy;
  return FallbackReason::kError;
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(known)); });
}

std::string ClientOf(const http::Request& request) {
  const auto query = http::Query::Parse(request.raw_query(), http::QuerySyntax::kLenient);
  return query.ok() ? std::string(query->Last("client_id").value_or("")) : "";
}

// The request as it goes on to either side.
http::ClientRequest Forwarded(const http::Request& request, Mode mode) {
  http::ClientRequest out;
  // A HEAD is answered by the server from the GET's answer, so that its Content-Length is right.
  out.method = http::Method::kGet;
  out.target = std::string(request.path());
  if (!request.raw_query().empty()) absl::StrAppend(&out.target, "?", ToAbsl(request.raw_query()));
  const std::string_view connection = request.Header("Connection").value_or("");
  std::string forwarded_for;
  for (const auto& [name, value] : request.headers()) {
    if (http::IsHopByHop(name, connection) || IsOneOf(name, {"Content-Length", "Expect"})) continue;
    if (Compares(mode) &&
        IsOneOf(name, {"Accept-Encoding", "If-None-Match", "If-Modified-Since", "If-Range", "Range"})) {
      continue;
    }
    if (IsOneOf(name, {"X-Forwarded-For"})) {
      absl::StrAppend(&forwarded_for, ToAbsl(value), ", ");
      continue;
    }
    out.headers.emplace_back(name, value);
  }
  const std::string_view peer = request.peer();
  absl::StrAppend(&forwarded_for, ToAbsl(peer.substr(0, peer.rfind(':'))));
  out.headers.emplace_back("X-Forwarded-For", std::move(forwarded_for));
  return out;
}

http::Response PassedOn(http::ClientResponse answer) {
  http::Response response(answer.status);
  const std::string connection(answer.Header("Connection").value_or(""));
  for (const auto& [name, value] : answer.headers) {
    // The server here writes these itself.
    if (http::IsHopByHop(name, connection) || IsOneOf(name, {"Content-Length", "Date"})) continue;
    response.AddHeader(name, value);
  }
  response.mutable_body() = std::move(answer.body);
  return response;
}

http::Response NobodyAnswered(const absl::Status& why) {
  http::StatusCode status = http::StatusCode::kBadGateway;
  std::string_view detail = "The service behind could not be reached.";
  if (absl::IsDeadlineExceeded(why)) {
    status = http::StatusCode::kGatewayTimeout;
    detail = "The service behind did not answer in time.";
  } else if (absl::IsResourceExhausted(why)) {
    status = http::StatusCode::kServiceUnavailable;
    detail = "Too many requests are waiting.";
  }
  http::Response response(status, http::kJson, absl::StrCat("{\"detail\":\"", ToAbsl(detail), "\"}"));
  if (status == http::StatusCode::kServiceUnavailable) response.AddHeader("Retry-After", "1");
  return response;
}

// The two answers to one request, on their way to the comparer.
class Comparing {
 public:
  Comparing(Comparer& comparer, Comparer::Ticket ticket, ComparedRequest request)
      : comparer_(comparer), ticket_(std::move(ticket)), request_(std::move(request)) {}

  void Put(Side side, Answer answer) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    (side == Side::kBos ? bos_ : daybook_) = std::move(answer);
    if (bos_ && daybook_) {
      comparer_.Submit(std::move(ticket_), std::move(request_), *std::move(bos_), *std::move(daybook_));
    }
  }

 private:
  Comparer& comparer_;
  absl::Mutex mu_;
  Comparer::Ticket ticket_ ABSL_GUARDED_BY(mu_);
  ComparedRequest request_ ABSL_GUARDED_BY(mu_);
  std::optional<Answer> bos_ ABSL_GUARDED_BY(mu_);
  std::optional<Answer> daybook_ ABSL_GUARDED_BY(mu_);
};

// One request being answered: by one side, then perhaps by the other, one at a time.
struct Exchange {
  http::Responder responder;
  http::ClientRequest request;
  Mode mode;
  std::shared_ptr<Comparing> comparing;  // null: this one is not compared
  std::optional<FallbackReason> fallback;
  std::optional<Answer> first;  // the chosen side's, if it failed
};

}  // namespace

struct Switch::Impl {
  Impl(SwitchOptions given, const ModeTable& table, Evidence& where, const daybook::Clock& of)
      : options(std::move(given)),
        modes(table),
        evidence(where),
        clock(of),
        suspensions{internal::Suspension(options.suspend_after, options.suspend_for),
                    internal::Suspension(options.suspend_after, options.suspend_for)} {}

  absl::Status StartClients();
  void Handle(http::Request request, http::Responder responder);
  // Asks for an answer that is to be served, or for one that is only compared.
  void AskToServe(Side side, const http::ClientRequest& request, http::Client::Callback done);
  void AskToCompare(Side side, http::ClientRequest request, http::Client::Callback done);
  void StartComparison(Exchange& exchange, Comparer::Ticket ticket, std::string client);
  void Serve(const std::shared_ptr<Exchange>& exchange, Side side);
  void OnAnswer(const std::shared_ptr<Exchange>& exchange, Side side, Answer answer);
  void Finish(const std::shared_ptr<Exchange>& exchange, Side side, Answer answer);
  bool MayStandIn(Side side) const {
    return options.fallback == Fallback::kBoth || (options.fallback == Fallback::kToBos && side == Side::kBos);
  }
  internal::Suspension& SuspensionOf(Side side) { return suspensions[static_cast<std::size_t>(side)]; }

  const SwitchOptions options;
  const ModeTable& modes;
  Evidence& evidence;
  const daybook::Clock& clock;
  std::array<internal::Suspension, 2> suspensions;
  std::unique_ptr<Comparer> comparer;
  // By side. They call back into all of the above, so they stop first.
  std::array<std::unique_ptr<http::Client>, 2> serving;
  std::array<std::unique_ptr<http::Client>, 2> comparing;
};

absl::Status Switch::Impl::StartClients() {
  for (const Side side : {Side::kBos, Side::kDaybook}) {
    const SideOptions& of_side = side == Side::kBos ? options.bos : options.daybook;
    const auto index = static_cast<std::size_t>(side);
    http::ClientOptions client;
    client.address = of_side.address;
    client.connections_max = of_side.connections_max;
    client.body_bytes_max = options.body_bytes_max;
    client.request_timeout = of_side.timeout;
    client.tls = of_side.tls;
    DAYBOOK_ASSIGN_OR_RETURN(serving[index], http::Client::Start(client));
    client.connections_max = options.compare_connections_max;
    client.waiting_max = options.comparer.in_flight_max + options.comparer.settling_max;
    client.request_timeout = options.compare_timeout;
    DAYBOOK_ASSIGN_OR_RETURN(comparing[index], http::Client::Start(client));
  }
  return absl::OkStatus();
}

void Switch::Impl::AskToServe(Side side, const http::ClientRequest& request, http::Client::Callback done) {
  const absl::Duration began = clock.Monotonic();
  serving[static_cast<std::size_t>(side)]->Send(
      request, [this, side, began, done = std::move(done)](Answer answer) mutable {
        const absl::Duration took = clock.Monotonic() - began;
        const bool told = answer.ok() || absl::IsDeadlineExceeded(answer.status());
        done(std::move(answer));
        if (told) evidence.AddLatency(side, took);
      });
}

void Switch::Impl::AskToCompare(Side side, http::ClientRequest request, http::Client::Callback done) {
  request.headers.emplace_back("X-Switch-Purpose", "compare");
  comparing[static_cast<std::size_t>(side)]->Send(std::move(request), std::move(done));
}

void Switch::Impl::Handle(http::Request request, http::Responder responder) {
  const std::string client = ClientOf(request);
  const Mode mode = modes.Current()->Of(client);
  auto exchange =
      std::make_shared<Exchange>(Exchange{std::move(responder), Forwarded(request, mode), mode, {}, {}, {}});
  if (Compares(mode)) {
    Comparer::Ticket ticket = comparer->Admit();
    if (ticket) StartComparison(*exchange, std::move(ticket), client);
  }
  const Side chosen = ChosenSide(mode);
  if (MayStandIn(OtherSide(chosen)) && !SuspensionOf(chosen).Admits(clock.Monotonic())) {
    exchange->fallback = FallbackReason::kSuspended;
    if (exchange->comparing != nullptr) {
      exchange->comparing->Put(chosen, absl::UnavailableError("not asked: it keeps failing"));
    }
    return Serve(exchange, OtherSide(chosen));
  }
  Serve(exchange, chosen);
}

// The other side is asked at the same time, so that both are asked about the same state.
void Switch::Impl::StartComparison(Exchange& exchange, Comparer::Ticket ticket, std::string client) {
  const Side other = OtherSide(ChosenSide(exchange.mode));
  exchange.comparing = std::make_shared<Comparing>(*comparer, std::move(ticket),
                                                   ComparedRequest{exchange.mode, std::move(client), exchange.request});
  const absl::Duration began = clock.Monotonic();
  AskToCompare(other, exchange.request, [this, other, began, comparing = exchange.comparing](Answer answer) {
    if (answer.ok() || absl::IsDeadlineExceeded(answer.status())) {
      evidence.AddLatency(other, clock.Monotonic() - began);
    }
    comparing->Put(other, std::move(answer));
  });
}

void Switch::Impl::Serve(const std::shared_ptr<Exchange>& exchange, Side side) {
  AskToServe(side, exchange->request,
             [this, exchange, side](Answer answer) { OnAnswer(exchange, side, std::move(answer)); });
}

void Switch::Impl::OnAnswer(const std::shared_ptr<Exchange>& exchange, Side side, Answer answer) {
  const Side chosen = ChosenSide(exchange->mode);
  const bool failed = Failed(answer);
  if (side == chosen) {
    if (failed) {
      SuspensionOf(side).Failed(clock.Monotonic());
    } else {
      SuspensionOf(side).Succeeded();
    }
    if (failed && MayStandIn(OtherSide(side))) {
      exchange->fallback = ReasonOf(answer);
      if (exchange->comparing != nullptr) exchange->comparing->Put(side, answer);
      exchange->first = std::move(answer);
      return Serve(exchange, OtherSide(side));
    }
  } else if (failed && exchange->first && exchange->first->ok()) {
    // Both have failed, and the chosen side said how.
    exchange->fallback.reset();
    return Finish(exchange, chosen, *std::move(exchange->first));
  }
  Finish(exchange, side, std::move(answer));
}

void Switch::Impl::Finish(const std::shared_ptr<Exchange>& exchange, Side side, Answer answer) {
  const Side chosen = ChosenSide(exchange->mode);
  const auto comparing = exchange->first || side != chosen ? nullptr : exchange->comparing;
  std::optional<Answer> compared;
  if (comparing != nullptr) compared = answer;
  Served served{exchange->mode, side, exchange->fallback};
  if (!answer.ok()) served.answered_by.reset();
  http::Response response = answer.ok() ? PassedOn(*std::move(answer)) : NobodyAnswered(answer.status());
  if (served.answered_by) response.AddHeader("X-Answered-By", SideName(side));
  response.AddHeader("X-Switch-Mode", ModeName(exchange->mode));
  if (exchange->fallback) {
    response.AddHeader("X-Switch-Fallback",
                       absl::StrCat(ToAbsl(SideName(chosen)), "; ", ToAbsl(FallbackReasonName(*exchange->fallback))));
  }
  exchange->responder.Send(std::move(response));
  evidence.AddServed(served);
  if (comparing != nullptr) comparing->Put(chosen, *std::move(compared));
}

Switch::Switch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Switch>> Switch::Start(SwitchOptions options, const ModeTable& modes, Evidence& evidence,
                                                      const daybook::Clock& clock) {
  if (options.suspend_after < 1) return absl::InvalidArgumentError("suspend_after must be at least 1");
  auto impl = std::make_unique<Impl>(std::move(options), modes, evidence, clock);
  DAYBOOK_RETURN_IF_ERROR(impl->StartClients());
  impl->comparer = std::make_unique<Comparer>(
      impl->options.comparer,
      [raw = impl.get()](Side side, http::ClientRequest request, http::Client::Callback done) {
        raw->AskToCompare(side, std::move(request), std::move(done));
      },
      evidence, clock);
  return std::unique_ptr<Switch>(new Switch(std::move(impl)));
}

Switch::~Switch() { Stop(); }

http::Handler Switch::handler() {
  return [impl = impl_.get()](http::Request request, http::Responder responder) {
    impl->Handle(std::move(request), std::move(responder));
  };
}

void Switch::Stop() {
  impl_->comparer->Stop();
  for (auto* clients : {&impl_->serving, &impl_->comparing}) {
    for (const auto& client : *clients) client->Stop();
  }
}

SwitchStats Switch::stats() const {
  SwitchStats stats;
  stats.comparer = impl_->comparer->stats();
  stats.bos = impl_->serving[0]->stats();
  stats.daybook = impl_->serving[1]->stats();
  stats.bos_suspended = impl_->suspensions[0].suspended();
  stats.daybook_suspended = impl_->suspensions[1].suspended();
  return stats;
}

}  // namespace beneficiary::switching
