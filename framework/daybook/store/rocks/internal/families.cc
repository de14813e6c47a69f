#include "daybook/store/rocks/internal/families.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daybook/store/rocks/internal/format.h"
#include "daybook/store/rocks/internal/rocks_status.h"

namespace daybook::store::internal {
namespace {

constexpr std::size_t kWriteBufferBytes = 16 * 1024 * 1024;
constexpr std::size_t kHashBuckets = 64 * 1024;

// The prefix of an index key: the stream, without the revision.
class StreamPrefix : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "daybook.StreamPrefix"; }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() > kRevisionSize; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return rocksdb::Slice(key.data(), key.size() - kRevisionSize);
  }
};

// Removes outcomes that are older than the retention. Reads check the age themselves, so this only frees space.
class ExpiredOutcomes : public rocksdb::CompactionFilter {
 public:
  explicit ExpiredOutcomes(Timestamp keep_from) : keep_from_(keep_from) {}
  const char* Name() const override { return "daybook.ExpiredOutcomes"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*, bool*) const override {
    const std::optional<std::string_view> row = OpenSeal(ToView(key), ToView(value));
    if (!row) return false;  // a damaged row stays, to be reported by the read that meets it
    const std::optional<Timestamp> decided_at = PeekDecidedAt(*row);
    return decided_at && *decided_at < keep_from_;
  }

 private:
  const Timestamp keep_from_;
};

class ExpiredOutcomesFactory : public rocksdb::CompactionFilterFactory {
 public:
  ExpiredOutcomesFactory(const Clock& clock, absl::Duration retention) : clock_(clock), retention_(retention) {}
  const char* Name() const override { return "daybook.ExpiredOutcomesFactory"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<ExpiredOutcomes>(FromAbslTime(ToAbslTime(clock_.Now()) - retention_));
  }

 private:
  const Clock& clock_;
  const absl::Duration retention_;
};

rocksdb::BlockBasedTableOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& cache, std::size_t block_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = block_bytes;
  table.format_version = 5;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  return table;
}

// Random keys in a skip list are the bottleneck of the whole store; in one list per prefix they are not. Get and
// forward iteration inside a prefix work on such a table, and nothing else.
void UseHashTable(rocksdb::ColumnFamilyOptions& options, const rocksdb::SliceTransform* prefix) {
  options.prefix_extractor.reset(prefix);
  options.memtable_factory.reset(rocksdb::NewHashSkipListRepFactory(kHashBuckets));
}

rocksdb::ColumnFamilyOptions IndexFamily(const FamilySettings& settings) {
  rocksdb::ColumnFamilyOptions options = OrderedFamily(settings.cache, 4096);
  rocksdb::BlockBasedTableOptions table = TableOptions(settings.cache, 4096);
  table.whole_key_filtering = false;  // every read names a stream, so the prefix is all that need be looked for
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  UseHashTable(options, new StreamPrefix());
  return options;
}

rocksdb::ColumnFamilyOptions OutcomesFamily(const FamilySettings& settings) {
  rocksdb::ColumnFamilyOptions options = OrderedFamily(settings.cache, 4096);
  UseHashTable(options, rocksdb::NewFixedPrefixTransform(Uuid::kSize));
  // Nearly every look-up is of an id that is not there: a third of what deciding a command costs without these bits.
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.compaction_filter_factory =
      std::make_shared<ExpiredOutcomesFactory>(*settings.clock, settings.outcome_retention);
  // Files that nothing else touches are looked through this often.
  const std::int64_t period_s = absl::ToInt64Seconds(settings.outcome_retention / 4);
  options.periodic_compaction_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(period_s, 3600));
  return options;
}

}  // namespace

rocksdb::DBOptions CommonOptions() {
  rocksdb::DBOptions options;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.avoid_flush_during_recovery = false;
  options.avoid_flush_during_shutdown = true;
  options.max_bgerror_resume_count = 0;
  options.max_total_wal_size = 128 * 1024 * 1024;
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.stats_dump_period_sec = 0;  // nobody reads them, and they cost a thread
  options.stats_persist_period_sec = 0;
  options.enable_pipelined_write = false;
  options.unordered_write = false;
  return options;
}

rocksdb::ColumnFamilyOptions OrderedFamily(const std::shared_ptr<rocksdb::Cache>& cache, std::size_t block_bytes) {
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = 4;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(cache, block_bytes)));
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> EventStoreFamilies(const FamilySettings& settings) {
  return {{kFamilyNames[0], OrderedFamily(settings.cache, 4096)},
          {kFamilyNames[1], OrderedFamily(settings.cache, 16 * 1024)},
          {kFamilyNames[2], IndexFamily(settings)},
          {kFamilyNames[3], OutcomesFamily(settings)},
          {kFamilyNames[4], OrderedFamily(settings.cache, 4096)},
          {kFamilyNames[5], OrderedFamily(settings.cache, 4096)}};
}

}  // namespace daybook::store::internal
