#include "daybook/observe/metrics.h"

#include <prometheus/check_names.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/check.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"

namespace daybook::observe {
namespace {

enum class Kind { kCounter, kGauge, kHistogram };

struct Callback {
  std::string name;
  std::string help;
  Labels labels;
  std::function<double()> value;
};

prometheus::Labels ToPrometheus(const Labels& labels) {
  prometheus::Labels out;
  for (const auto& [name, value] : labels) {
    DAYBOOK_CHECK(prometheus::CheckLabelName(name), "a label's name is [a-zA-Z_][a-zA-Z0-9_]*");
    out[name] = ReplaceInvalidUtf8(value);
  }
  return out;
}

double Ask(const std::function<double()>& value) {
  try {
    return value();
  } catch (...) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

prometheus::ClientMetric Sample(const Callback& callback) {
  prometheus::ClientMetric sample;
  for (const auto& [name, value] : ToPrometheus(callback.labels)) sample.label.push_back({name, value});
  sample.gauge.value = Ask(callback.value);
  return sample;
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(std::distance(begin(files), end(files)));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

void Counter::Increment(double by) {
  if (by >= 0) counter_->Increment(by);
}

void Gauge::Set(double value) { gauge_->Set(value); }
void Gauge::Add(double by) { gauge_->Increment(by); }

void Histogram::Observe(double value) { histogram_->Observe(value); }

struct Metrics::Impl {
  prometheus::Registry registry;
  mutable absl::Mutex mu;
  std::map<std::string, std::pair<Kind, std::string>, std::less<>> families ABSL_GUARDED_BY(mu);
  std::map<int, Callback> callbacks ABSL_GUARDED_BY(mu);
  int next_callback ABSL_GUARDED_BY(mu) = 0;

  // Checks invariant 2 before the library would throw.
  void Claim(std::string_view name, Kind kind, std::string_view help) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    DAYBOOK_CHECK(prometheus::CheckMetricName(std::string(name)), "a metric's name is [a-zA-Z_:][a-zA-Z0-9_:]*");
    const auto [family, added] = families.try_emplace(std::string(name), kind, std::string(help));
    DAYBOOK_CHECK(added || family->second == std::make_pair(kind, std::string(help)),
                  "a metric's name has one kind and one help text");
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::GetCounter(std::string_view name, std::string_view help, const Labels& labels) {
  absl::MutexLock lock(&impl_->mu);
  impl_->Claim(name, Kind::kCounter, help);
  auto& family = prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  return Counter(&family.Add(ToPrometheus(labels)));
}

Gauge Metrics::GetGauge(std::string_view name, std::string_view help, const Labels& labels) {
  absl::MutexLock lock(&impl_->mu);
  impl_->Claim(name, Kind::kGauge, help);
  auto& family = prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  return Gauge(&family.Add(ToPrometheus(labels)));
}

Histogram Metrics::GetHistogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                                const Labels& labels) {
  DAYBOOK_CHECK(std::is_sorted(bounds.begin(), bounds.end()), "a histogram's bounds ascend");
  absl::MutexLock lock(&impl_->mu);
  impl_->Claim(name, Kind::kHistogram, help);
  auto& family = prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  return Histogram(&family.Add(ToPrometheus(labels), bounds));
}

Metrics::CallbackId Metrics::AddCallback(std::string_view name, std::string_view help, const Labels& labels,
                                         std::function<double()> value) {
  absl::MutexLock lock(&impl_->mu);
  impl_->Claim(name, Kind::kGauge, help);
  const int id = impl_->next_callback++;
  impl_->callbacks.emplace(id, Callback{std::string(name), std::string(help), labels, std::move(value)});
  return CallbackId(id);
}

void Metrics::Remove(CallbackId id) {
  absl::MutexLock lock(&impl_->mu);
  impl_->callbacks.erase(static_cast<int>(id));
}

void Metrics::AddProcessMetrics() {
  const double started = 1e-6 * static_cast<double>(Clock::System().Now().micros());
  AddCallback("process_resident_memory_bytes", "Memory in RAM", {}, ResidentBytes);
  AddCallback("process_open_fds", "Open files and sockets", {}, OpenFiles);
  AddCallback("process_cpu_seconds_total", "Processor time used", {}, CpuSeconds);
  AddCallback("process_start_time_seconds", "When the process began, in Unix time", {}, [started] { return started; });
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  absl::MutexLock lock(&impl_->mu);
  for (const auto& entry : impl_->callbacks) {
    const Callback& callback = entry.second;
    auto family =
        std::find_if(families.begin(), families.end(), [&](const auto& f) { return f.name == callback.name; });
    if (family == families.end()) {
      family = families.insert(family, {callback.name, callback.help, prometheus::MetricType::Gauge, {}});
    }
    family->metric.push_back(Sample(callback));
  }
  return prometheus::TextSerializer().Serialize(families);
}

const std::vector<double>& Metrics::LatencyBounds() {
  static const auto* const bounds = new std::vector<double>{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                            0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  return *bounds;
}

}  // namespace daybook::observe
