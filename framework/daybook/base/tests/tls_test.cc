#include "daybook/base/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daybook/testing/test_certificates.h"

namespace daybook {
namespace {

using ::testing::HasSubstr;

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() { certificates_.Issue("server"); }
  std::string Error(const std::string& chain, const std::string& key, const std::string& clients = "") {
    const auto read = ReadTls({Path(chain), Path(key), Path(clients)});
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(read.status().message());
  }
  std::string Path(const std::string& file) { return file.empty() ? "" : certificates_.Path(file); }

  testing::TestCertificates certificates_;
};

TEST_F(TlsTest, WhatBelongsTogetherIsRead) {
  const auto read = ReadTls({Path("server.pem"), Path("server.key"), Path("ca.pem")});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->certificate_chain, certificates_.Text("server.pem"));
  EXPECT_EQ(read->private_key, certificates_.Text("server.key"));
  EXPECT_EQ(read->client_authority, certificates_.Text("ca.pem"));
}

TEST_F(TlsTest, AFileThatIsMissingOrOfAnotherKindIsNamed) {
  EXPECT_THAT(Error("", "server.key"), HasSubstr("(no path): cannot be read"));
  EXPECT_THAT(Error("nowhere.pem", "server.key"), HasSubstr("nowhere.pem: cannot be read"));
  EXPECT_THAT(Error("server.pem", "nowhere.key"), HasSubstr("nowhere.key: cannot be read"));
  EXPECT_THAT(Error("server.key", "server.key"), HasSubstr("server.key: holds no certificate"));
  EXPECT_THAT(Error("server.pem", "server.pem"), HasSubstr("server.pem: holds no private key"));
  EXPECT_THAT(Error("server.pem", "server.key", "server.key"), HasSubstr("server.key: holds no certificate"));
}

TEST_F(TlsTest, AKeyOfAnotherCertificateIsRefused) {
  EXPECT_THAT(Error("server.pem", "ca.key"), HasSubstr("is not the key of the first certificate in"));
}

}  // namespace
}  // namespace daybook
