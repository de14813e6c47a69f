#ifndef DAYBOOK_OBSERVE_METRICS_H_
#define DAYBOOK_OBSERVE_METRICS_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace daybook::observe {

// Names and values that tell metrics of one family apart: {{"route", "/v1/x"}, {"status", "200"}}. Few values each.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Handles are small values; they live as long as their Metrics. Thread safety: from any thread, without a lock where
// the platform has atomic doubles.
class Counter {
 public:
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  // `by` is not negative; otherwise nothing happens.
  void Increment(double by = 1);

 private:
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  void Set(double value);
  void Add(double by);

 private:
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  void Observe(double value);

 private:
  prometheus::Histogram* histogram_;
};

// Every metric of the process, and their text for Prometheus (exposition format 0.0.4).
//
//   Metrics metrics;
//   Counter served = metrics.GetCounter("http_requests_total", "Requests answered", {{"status", "200"}});
//   served.Increment();
//   metrics.AddCallback("queue_commands", "Commands waiting", {}, [&] { return double(queue.size()); });
//   std::string page = metrics.Text();
//
// Thread safety: every method from any thread.
// Invariants:
//  1. The same name and labels give the same metric; keep the handle on hot paths, the look-up takes a lock.
//  2. A name has one kind and one help text, and is [a-zA-Z_:][a-zA-Z0-9_:]*; another one is a broken program
//  (checked).
//  3. Text() is always valid UTF-8: label values that are not are replaced.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  Counter GetCounter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge GetGauge(std::string_view name, std::string_view help, const Labels& labels = {});
  // `bounds`: upper bounds of the buckets, ascending; +Inf is added. The family's first call decides them.
  Histogram GetHistogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                         const Labels& labels = {});

  // A gauge whose value is asked for at each Text(). The callback must be quick and must not call this object; it is
  // not called after Remove returned. What it throws counts as NaN.
  enum class CallbackId : int {};
  CallbackId AddCallback(std::string_view name, std::string_view help, const Labels& labels,
                         std::function<double()> value);
  void Remove(CallbackId id);

  // Adds process_resident_memory_bytes, process_open_fds, process_cpu_seconds_total and process_start_time_seconds.
  void AddProcessMetrics();

  std::string Text() const;

  // Bounds in seconds for latencies from 0.1 ms to 10 s.
  static const std::vector<double>& LatencyBounds();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::observe

#endif  // DAYBOOK_OBSERVE_METRICS_H_
