#include <list>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/projections/compat.h"
#include "beneficiary/projections/internal/compat_rows.h"
#include "beneficiary/projections/internal/text.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace {

using daybook::projection::ReadModel;
using daybook::store::KeyValueCursor;
using internal::CompatClient;

// The pages last asked for, with the clients' versions that they were made from, and the store's change number from
// which on they were known to be what the store holds.
//
// Thread safety: every method from any thread.
class PageCache {
 public:
  using ChangeNumber = std::uint64_t;
  struct Versions {
    daybook::Position legacy;
    daybook::Position here;
    friend bool operator==(const Versions&, const Versions&) = default;
  };
  explicit PageCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  bool enabled() const { return bytes_max_ > 0; }

  // The page, if nothing at all has been written since it was last known to hold; its body is null otherwise.
  CompatPage Find(std::string_view key, ChangeNumber now) {
    absl::MutexLock lock(&mu_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second->known_at != now) return {};
    return Use(found->second);
  }

  // The page, if it was made from these versions, read after `read_at` was; its body is null otherwise.
  CompatPage Confirm(std::string_view key, Versions versions, ChangeNumber read_at) {
    absl::MutexLock lock(&mu_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second->versions != versions) return {};
    found->second->known_at = std::max(found->second->known_at, read_at);
    return Use(found->second);
  }

  void Insert(std::string_view key, Versions versions, ChangeNumber read_at, CompatPage page) {
    absl::MutexLock lock(&mu_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      bytes_ -= SizeOf(*found->second);
      pages_.erase(found->second);
      by_key_.erase(found);
    }
    pages_.push_front({std::string(key), versions, read_at, std::move(page)});
    bytes_ += SizeOf(pages_.front());
    by_key_.emplace(std::string(key), pages_.begin());
    while (bytes_ > bytes_max_ && !pages_.empty()) {
      bytes_ -= SizeOf(pages_.back());
      by_key_.erase(pages_.back().key);
      pages_.pop_back();
    }
  }

 private:
  struct Entry {
    std::string key;
    Versions versions;
    ChangeNumber known_at;
    CompatPage page;
  };
  static std::size_t SizeOf(const Entry& entry) { return entry.page.body->size() + 2 * entry.key.size() + 256; }

  const CompatPage& Use(std::list<Entry>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    pages_.splice(pages_.begin(), pages_, entry);
    return entry->page;
  }

  const std::size_t bytes_max_;
  absl::Mutex mu_;
  std::size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::list<Entry> pages_ ABSL_GUARDED_BY(mu_);  // most recently used first
  daybook::StringMap<std::list<Entry>::iterator> by_key_ ABSL_GUARDED_BY(mu_);
};

// The two ranges that make up one client's list: of the instance, and created here.
struct Client {
  CompatClient legacy;
  CompatClient here;

  std::uint64_t total() const { return legacy.visible + here.visible; }
  bool known() const { return legacy.listings > 0 || here.visible > 0; }
  PageCache::Versions versions() const { return {legacy.changed, here.changed}; }
};

absl::StatusOr<CompatClient> LoadClient(const ReadModel& model, std::string_view instance, std::string_view client_id) {
  std::string row;
  DAYBOOK_ASSIGN_OR_RETURN(const bool found, model.AppendTo(internal::CompatClientKey(instance, client_id), row));
  if (!found) return CompatClient();
  const std::optional<CompatClient> client = internal::DecodeCompatClient(row);
  if (!client) {
    return absl::DataLossError(absl::StrCat("compat.v1: the counters of ", daybook::ToAbsl(client_id), " are damaged"));
  }
  return *client;
}

absl::StatusOr<Client> LoadBoth(const ReadModel& model, const CompatRequest& request) {
  Client out;
  DAYBOOK_ASSIGN_OR_RETURN(out.legacy, LoadClient(model, request.instance, request.client_id));
  if (!request.instance.empty()) {
    DAYBOOK_ASSIGN_OR_RETURN(out.here, LoadClient(model, "", request.client_id));
  }
  return out;
}

