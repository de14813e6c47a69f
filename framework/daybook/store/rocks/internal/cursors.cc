#include "daybook/store/rocks/internal/cursors.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/rocks/internal/format.h"
#include "daybook/store/rocks/internal/log_pages.h"
#include "daybook/store/rocks/internal/rocks_status.h"

namespace daybook::store::internal {
namespace {

constexpr std::uint64_t kBackwardsChunk = 64;  // revisions looked up at once

// A scan of the whole log must not push what commands read out of the block cache.
rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return options;
}

rocksdb::ReadOptions InsidePrefix() {
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  return options;
}

class EmptyCursor : public EventCursor {
 public:
  explicit EmptyCursor(absl::Status error) : error_(std::move(error)) {}
  absl::StatusOr<bool> Next() override {
    if (!error_.ok()) return error_;
    return false;
  }
  const EventView& event() const override { return event_; }

 private:
  const absl::Status error_;
  const EventView event_;
};

class LogCursor : public EventCursor {
 public:
  LogCursor(const LogFamilies& families, Position from, Position to)
      : path_(families.db->GetName()), pages_(*families.db, families.events, ScanOptions()), from_(from), to_(to) {}

  absl::StatusOr<bool> Next() override {
    if (!error_.ok()) return error_;
    if (from_ > to_) return false;
    absl::Status read = Read();
    if (!read.ok()) [[unlikely]]
      return error_ = std::move(read);
    from_ = from_.Next();
    return true;
  }
  const EventView& event() const override { return event_; }

 private:
  absl::Status Read() {
    if (pages_.page().at_end()) DAYBOOK_RETURN_IF_ERROR(started_ ? pages_.Follow(from_) : pages_.Seek(from_));
    started_ = true;
    absl::Status read = pages_.page().Read(event_);
    if (!read.ok()) [[unlikely]]
      return Annotate(read, path_);
    return read;
  }

  const std::string path_;
  LogPages pages_;
  Position from_;
  const Position to_;
  bool started_ = false;
  EventView event_;
  absl::Status error_;
};

class StreamCursor : public EventCursor {
 public:
  StreamCursor(const LogFamilies& families, const StreamId& stream, Revision from, Revision to, Direction direction)
      : path_(families.db->GetName()),
        stream_(stream.text()),
        direction_(direction),
        index_(families.db->NewIterator(InsidePrefix(), families.index)),
        pages_(*families.db, families.events, rocksdb::ReadOptions()),
        first_(from),
        last_(to) {}

  absl::StatusOr<bool> Next() override {
    if (!error_.ok()) return error_;
    if (first_ > last_) return false;
    const Revision revision = direction_ == Direction::kForwards ? first_ : last_;
    error_ = Read(revision);
    if (!error_.ok()) return error_;
    if (direction_ == Direction::kForwards) {
      first_ = first_.Next();
    } else {
      last_ = Revision(last_.value() - 1);
    }
    return true;
  }
  const EventView& event() const override { return event_; }

 private:
  absl::Status Read(Revision revision) {
    DAYBOOK_ASSIGN_OR_RETURN(const Position position, PositionOf(revision));
    PageReader& page = pages_.page();
    if (page.at_end() || position < page.next() || position > page.last()) {
      DAYBOOK_RETURN_IF_ERROR(pages_.Seek(position));
    } else {
      DAYBOOK_RETURN_IF_ERROR(Annotate(page.SkipTo(position), path_));
    }
    DAYBOOK_RETURN_IF_ERROR(Annotate(page.Read(event_), path_));
    if (event_.revision != revision || event_.stream != stream_) {
      return Damaged(revision,
                     absl::StrCat("the index points to position ", position.value(), ", where another event lies"));
    }
    return absl::OkStatus();
  }

  // The memtable of the index knows no way backwards, so a read downwards looks up a chunk of positions upwards.
  absl::StatusOr<Position> PositionOf(Revision revision) {
    if (direction_ == Direction::kForwards) {
      DAYBOOK_RETURN_IF_ERROR(started_ ? Step(revision) : Start(revision));
      started_ = true;
      return TakePosition(revision);
    }
    if (chunk_.empty()) {
      Revision at(revision.value() - std::min(revision.value() - first_.value(), kBackwardsChunk - 1));
      DAYBOOK_RETURN_IF_ERROR(Start(at));
      while (true) {
        DAYBOOK_ASSIGN_OR_RETURN(const Position position, TakePosition(at));
        chunk_.push_back(position);
        if (at == revision) break;
        at = at.Next();
        DAYBOOK_RETURN_IF_ERROR(Step(at));
      }
    }
    const Position position = chunk_.back();
    chunk_.pop_back();
    return position;
  }

