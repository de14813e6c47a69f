#ifndef DAYBOOK_TESTS_API_API_FIXTURE_H_
#define DAYBOOK_TESTS_API_API_FIXTURE_H_

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/rest.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/service.h"
#include "daybook/http/server.h"
#include "daybook/http/testing/client.h"

namespace beneficiary {

inline constexpr char kClientId[] = "EBPCLI000042";
inline constexpr char kCollection[] = "/v1/clients/EBPCLI000042/beneficiaries";
inline constexpr char kAcme[] =
    R"({"name":"Acme Iberia SL","type":"business","aliases":["acme-es"],"email_addresses":["ap@acme.es"],)"
    R"("email_notification":true,"address":{"street_name":"C. de Sevilla","building_number":"101","city":"Madrid",)"
    R"("post_code":"28014","country_code":"ES"},"bank_accounts":[{"account_holder":"Acme Iberia SL","currency":"EUR",)"
    R"("iban":"ES9121000418450200051332","swift_code":"CAIXESBBXXX","bank":{"name":"CaixaBank","country_code":"ES"},)"
    R"("default":true}],"reference_information":"Invoice"})";

// The REST API on a real socket over an engine in memory.
class ApiTest : public ::testing::Test {
 protected:
  using Reply = daybook::http::testing::Reply;
  using Headers = daybook::http::testing::Headers;

  virtual EngineOptions Options() const { return {}; }

  void SetUp() override {
    auto engine = Engine::Open(Options());
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    Serve({});
  }

  void TearDown() override {
    server_.reset();
    if (engine_ != nullptr) engine_->Stop(absl::ZeroDuration());
  }

  // Starts the edge (again) with these options.
  void Serve(Service::Options options, const api::RestOptions& rest = {}) {
    client_.reset();
    server_.reset();
    service_ = std::make_unique<Service>(*engine_, std::move(options));
    daybook::http::ServerOptions server_options;
    server_options.address = "127.0.0.1:0";
    auto server = daybook::http::Server::Start(api::MakeRouter(*service_, rest), server_options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    client_ = std::make_unique<daybook::http::testing::Client>(server_->port());
  }

  Reply Send(std::string_view method, std::string_view target, const Headers& headers = {},
             std::string_view body = "") {
    auto reply = client_->Send(method, target, headers, body);
    EXPECT_TRUE(reply.ok()) << method << " " << target << ": " << reply.status();
    return reply.ok() ? *std::move(reply) : Reply();
  }
  Reply Get(std::string_view target, const Headers& headers = {}) { return Send("GET", target, headers); }

  // A write that waits for every read model, with a key of its own unless one is given.
  Reply Write(std::string_view method, std::string_view target, std::string_view body = "", Headers headers = {}) {
    const auto has = [&](std::string_view name) {
      for (const auto& [n, v] : headers) {
        if (n == name) return true;
      }
      return false;
    };
    if (!has("Prefer")) headers.emplace_back("Prefer", "wait=10");
    if (method == "POST" && !has("Idempotency-Key")) {
      headers.emplace_back("Idempotency-Key", absl::StrCat("key-", ++keys_));
    }
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    return Send(method, target, headers, body);
  }

  // Creates Acme and returns its path.
  std::string Create(std::string_view body = kAcme) {
    const Reply reply = Write("POST", kCollection, body);
    EXPECT_EQ(reply.status, 201) << reply.body;
    return std::string(reply.Header("Location"));
  }

  static boost::json::value Parse(std::string_view text) {
    boost::json::error_code error;
    auto value = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
    EXPECT_FALSE(error) << text;
    return value;
  }
  // The text, number … at a JSON pointer, as JSON; "(absent)" if there is none.
  static std::string At(std::string_view body, std::string_view pointer) {
    const boost::json::value document = Parse(body);
    boost::json::error_code error;
    const auto* value = document.find_pointer(boost::json::string_view(pointer.data(), pointer.size()), error);
    return value == nullptr ? "(absent)" : boost::json::serialize(*value);
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<daybook::http::Server> server_;
  std::unique_ptr<daybook::http::testing::Client> client_;
  int keys_ = 0;
};

}  // namespace beneficiary

#endif  // DAYBOOK_TESTS_API_API_FIXTURE_H_