// The range of rows that a page is cut out of, over both parts of a client.
struct Window {
  std::uint64_t skip;
  std::uint64_t take;
};

// The first element of a page too far out to count to is behind every end.
Window WindowOf(const CompatRequest& request) {
  const std::uint64_t page_size = std::min(std::max<std::uint64_t>(request.page_size, 1), CompatQuery::kPageSizeMax);
  const std::uint64_t pages_before = std::max<std::uint64_t>(request.page, 1) - 1;
  if (pages_before > ~std::uint64_t{0} / CompatQuery::kPageSizeMax) return {~std::uint64_t{0}, 0};
  return {pages_before * page_size, page_size};
}

// Appends what of the window lies in the `visible` rows under `prefix`, and moves the window behind them. `out` begins
// with the array's bracket.
absl::Status AppendRows(const ReadModel& model, const std::string& prefix, std::uint64_t visible, Window& window,
                        std::string& out) {
  if (window.skip >= visible) {
    window.skip -= visible;
    return absl::OkStatus();
  }
  if (window.take == 0) return absl::OkStatus();
  const std::unique_ptr<KeyValueCursor> cursor = model.ScanPrefix(prefix);
  while (window.take > 0) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) break;
    if (window.skip > 0) {
      --window.skip;
      continue;
    }
    if (out.size() > 1) out.push_back(',');
    out.append(cursor->value());
    --window.take;
  }
  window.skip = 0;
  return absl::OkStatus();
}

// The same for the rows that have the IBAN. Gives how many there are in all.
absl::StatusOr<std::uint64_t> AppendIbanRows(const ReadModel& model, const CompatRequest& request,
                                             std::string_view instance, std::string_view iban, Window& window,
                                             std::string& out) {
  const std::string prefix = internal::CompatIbanPrefix(instance, request.client_id, iban);
  const std::string row_prefix = internal::CompatRowPrefix(instance, request.client_id);
  const std::unique_ptr<KeyValueCursor> cursor = model.ScanPrefix(prefix);
  std::uint64_t hits = 0;
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return hits;
    ++hits;
    if (window.skip > 0) {
      --window.skip;
    } else if (window.take > 0) {
      --window.take;
      if (out.size() > 1) out.push_back(',');
      const std::string key = row_prefix + std::string(cursor->key().substr(prefix.size()));
      DAYBOOK_ASSIGN_OR_RETURN(const bool found, model.AppendTo(key, out));
      if (!found) return absl::DataLossError("compat.v1: an IBAN points to a row that is missing");
    }
  }
}

}  // namespace

struct CompatQuery::Impl {
  Impl(ReadModel model, Options options) : model(std::move(model)), cache(options.page_cache_bytes_max) {}

  absl::StatusOr<CompatPage> Filtered(const ReadModel& now, const CompatRequest& request, std::string_view iban) const;
  absl::StatusOr<CompatPage> Unfiltered(const ReadModel& now, const CompatRequest& request, const Client& client) const;
  absl::StatusOr<CompatPage> Page(const CompatRequest& request);

  ReadModel model;
  PageCache cache;
};

namespace {

absl::Status UnknownClient(const CompatRequest& request) {
  return daybook::WithReason(absl::NotFoundError(absl::StrCat("instance ", daybook::ToAbsl(request.instance),
                                                              " has no client ", daybook::ToAbsl(request.client_id))),
                             "CLIENT_NOT_FOUND");
}

std::string CacheKey(const CompatRequest& request) {
  std::string out;
  out.reserve(request.instance.size() + request.client_id.size() + 24);
  daybook::AppendLengthPrefixed(out, request.instance);
  daybook::AppendVarint(out, request.page);
  daybook::AppendVarint(out, request.page_size);
  out.append(request.client_id);
  return out;
}

}  // namespace

