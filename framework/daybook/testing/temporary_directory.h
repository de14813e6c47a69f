#ifndef DAYBOOK_TESTING_TEMPORARY_DIRECTORY_H_
#define DAYBOOK_TESTING_TEMPORARY_DIRECTORY_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace daybook::testing {

// A new empty directory, gone with everything in it when the object is.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(::testing::TempDir() + "daybook.XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "cannot make a directory like " << path_;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_TEMPORARY_DIRECTORY_H_
