#include "beneficiary/serving/query_status.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace observe = daybook::observe;
namespace projection = daybook::projection;
using daybook::ToAbsl;

namespace {

void AppendText(std::string_view text, std::string& out) {
  AppendJsonString(daybook::ReplaceInvalidUtf8(text), LineSeparators::kEscaped, out);
}

// First the reason, by which documents name what is wrong.
std::string Told(const absl::Status& status) {
  const std::string reason = daybook::ReasonOf(status);
  return absl::StrCat(reason, reason.empty() ? "" : ": ", status.message());
}

void AppendError(std::string_view name, const absl::Status& status, std::string& out) {
  absl::StrAppend(&out, ",\"", ToAbsl(name), "\":");
  if (status.ok()) {
    out += "null";
  } else {
    AppendText(Told(status), out);
  }
}

std::string Millis(absl::Duration lag) { return absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(lag)); }

void AppendStages(const LagBoard::Model& lags, std::string& out) {
  out += ",\"stages\":[";
  bool first = true;
  for (std::size_t i = 0; i < kStages; ++i) {
    const LagBoard::Lag& lag = lags.stages[i];
    if (lag.samples == 0) continue;
    absl::StrAppend(&out, first ? "" : ",", "{\"stage\":\"", ToAbsl(StageName(static_cast<Stage>(i))),
                    "\",\"samples\":", lag.samples, ",\"last_ms\":", Millis(lag.last), ",\"p50_ms\":", Millis(lag.p50),
                    ",\"p99_ms\":", Millis(lag.p99), ",\"max_ms\":", Millis(lag.max), "}");
    first = false;
  }
  out.push_back(']');
}

std::string AsJson(const projection::ProjectionRunner& runner, const LagBoard& board, const daybook::Clock& clock) {
  std::string out = absl::StrCat("{\"at\":\"", daybook::FormatTimestamp(clock.Now()),
                                 "\",\"ready\":", runner.Readiness().ok() ? "true" : "false", ",\"models\":[");
  bool first = true;
  for (const projection::ProjectionStatus& status : runner.Status()) {
    const LagBoard::Model lags = board.Of(status.name);
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    AppendText(status.name, out);
    absl::StrAppend(&out, ",\"position\":", status.position.value(), ",\"log_end\":", status.log_end.value(),
                    ",\"lag_events\":", status.lag_events, ",\"events\":", status.events,
                    ",\"caught_up\":", status.caught_up ? "true" : "false");
    AppendError("error", status.error, out);
    AppendError("waiting", status.waiting, out);
    absl::StrAppend(&out, ",\"commands_shown\":", lags.commands, ",\"last_shown_at\":");
    absl::StrAppend(&out, lags.last_shown_at ? absl::StrCat("\"", daybook::FormatTimestamp(*lags.last_shown_at), "\"")
                                             : std::string("null"));
    AppendStages(lags, out);
    out.push_back('}');
  }
  out += "]}\n";
  return out;
}

std::string AsText(const projection::ProjectionRunner& runner, const LagBoard& board, const daybook::Clock& clock) {
  const absl::Status ready = runner.Readiness();
  std::string out = absl::StrCat(daybook::FormatTimestamp(clock.Now()), "  ",
                                 ready.ok() ? "ready" : absl::StrCat("not ready: ", ready.message()), "\n");
  for (const projection::ProjectionStatus& status : runner.Status()) {
    const LagBoard::Model lags = board.Of(status.name);
    absl::StrAppendFormat(&out, "\n%s  at position %d of %d (%d behind)", status.name, status.position.value(),
                          status.log_end.value(), status.lag_events);
    if (lags.last_shown_at) absl::StrAppend(&out, ", last change ", daybook::FormatTimestamp(*lags.last_shown_at));
    out.push_back('\n');
    if (!status.error.ok()) absl::StrAppend(&out, "  STOPPED: ", Told(status.error), "\n");
    if (!status.waiting.ok()) absl::StrAppend(&out, "  waiting: ", status.waiting.message(), "\n");
    if (lags.commands == 0) {
      out += "  no changes since the start\n";
      continue;
    }
    absl::StrAppendFormat(&out, "  %-18s %8s %10s %10s %10s %10s\n", "stage, ms", "samples", "last", "p50", "p99",
                          "max");
    for (std::size_t i = 0; i < kStages; ++i) {
      const LagBoard::Lag& lag = lags.stages[i];
      if (lag.samples == 0) continue;
      absl::StrAppendFormat(&out, "  %-18s %8d %10s %10s %10s %10s\n", std::string(StageName(static_cast<Stage>(i))),
                            lag.samples, Millis(lag.last), Millis(lag.p50), Millis(lag.p99), Millis(lag.max));
    }
  }
  return out;
}

}  // namespace

observe::AdminEndpoints::Endpoint StatusPage(const projection::ProjectionRunner& runner, const LagBoard& lags,
                                             const daybook::Clock& clock) {
  return {"/status", [&runner, &lags, &clock](std::string_view raw_query) {
            if (raw_query == "text") {
              return observe::AdminAnswer{200, "text/plain; charset=utf-8", AsText(runner, lags, clock)};
            }
            return observe::AdminAnswer{200, "application/json", AsJson(runner, lags, clock)};
          }};
}

void ExposeReadModels(const projection::ProjectionRunner& runner, observe::Metrics& metrics) {
  for (const std::string& name : runner.Names()) {
    const auto add = [&](std::string_view metric, std::string_view help, auto value) {
      metrics.AddCallback(metric, help, {{"projection", name}}, [&runner, name, value] {
        for (const auto& status : runner.Status()) {
          if (status.name == name) return static_cast<double>(value(status));
        }
        return 0.0;
      });
    };
    using Status = projection::ProjectionStatus;
    add("projection_position", "The position that the read model shows",
        [](const Status& s) { return s.position.value(); });
    add("projection_lag_events", "Events between the log's end and the read model",
        [](const Status& s) { return s.lag_events; });
    add("projection_stopped", "1 if it has stopped at an event", [](const Status& s) { return s.error.ok() ? 0 : 1; });
    add("projection_waiting", "1 if there is more that it cannot get now",
        [](const Status& s) { return s.waiting.ok() ? 0 : 1; });
  }
}

}  // namespace beneficiary