absl::StatusOr<CompatPage> CompatQuery::Impl::Filtered(const ReadModel& now, const CompatRequest& request,
                                                       std::string_view iban) const {
  Window window = WindowOf(request);
  std::string out(1, '[');
  CompatPage page;
  std::vector<std::string_view> instances = {request.instance};
  if (!request.instance.empty()) instances.push_back("");
  for (const std::string_view instance : instances) {
    DAYBOOK_ASSIGN_OR_RETURN(const std::uint64_t here, AppendIbanRows(now, request, instance, iban, window, out));
    page.total += here;
  }
  out.push_back(']');
  page.body = std::make_shared<const std::string>(std::move(out));
  return page;
}

absl::StatusOr<CompatPage> CompatQuery::Impl::Unfiltered(const ReadModel& now, const CompatRequest& request,
                                                         const Client& client) const {
  Window window = WindowOf(request);
  std::string out(1, '[');
  DAYBOOK_RETURN_IF_ERROR(AppendRows(now, internal::CompatRowPrefix(request.instance, request.client_id),
                                     client.legacy.visible, window, out));
  DAYBOOK_RETURN_IF_ERROR(
      AppendRows(now, internal::CompatRowPrefix("", request.client_id), client.here.visible, window, out));
  out.push_back(']');
  out.shrink_to_fit();  // the cache counts what a page holds
  return CompatPage{std::make_shared<const std::string>(std::move(out)), client.total()};
}

absl::StatusOr<CompatPage> CompatQuery::Impl::Page(const CompatRequest& request) {
  const std::string iban = internal::NormaliseIban(request.iban);
  const bool cached = cache.enabled() && iban.empty();
  const PageCache::ChangeNumber now = model.ChangeNumber();  // before anything is read
  std::string key;
  if (cached) {
    key = CacheKey(request);
    if (CompatPage page = cache.Find(key, now); page.body != nullptr) return page;
    DAYBOOK_ASSIGN_OR_RETURN(const Client client, LoadBoth(model, request));
    if (!client.known()) return UnknownClient(request);
    if (CompatPage page = cache.Confirm(key, client.versions(), now); page.body != nullptr) return page;
  }
  const ReadModel snapshot = model.Snapshot();
  DAYBOOK_ASSIGN_OR_RETURN(const Client client, LoadBoth(snapshot, request));
  if (!client.known()) return UnknownClient(request);
  if (!iban.empty()) return Filtered(snapshot, request, iban);

  DAYBOOK_ASSIGN_OR_RETURN(CompatPage page, Unfiltered(snapshot, request, client));
  if (cached) cache.Insert(key, client.versions(), now, page);
  return page;
}

CompatQuery::CompatQuery(ReadModel model, Options options) : impl_(std::make_unique<Impl>(std::move(model), options)) {}
CompatQuery::CompatQuery(ReadModel model) : CompatQuery(std::move(model), Options()) {}
CompatQuery::~CompatQuery() = default;
CompatQuery::CompatQuery(CompatQuery&&) noexcept = default;

absl::StatusOr<CompatPage> CompatQuery::Page(const CompatRequest& request) const { return impl_->Page(request); }

absl::StatusOr<std::uint64_t> CompatQuery::AppendTo(const CompatRequest& request, std::string& out) const {
  DAYBOOK_ASSIGN_OR_RETURN(const CompatPage page, Page(request));
  out.append(*page.body);
  return page.total;
}

absl::StatusOr<std::vector<std::string>> CompatQuery::Instances() const {
  std::vector<std::string> out;
  const std::unique_ptr<KeyValueCursor> cursor = impl_->model.ScanPrefix(internal::kCompatInstancePrefix);
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return out;
    out.emplace_back(cursor->key().substr(internal::kCompatInstancePrefix.size()));
  }
}

}  // namespace beneficiary
