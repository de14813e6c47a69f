#ifndef DAYBOOK_PROJECTION_TESTS_FAILING_KEY_VALUE_H_
#define DAYBOOK_PROJECTION_TESTS_FAILING_KEY_VALUE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daybook/store/key_value.h"

namespace daybook::projection {

// A key-value store whose process "crashes" at a chosen write: that write is lost or applied, and every later one
// fails. What lies in the inner store is what a restart finds.
class FailingKeyValue final : public store::KeyValue {
 public:
  enum class Crash { kBeforeApplying, kAfterApplying };

  explicit FailingKeyValue(store::KeyValue& inner) : inner_(inner) {}

  // The n-th write from now, counted from 1; 0 = never.
  void CrashAt(int write, Crash how) {
    crash_at_ = write;
    how_ = how;
  }
  // Called before each write is applied.
  void BeforeWrite(std::function<void()> hook) { before_write_ = std::move(hook); }
  bool crashed() const { return crashed_; }

  absl::StatusOr<store::TableId> OpenTable(std::string_view name) override { return inner_.OpenTable(name); }
  absl::Status DropTable(std::string_view name) override { return inner_.DropTable(name); }
  std::vector<std::string> TableNames() const override { return inner_.TableNames(); }
  std::unique_ptr<store::KeyValueReader> Snapshot() const override { return inner_.Snapshot(); }
  std::uint64_t ChangeNumber() const override { return inner_.ChangeNumber(); }
  absl::StatusOr<std::optional<std::string>> Get(store::TableId table, std::string_view key) const override {
    return inner_.Get(table, key);
  }
  absl::StatusOr<bool> AppendTo(store::TableId table, std::string_view key, std::string& out) const override {
    return inner_.AppendTo(table, key, out);
  }
  std::unique_ptr<store::KeyValueCursor> Scan(store::TableId table, std::string_view begin,
                                              std::string_view end) const override {
    return inner_.Scan(table, begin, end);
  }

  absl::Status Write(const store::WriteBatch& batch, store::Durability durability) override {
    if (before_write_) before_write_();
    if (crashed_) return absl::UnavailableError("crashed");
    if (crash_at_ > 0 && ++writes_ == crash_at_) {
      crashed_ = true;
      if (how_ == Crash::kAfterApplying) inner_.Write(batch, durability).IgnoreError();
      return absl::UnavailableError("crashed");
    }
    return inner_.Write(batch, durability);
  }

 private:
  store::KeyValue& inner_;
  int crash_at_ = 0;
  Crash how_ = Crash::kBeforeApplying;
  std::atomic<int> writes_ = 0;
  std::atomic<bool> crashed_ = false;
  std::function<void()> before_write_;
};

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_TESTS_FAILING_KEY_VALUE_H_
