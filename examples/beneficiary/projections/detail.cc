#include "beneficiary/projections/detail.h"

#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/domain/validation.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/core/uuid.h"

namespace beneficiary {

namespace {

using State = state::v1::BeneficiaryState;
using daybook::ToAbsl;
using daybook::ToStd;

// The JSON comes first, so that serving it is cutting off the end.
constexpr char kFormat = 1;
constexpr std::size_t kTrailerFixedSize = 8 + 1 + 4 + 1;

std::string DetailKey(std::string_view id) { return std::string("b").append(id); }
std::string WarningsKey(std::string_view id) { return std::string("v").append(id); }

Detail::Status StatusOf(const State& s) {
  if (s.removed()) return Detail::Status::kDeleted;
  return s.active() ? Detail::Status::kActive : Detail::Status::kInactive;
}

std::string RenderWarnings(const std::vector<daybook::Violation>& violations) {
  std::string out = R"({"warnings":[)";
  for (std::size_t i = 0; i < violations.size(); ++i) {
    out.append(i == 0 ? R"({"pointer":)" : R"(,{"pointer":)");
    AppendJsonString(violations[i].pointer, LineSeparators::kRaw, out);
    out.append(R"(,"code":)");
    AppendJsonString(violations[i].code, LineSeparators::kRaw, out);
    out.append(R"(,"detail":)");
    AppendJsonString(violations[i].detail, LineSeparators::kRaw, out);
    out.push_back('}');
  }
  out.append("]}");
  return out;
}

absl::Status NotFound(std::string_view id) {
  return daybook::WithReason(absl::NotFoundError(absl::StrCat("there is no beneficiary ", ToAbsl(id))),
                             "BENEFICIARY_NOT_FOUND");
}

// The row's key as it is stored; nullopt if `id` is no UUID.
std::optional<std::string> CanonicalId(std::string_view id) {
  const std::optional<daybook::Uuid> uuid = daybook::Uuid::Parse(id);
  if (!uuid) return std::nullopt;
  return uuid->ToString();
}

}  // namespace

void DetailProjection::On(const daybook::projection::Folded<State>& folded, daybook::ViewWriter& out) {
  const State& s = folded.state;
  const std::string id(folded.stream.key());
  if (s.lifecycle() != State::LIFECYCLE_REGISTERED) {
    out.Delete(DetailKey(id));
    out.Delete(WarningsKey(id));
    folded.memo.clear();
    return;
  }
  std::string row;
  row.reserve(2048);
  AppendDefinitiveJson(s, folded.revision, row);
  row.append(s.client_id());
  daybook::AppendBigEndian64(row, folded.revision.value());
  row.push_back(static_cast<char>(StatusOf(s)));
  daybook::AppendBigEndian32(row, static_cast<std::uint32_t>(s.client_id().size()));
  row.push_back(kFormat);
  out.Put(DetailKey(id), row);

  const std::vector<daybook::Violation> violations = Validate(s);
  if (!violations.empty()) {
    out.Put(WarningsKey(id), RenderWarnings(violations));
    folded.memo.assign(1, 'v');
  } else if (!folded.memo.empty()) {
    out.Delete(WarningsKey(id));
    folded.memo.clear();
  }
}

void DetailProjection::Trim(State& state) { state.clear_bos_image(); }

absl::StatusOr<Detail> DetailQuery::Get(std::string_view id) const { return GetFrom(model_, id); }

absl::StatusOr<Detail> DetailQuery::GetFrom(const daybook::projection::ReadModel& model, std::string_view id) {
  const std::optional<std::string> canonical = CanonicalId(id);
  if (!canonical) return NotFound(id);
  Detail out;
  DAYBOOK_ASSIGN_OR_RETURN(const bool found, model.AppendTo(DetailKey(*canonical), out.json));
  if (!found) return NotFound(id);
  const std::size_t size = out.json.size();
  const auto damaged = [&] {
    return absl::DataLossError(absl::StrCat("detail.v1: the row of ", *canonical, " is damaged"));
  };
  if (size < kTrailerFixedSize || out.json.back() != kFormat) return damaged();
  const char* trailer = out.json.data() + size - kTrailerFixedSize;
  out.revision = daybook::Revision(daybook::ReadBigEndian64(trailer));
  const auto status = static_cast<unsigned char>(trailer[8]);
  const std::size_t client_size = daybook::ReadBigEndian32(trailer + 9);
  if (status > 2 || client_size > size - kTrailerFixedSize) return damaged();
  out.status = static_cast<Detail::Status>(status);
  out.client_id = out.json.substr(size - kTrailerFixedSize - client_size, client_size);
  out.json.resize(size - kTrailerFixedSize - client_size);
  return out;
}

absl::StatusOr<Warnings> DetailQuery::Validation(std::string_view id) const {
  const daybook::projection::ReadModel now = model_.Snapshot();
  DAYBOOK_ASSIGN_OR_RETURN(Detail detail, GetFrom(now, id));
  Warnings warnings{"", std::move(detail.client_id)};
  DAYBOOK_ASSIGN_OR_RETURN(const bool warned, now.AppendTo(WarningsKey(*CanonicalId(id)), warnings.json));
  if (!warned) warnings.json = RenderWarnings({});
  return warnings;
}

}  // namespace beneficiary
