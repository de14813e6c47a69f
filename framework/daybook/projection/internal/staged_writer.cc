#include "daybook/projection/internal/staged_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/projection/internal/keys.h"

namespace daybook::projection::internal {

bool StagedWriter::Admits(std::string_view key) {
  if (!key.empty() && key.size() <= kKeyBytesMax && key[0] != '\0') [[likely]]
    return true;
  if (status_.ok()) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("a key of ", key.size(), " bytes", !key.empty() && key[0] == '\0' ? " that starts with NUL" : "",
                     ": keys are 1 to ", kKeyBytesMax, " bytes and do not start with NUL"));
  }
  return false;
}

std::optional<std::string> StagedWriter::GetOwn(std::string_view key) {
  if (const auto found = staged_.find(key); found != staged_.end()) return found->second;
  absl::StatusOr<std::optional<std::string>> value = models_.Get(table_, key);
  if (!value.ok()) {
    if (status_.ok()) status_ = value.status();
    return std::nullopt;
  }
  return *std::move(value);
}

void StagedWriter::PutOwn(std::string_view key, std::string value) {
  staged_.insert_or_assign(std::string(key), std::move(value));
}

std::optional<std::string> StagedWriter::Get(std::string_view key) {
  if (!Admits(key)) return std::nullopt;
  return GetOwn(key);
}

void StagedWriter::Put(std::string_view key, std::string_view value) {
  if (!Admits(key)) return;
  if (value.size() > kValueBytesMax) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat("a value of ", value.size(), " bytes; at most ", kValueBytesMax, " are allowed"));
    }
    return;
  }
  if (const auto found = staged_.find(key); found != staged_.end()) {
    found->second.emplace(value);
  } else {
    staged_.emplace(std::string(key), std::string(value));
  }
}

void StagedWriter::Delete(std::string_view key) {
  if (Admits(key)) staged_.insert_or_assign(std::string(key), std::nullopt);
}

void StagedWriter::Fail(std::string_view why) {
  if (status_.ok()) status_ = absl::FailedPreconditionError(ToAbsl(why));
}

void StagedWriter::MoveTo(store::WriteBatch& batch) {
  std::vector<Staged::iterator> ordered;
  ordered.reserve(staged_.size());
  for (auto it = staged_.begin(); it != staged_.end(); ++it) ordered.push_back(it);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a->first < b->first; });
  for (const Staged::iterator it : ordered) {
    if (it->second.has_value()) {
      batch.Put(table_, it->first, *it->second);
    } else {
      batch.Delete(table_, it->first);
    }
  }
  staged_.clear();
}

void StagedWriter::Clear() {
  staged_.clear();
  status_ = absl::OkStatus();
}

}  // namespace daybook::projection::internal
