#include "harness/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cmath>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daybook/base/clock.h"

namespace daybook::bench {
namespace {

std::string Human(double value) {
  if (value >= 1e6) return absl::StrFormat("%.2f M", value / 1e6);
  if (value >= 1e4) return absl::StrFormat("%.1f k", value / 1e3);
  return absl::StrFormat("%.1f", value);
}

std::string CpuModel() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

boost::json::object Machine() {
  utsname name{};
  boost::json::object machine;
  if (uname(&name) == 0) machine["kernel"] = std::string(name.release);
  machine["cpu"] = CpuModel();
  machine["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  machine["memory_bytes"] = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
  machine["time"] = FormatTimestamp(Clock::System().Now());
  return machine;
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void Report::Add(Row row) { rows_.push_back(std::move(row)); }

std::string Report::ToTable() const {
  std::string out =
      absl::StrFormat("%-44s %12s  %-34s %12s  %-20s %s\n", "", "Daybook", "beside", "", "ratio", "p50 / p99");
  for (const Row& row : rows_) {
    std::string ratio;
    if (!row.floor.empty()) {
      ratio = absl::StrFormat("%.2f (%.2f-%.2f)", row.ratio, row.ratio_min, row.ratio_max);
      if (row.target.has_value()) absl::StrAppend(&ratio, row.ratio < *row.target ? " ! " : " >= ", *row.target);
    }
    std::string latency;
    if (row.p50_us.has_value()) latency = absl::StrFormat("%.0f / %.0f us", *row.p50_us, row.p99_us.value_or(NAN));
    absl::StrAppend(&out, absl::StrFormat("%-44s %12s  %-34s %12s  %-20s %s\n", row.scenario, Human(row.value),
                                          row.floor, row.floor.empty() ? "" : Human(row.floor_value), ratio, latency));
  }
  return out;
}

absl::Status Report::WriteJson(const std::string& path) const {
  boost::json::array rows;
  for (const Row& row : rows_) {
    boost::json::object json = {{"scenario", row.scenario},
                                {"unit", row.unit},
                                {"value", row.value},
                                {"floor", row.floor},
                                {"floor_value", row.floor_value},
                                {"ratio", row.ratio},
                                {"ratio_min", row.ratio_min},
                                {"ratio_max", row.ratio_max}};
    if (row.target.has_value()) json["target"] = *row.target;
    if (row.p50_us.has_value()) json["p50_us"] = *row.p50_us;
    if (row.p99_us.has_value()) json["p99_us"] = *row.p99_us;
    rows.push_back(std::move(json));
  }
  std::ofstream out(path);
  out << boost::json::serialize(boost::json::object{{"machine", Machine()}, {"rows", std::move(rows)}}) << "\n";
  if (!out.flush()) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  return absl::OkStatus();
}

}  // namespace daybook::bench
