#include "floors/bare_writer.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/check.h"
#include "daybook/base/strings.h"
#include "daybook/store/rocks/internal/families.h"
#include "daybook/store/rocks/internal/format.h"

namespace daybook::bench {
namespace {

namespace layout = store::internal;

struct Waiting {
  int stream;
  std::string command_id;
  std::string event;
  std::function<void(bool)> done;
};

rocksdb::Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

struct BareWriter::Impl {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  absl::Mutex mu;
  std::vector<Waiting> waiting;
  bool stopping = false;
  std::vector<StreamId> streams;
  std::vector<std::uint64_t> revisions;
  std::uint64_t position = 0;
  std::jthread writer;

  rocksdb::ColumnFamilyHandle* family(layout::Family f) { return families[static_cast<std::size_t>(f)]; }
  bool Ready() const { return stopping || !waiting.empty(); }

  void Open(const std::string& path) {
    rocksdb::DBOptions options = layout::CommonOptions();
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.allow_concurrent_memtable_write = false;
    const auto descriptors =
        layout::EventStoreFamilies({rocksdb::NewLRUCache(64 << 20), absl::Hours(168), &Clock::System()});
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, path, descriptors, &families, &opened);
    DAYBOOK_CHECK(status.ok(), status.ToString());
    db.reset(opened);
  }

  void Run() {
    std::vector<Waiting> batch;
    while (true) {
      {
        absl::MutexLock lock(&mu);
        mu.Await(absl::Condition(this, &Impl::Ready));
        if (waiting.empty()) return;
        batch.clear();
        std::swap(batch, waiting);
      }
      const bool ok = Write(batch);
      for (Waiting& one : batch) one.done(ok);
    }
  }

  bool Write(const std::vector<Waiting>& batch) {
    rocksdb::WriteBatch rows;
    layout::PageBuilder page;
    store::EventData data;
    store::OutcomeRow outcome;
    std::string key, value;
    const auto finish_page = [&] {
      rows.Put(family(layout::Family::kEvents), layout::PositionKey(Position(position)), ToSlice(page.Finish()));
    };
    data.type = "daybook_bench.v1.NoteAdded";
    for (const Waiting& one : batch) {
      const StreamId& stream = streams[one.stream];
      const Revision revision(++revisions[one.stream]);
      ++position;
      data.data = one.event;
      page.Add(stream, revision, 0, 1, data, Position(position));
      if (page.full()) finish_page();
      layout::SetIndexKey(stream.text(), revision, key);
      layout::SetPositionBytes(Position(position), value);
      rows.Put(family(layout::Family::kIndex), key, value);
      layout::SetIndexKey(stream.text(), Revision(), key);
      layout::SetHeadValue(key, {revision, Position(position)}, value);
      rows.Put(family(layout::Family::kIndex), key, value);
      outcome.command_id = CommandId(*Uuid::FromBytes(one.command_id));
      outcome.value.assign(40, 'o');
      layout::SetOutcomeValue(outcome, value);
      rows.Put(family(layout::Family::kOutcomes), one.command_id, value);
    }
    if (!page.empty()) finish_page();
    rocksdb::WriteOptions synced;
    synced.sync = true;
    return db->Write(synced, &rows).ok();
  }
};

BareWriter::BareWriter(const std::string& path, int streams) : impl_(std::make_unique<Impl>()) {
  impl_->Open(path);
  for (int i = 0; i < streams; ++i) impl_->streams.emplace_back("notes", absl::StrCat("aggregate-", i));
  impl_->revisions.resize(streams);
  impl_->writer = std::jthread([impl = impl_.get()] { impl->Run(); });
}

BareWriter::~BareWriter() {
  {
    absl::MutexLock lock(&impl_->mu);
    impl_->stopping = true;
  }
  impl_->writer.join();
  for (auto* family : impl_->families) DAYBOOK_CHECK(impl_->db->DestroyColumnFamilyHandle(family).ok(), "close");
}

void BareWriter::Append(int stream, std::string_view command_id, std::string_view event,
                        std::function<void(bool ok)> done) {
  absl::MutexLock lock(&impl_->mu);
  impl_->waiting.push_back({stream, std::string(command_id), std::string(event), std::move(done)});
}

void BareWriter::Fill(std::uint64_t count, std::string_view event) {
  std::vector<Waiting> batch;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string id(8, '\0');
    AppendBigEndian64(id, i);
    batch.push_back({static_cast<int>(i % impl_->streams.size()), std::move(id), std::string(event), {}});
    if (batch.size() < 1000 && i + 1 < count) continue;
    DAYBOOK_CHECK(impl_->Write(batch), "the bare writer failed");
    batch.clear();
  }
}

std::uint64_t BareWriter::ScanLog() {
  std::uint64_t bytes = 0;
  std::uint64_t touched = 0;
  std::unique_ptr<rocksdb::Iterator> pages(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->family(layout::Family::kEvents)));
  for (pages->SeekToFirst(); pages->Valid(); pages->Next()) {
    const rocksdb::Slice page = pages->value();
    for (std::size_t i = 0; i < page.size(); i += 64) touched += static_cast<unsigned char>(page[i]);
    bytes += page.size();
  }
  DAYBOOK_CHECK(pages->status().ok() && touched > 0, pages->status().ToString());
  return bytes;
}

}  // namespace daybook::bench
