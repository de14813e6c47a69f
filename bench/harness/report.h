#ifndef DAYBOOK_BENCH_HARNESS_REPORT_H_
#define DAYBOOK_BENCH_HARNESS_REPORT_H_

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace daybook::bench {

// One figure beside the floor measured in the same run: what Daybook does, what the bare thing does, and the ratio.
struct Row {
  std::string scenario;  // "commands/s, 256 in flight"
  std::string unit;      // "commands/s"
  double value = 0;      // the median of the rounds
  std::string floor;     // what it stands beside: "queue to WriteBatch"; "" = none
  double floor_value = 0;
  double ratio = 0;  // the median of the rounds' ratios, pair by pair
  double ratio_min = 0;
  double ratio_max = 0;
  std::optional<double> target;  // the ratio it must reach
  std::optional<double> p50_us;  // latency of one, where it means something
  std::optional<double> p99_us;
};

// Collects rows, prints them as a table, and writes them as JSON with the machine they were measured on.
class Report {
 public:
  void Add(Row row);

  // The table, one line a row, "!" behind a ratio below its target.
  std::string ToTable() const;

  // {"machine":{…},"rows":[…]} to a file. kUnavailable if it cannot be written.
  absl::Status WriteJson(const std::string& path) const;

  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

// Runs `ours` and `floor` in turn, `rounds` times, and fills value, floor_value and the ratios of `row`.
// Each returns its figure (higher is better). Pairs, since the disk drifts by a factor of two between rounds.
template <class Ours, class Floor>
Row MeasurePairs(Row row, int rounds, Ours ours, Floor floor);

double Median(std::vector<double> values);

}  // namespace daybook::bench

template <class Ours, class Floor>
daybook::bench::Row daybook::bench::MeasurePairs(Row row, int rounds, Ours ours, Floor floor) {
  std::vector<double> values, floors, ratios;
  for (int round = 0; round < rounds; ++round) {
    // The order alternates, so that neither always meets the warmer cache.
    double value = 0, bare = 0;
    if (round % 2 == 0) {
      value = ours();
      bare = floor();
    } else {
      bare = floor();
      value = ours();
    }
    values.push_back(value);
    floors.push_back(bare);
    ratios.push_back(bare > 0 ? value / bare : 0);
  }
  row.value = Median(values);
  row.floor_value = Median(floors);
  row.ratio = Median(ratios);
  row.ratio_min = *std::min_element(ratios.begin(), ratios.end());
  row.ratio_max = *std::max_element(ratios.begin(), ratios.end());
  return row;
}

#endif  // DAYBOOK_BENCH_HARNESS_REPORT_H_
