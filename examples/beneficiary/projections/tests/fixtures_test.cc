// The read models against what BOS itself answered (tests/fixtures): bytes, not meanings.
#include <gtest/gtest.h>

#include "beneficiary/projections/render.h"
#include "beneficiary/projections/tests/fixture_set.h"
#include "beneficiary/projections/tests/view_log.h"
#include "daybook/base/hash.h"
#include "daybook/store/rocks/rocks_key_value.h"
#include "daybook/testing/temporary_directory.h"

namespace beneficiary {
namespace {

std::string WithoutVersion(std::string json) {
  const std::size_t at = json.find(R"("version":)") + 10;
  return json.replace(at, json.find(',', at) - at, "null");
}

class ReadModelFixtureTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    set_ = LoadFixtureSet(GetParam());
    auto models = daybook::store::OpenRocksKeyValue({.path = directory_.path() + "/models"});
    ASSERT_TRUE(models.ok()) << models.status();
    models_ = *std::move(models);
    log_ = std::make_unique<ViewLog>(*models_);
    for (const FixtureSet::CompatPage& page : set_.compat) {
      if (page.page == 1) log_->ListClient(set_.instance, page.client_id);
    }
    for (const FixtureSet::Definitive& b : set_.definitive) log_->Append(b.id, {b.registered});
    log_->WaitUntilShown();
  }

  daybook::testing::TemporaryDirectory directory_;
  FixtureSet set_;
  std::unique_ptr<daybook::store::KeyValue> models_;
  std::unique_ptr<ViewLog> log_;
};

TEST_P(ReadModelFixtureTest, EveryBeneficiaryIsServedByIdAsTheDefinitiveFileHasIt) {
  const DetailQuery query = log_->detail();
  for (const FixtureSet::Definitive& b : set_.definitive) {
    const absl::StatusOr<Detail> detail = query.Get(b.id);
    ASSERT_TRUE(detail.ok()) << detail.status();
    EXPECT_EQ(WithoutVersion(detail->json), b.json);
    EXPECT_EQ(detail->revision, daybook::Revision(1));
    EXPECT_EQ(detail->client_id, b.registered.client_id());
    EXPECT_EQ(detail->status == Detail::Status::kDeleted, b.registered.removed());
  }
}

TEST_P(ReadModelFixtureTest, EveryClientIsListedById) {
  const ListQuery query = log_->list();
  std::map<std::string, std::string> expected;
  for (const FixtureSet::CompatPage& page : set_.compat) expected[page.client_id];
  for (const FixtureSet::Definitive& b : set_.definitive) {
    std::string& items = expected[b.registered.client_id()];
    if (!b.registered.removed()) items += (items.empty() ? "" : ",") + b.json;
  }
  for (const auto& [client_id, items] : expected) {
    ListRequest request;
    request.filter.client_id = client_id;
    request.limit = 3;
    std::string seen;
    do {
      std::string page;
      const absl::StatusOr<ListPage> result = query.AppendItemsTo(request, page);
      ASSERT_TRUE(result.ok()) << result.status();
      for (std::size_t at = 0; (at = page.find(R"("version":1,)", at)) != std::string::npos;) {
        page.replace(at, 12, R"("version":null,)");
      }
      if (!page.empty()) seen += (seen.empty() ? "" : ",") + page;
      request.cursor = result->next_cursor;
    } while (!request.cursor.empty());
    EXPECT_EQ(seen, items) << client_id;
  }
}

TEST_P(ReadModelFixtureTest, EveryCompatibilityPageHasTheHashOfBossAnswer) {
  for (const std::size_t cache_bytes : {std::size_t{0}, std::size_t{1 << 20}}) {
    const CompatQuery query = log_->compat({.page_cache_bytes_max = cache_bytes});
    for (int round = 0; round < 2; ++round) {
      for (const FixtureSet::CompatPage& page : set_.compat) {
        std::string body = "before";
        const absl::StatusOr<std::uint64_t> total =
            query.AppendTo({.instance = set_.instance, .client_id = page.client_id, .page = page.page}, body);
        ASSERT_TRUE(total.ok()) << total.status();
        EXPECT_EQ(*total, page.total);
        EXPECT_EQ(daybook::ToHex(daybook::Sha256(body.substr(6))), page.sha256) << page.client_id << "\n" << body;
      }
    }
  }
}

std::string ParameterOf(const std::string& request, const std::string& name) {
  std::size_t at = request.find("&" + name + "=");
  if (at == std::string::npos) at = request.find("?" + name + "=");
  if (at == std::string::npos) return "";
  at += name.size() + 2;
  std::string out = request.substr(at, request.find('&', at) - at);
  for (char& c : out) c = c == '+' ? ' ' : c;
  return out;
}

TEST_P(ReadModelFixtureTest, UnusualCompatibilityRequestsAreAnsweredAsBosDoes) {
  const CompatQuery query = log_->compat();
  int compared = 0;
  for (const FixtureSet::CompatEdge& edge : set_.compat_edge) {
    if (edge.status == 400) continue;  // the parameters are the API's business
    SCOPED_TRACE(edge.request);
    const std::string client_id = ParameterOf(edge.request, "client_id");
    const std::string iban = ParameterOf(edge.request, "iban");
    std::string body;
    const absl::StatusOr<std::uint64_t> total = query.AppendTo({.instance = set_.instance,
                                                                .client_id = client_id,
                                                                .page = edge.page,
                                                                .page_size = edge.page_size,
                                                                .iban = iban},
                                                               body);
    ++compared;
    if (edge.status == 404) {
      EXPECT_EQ(total.status().code(), absl::StatusCode::kNotFound);
      EXPECT_EQ(body, "");
      continue;
    }
    ASSERT_TRUE(total.ok()) << total.status();
    EXPECT_EQ(*total, edge.total);
    EXPECT_EQ(body, edge.body);
  }
  if (!set_.compat_edge.empty()) {
    EXPECT_GT(compared, 80);
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, ReadModelFixtureTest, ::testing::ValuesIn(kFixtureSets), [](const auto& set) {
  std::string name = set.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace beneficiary
