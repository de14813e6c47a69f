#include "daybook/store/rocks/internal/log_pages.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/rocks/internal/rocks_status.h"

namespace daybook::store::internal {

absl::Status LogPages::Seek(Position position) {
  pages_->Seek(ToSlice(PositionKey(position)));
  DAYBOOK_RETURN_IF_ERROR(Take(position));
  return Annotate(page_.SkipTo(position), path_);
}

absl::Status LogPages::Follow(Position position) {
  pages_->Next();
  return Take(position);
}

absl::Status LogPages::Take(Position position) {
  const auto place = [&] { return absl::StrCat(path_, ": position ", position.value(), " of the log"); };
  page_ = PageReader();
  if (!pages_->Valid()) {
    if (!pages_->status().ok()) return FromRocks(pages_->status(), place());
    return absl::DataLossError(absl::StrCat(place(), " is missing"));
  }
  if (pages_->key().size() != sizeof(std::uint64_t)) {
    return absl::DataLossError(absl::StrCat(place(), ": the page's key is not valid"));
  }
  bytes_ = ToView(pages_->value());
  absl::StatusOr<PageReader> page = PageReader::Open(bytes_, Position(ReadBigEndian64(pages_->key().data())));
  if (!page.ok()) return Annotate(page.status(), path_);
  if (page->next() > position || page->last() < position)
    return absl::DataLossError(absl::StrCat(place(), " is missing"));
  page_ = *page;
  return absl::OkStatus();
}

}  // namespace daybook::store::internal
