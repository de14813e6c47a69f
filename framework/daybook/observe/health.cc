#include "daybook/observe/health.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/check.h"

namespace daybook::observe {
namespace {

absl::Status Ask(const std::function<absl::Status()>& check) {
  try {
    return check();
  } catch (const std::exception& thrown) {
    return absl::InternalError(absl::StrCat("the check threw: ", thrown.what()));
  } catch (...) {
    return absl::InternalError("the check threw");
  }
}

}  // namespace

void Health::Set(std::string_view name, absl::Status status) {
  AddCheck(name, [status = std::move(status)] { return status; });
}

void Health::AddCheck(std::string_view name, std::function<absl::Status()> check) {
  absl::MutexLock lock(&mu_);
  checks_[std::string(name)] = std::move(check);
}

void Health::Remove(std::string_view name) {
  absl::MutexLock lock(&mu_);
  checks_.erase(std::string(name));
}

std::vector<Health::Line> Health::Report() const {
  std::vector<std::pair<std::string, std::function<absl::Status()>>> checks;
  {
    absl::MutexLock lock(&mu_);
    checks.assign(checks_.begin(), checks_.end());
  }
  std::sort(checks.begin(), checks.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Line> report;
  for (auto& [name, check] : checks) report.push_back({std::move(name), Ask(check)});
  return report;
}

bool Health::ready() const {
  const std::vector<Line> report = Report();
  return std::all_of(report.begin(), report.end(), [](const Line& line) { return line.status.ok(); });
}

absl::Status Health::alive() const {
  absl::MutexLock lock(&mu_);
  return dead_;
}

void Health::SetDead(absl::Status reason) {
  DAYBOOK_CHECK(!reason.ok(), "a process is dead for a reason");
  absl::MutexLock lock(&mu_);
  if (dead_.ok()) dead_ = std::move(reason);
}

}  // namespace daybook::observe
