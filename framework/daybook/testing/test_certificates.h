#ifndef DAYBOOK_TESTING_TEST_CERTIFICATES_H_
#define DAYBOOK_TESTING_TEST_CERTIFICATES_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "daybook/testing/temporary_directory.h"

namespace daybook::testing {

// Certificates that live as long as the object: an authority, and what it vouches for, made by the openssl command.
//
//   TestCertificates certificates;
//   certificates.Issue("server");   // certificates.Path("server.pem"), Path("server.key"); the authority is "ca.pem"
class TestCertificates {
 public:
  TestCertificates() { Run(Request("ca", "-x509 -days 2 -subj /CN=ca")); }

  // For a server at 127.0.0.1 and localhost, and for a client of that name.
  void Issue(const std::string& name) {
    std::ofstream(Path("extensions")) << "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n";
    Run(Request(name, "-subj /CN=" + name));
    Run("openssl x509 -req -days 2 -in " + Path(name + ".pem") + " -CA " + Path("ca.pem") + " -CAkey " +
        Path("ca.key") + " -CAcreateserial -extfile " + Path("extensions") + " -out " + Path(name + ".pem"));
  }

  std::string Path(const std::string& file) const { return directory_.path() + "/" + file; }
  std::string Text(const std::string& file) const {
    std::ifstream in(Path(file));
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  }

 private:
  std::string Request(const std::string& name, const std::string& options) const {
    return "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes " + options + " -keyout " +
           Path(name + ".key") + " -out " + Path(name + ".pem");
  }
  static void Run(const std::string& command) {
    EXPECT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << "is openssl installed? " << command;
  }

  TemporaryDirectory directory_;
};

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_TEST_CERTIFICATES_H_