  absl::Status Start(Revision revision) {
    std::string key;
    SetIndexKey(stream_, revision, key);
    index_->Seek(ToSlice(key));
    return CheckAt(revision);
  }
  absl::Status Step(Revision revision) {
    index_->Next();
    return CheckAt(revision);
  }
  absl::Status CheckAt(Revision revision) {
    if (!index_->Valid() && !index_->status().ok()) return FromRocks(index_->status(), Place(revision));
    if (!index_->Valid() || RevisionOfIndexKey(ToView(index_->key())) != revision) {
      return Damaged(revision, "missing in the index");
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Position> TakePosition(Revision revision) {
    const std::optional<Position> position = ParsePositionValue(ToView(index_->value()));
    if (!position) return Damaged(revision, "the index row is not valid");
    return *position;
  }

  std::string Place(Revision revision) const {
    return absl::StrCat(path_, ": stream ", stream_, " revision ", revision.value());
  }
  absl::Status Damaged(Revision revision, std::string_view what) const {
    return absl::DataLossError(absl::StrCat(Place(revision), ": ", ToAbsl(what)));
  }

  const std::string path_;
  const std::string stream_;
  const Direction direction_;
  const std::unique_ptr<rocksdb::Iterator> index_;
  LogPages pages_;
  Revision first_;
  Revision last_;
  bool started_ = false;
  std::vector<Position> chunk_;  // of the revisions below, the next one last
  EventView event_;
  absl::Status error_;
};

// Copies the pages it reads, so that a subscription holds no iterator, and with it old files, while it waits.
class PageLogReader : public LogReader {
 public:
  explicit PageLogReader(const LogFamilies& families) : families_(families) {}

  absl::Status Read(Position from, Position to, const BatchLimits& limits, std::vector<EventView>& out) override {
    LogPages pages(*families_.db, families_.events, ScanOptions());
    const std::string& path = families_.db->GetName();
    std::size_t used = 0;
    std::size_t bytes = 0;
    for (Position at = from; at <= to;) {
      DAYBOOK_RETURN_IF_ERROR(at == from ? pages.Seek(at) : pages.Follow(at));
      DAYBOOK_ASSIGN_OR_RETURN(PageReader page, Copy(pages, used++));
      DAYBOOK_RETURN_IF_ERROR(Annotate(page.SkipTo(at), path));
      for (; at <= to && !page.at_end(); at = at.Next()) {
        EventView event;
        DAYBOOK_RETURN_IF_ERROR(Annotate(page.Read(event), path));
        out.push_back(event);
        bytes += BytesOf(event);
        if (AtLimit(limits, out.size(), bytes, event)) return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<PageReader> Copy(LogPages& pages, std::size_t slot) {
    if (slot == copies_.size()) copies_.push_back(std::make_unique<std::string>());
    copies_[slot]->assign(pages.bytes());
    return PageReader::Open(*copies_[slot], pages.page().last());
  }

  const LogFamilies families_;
  std::vector<std::unique_ptr<std::string>> copies_;
};

}  // namespace

std::unique_ptr<EventCursor> NewLogCursor(const LogFamilies& families, Position from, Position to) {
  if (from > to) return NewEmptyCursor(absl::OkStatus());
  return std::make_unique<LogCursor>(families, from, to);
}

std::unique_ptr<EventCursor> NewStreamCursor(const LogFamilies& families, const StreamId& stream, Revision from,
                                             Revision to, Direction direction) {
  if (from > to) return NewEmptyCursor(absl::OkStatus());
  return std::make_unique<StreamCursor>(families, stream, from, to, direction);
}

std::unique_ptr<EventCursor> NewEmptyCursor(absl::Status error) {
  return std::make_unique<EmptyCursor>(std::move(error));
}

std::unique_ptr<LogReader> NewLogReader(const LogFamilies& families) {
  return std::make_unique<PageLogReader>(families);
}

}  // namespace daybook::store::internal
