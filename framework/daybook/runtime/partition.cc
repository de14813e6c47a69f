#include "daybook/runtime/partition.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/runtime/internal/committer.h"

namespace daybook::runtime {
namespace {

// The embedded engine's commit point: the store's synced write.
class StoreCommitPoint final : public CommitPoint {
 public:
  explicit StoreCommitPoint(store::EventStore& store) : store_(store) {}
  absl::StatusOr<store::Appended> Commit(const store::Batch& batch) override { return store_.Append(batch); }

 private:
  store::EventStore& store_;
};

// A committer with the commit point that it uses.
class EmbeddedPartition final : public Partition {
 public:
  EmbeddedPartition(const PartitionOptions& options, store::EventStore& store, WriterEpoch epoch)
      : commit_point_(store), committer_(options, store, commit_point_, epoch) {}

  void Stop(absl::Duration grace) override { committer_.Stop(grace); }
  absl::Status health() const override { return committer_.health(); }
  PartitionStats stats() const override { return committer_.stats(); }
  store::EventStore& store() override { return committer_.store(); }
  const PartitionOptions& options() const override { return committer_.options(); }
  const internal::AggregateOps& Register(std::unique_ptr<internal::AggregateOps> ops) override {
    return committer_.Register(std::move(ops));
  }
  void Submit(std::unique_ptr<internal::Request> request) override { committer_.Submit(std::move(request)); }
  absl::StatusOr<CommandOutcome> FindOutcome(CommandId id) override { return committer_.FindOutcome(id); }
  void StoreInput(std::shared_ptr<InputProgress> progress, OutcomeHandler done) override {
    committer_.StoreInput(std::move(progress), std::move(done));
  }

 private:
  StoreCommitPoint commit_point_;
  internal::Committer committer_;
};

absl::Status CheckOptions(const PartitionOptions& options) {
  if (options.clock == nullptr || options.ids == nullptr) {
    return absl::InvalidArgumentError("PartitionOptions: clock and ids must be given");
  }
  if (options.queue_commands_max == 0 || options.batch_commands_max == 0 || options.batch_bytes_max == 0) {
    return absl::InvalidArgumentError("PartitionOptions: queue_commands_max and batch_*_max must be above 0");
  }
  if (options.outcome_retention <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("PartitionOptions: outcome_retention must be above 0");
  }
  return absl::OkStatus();
}

absl::StatusOr<WriterEpoch> TakeOver(const PartitionOptions& options, store::EventStore& store) {
  DAYBOOK_RETURN_IF_ERROR(CheckOptions(options));
  absl::StatusOr<WriterEpoch> epoch = store.ClaimEpoch();
  if (!epoch.ok()) return Annotate(epoch.status(), absl::StrCat("partition ", options.partition.value()).c_str());
  return epoch;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Partition>> Partition::Start(const PartitionOptions& options, store::EventStore& store) {
  DAYBOOK_ASSIGN_OR_RETURN(const WriterEpoch epoch, TakeOver(options, store));
  return std::make_unique<EmbeddedPartition>(options, store, epoch);
}

absl::StatusOr<std::unique_ptr<Partition>> Partition::Start(const PartitionOptions& options, store::EventStore& store,
                                                            CommitPoint& commit_point) {
  DAYBOOK_ASSIGN_OR_RETURN(const WriterEpoch epoch, TakeOver(options, store));
  return std::make_unique<internal::Committer>(options, store, commit_point, epoch);
}

}  // namespace daybook::runtime
