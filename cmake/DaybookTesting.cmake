include(GoogleTest)

# What every test includes, compiled once: half of the time that a test's source takes is these headers.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/test_headers.cc
     CONTENT "// The tests' precompiled headers need a source.\n")
add_library(daybook_test_headers OBJECT ${PROJECT_BINARY_DIR}/test_headers.cc)
set_target_properties(daybook_test_headers PROPERTIES POSITION_INDEPENDENT_CODE OFF)  # as an executable's sources:
target_compile_options(daybook_test_headers PRIVATE -fPIE)
target_link_libraries(daybook_test_headers PRIVATE daybook_warnings absl::status absl::statusor absl::strings
                      absl::synchronization absl::time GTest::gmock GTest::gtest)
target_precompile_headers(daybook_test_headers PRIVATE
  <gmock/gmock.h> <gtest/gtest.h>
  <algorithm> <functional> <map> <memory> <optional> <string> <thread> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/synchronization/mutex.h>
  <absl/time/time.h>)
# A test's own code runs once, so that its time is the compiler's: no optimisation, and no line tables, since assertions
# name their lines. What it tests has both. gRPC's stubs bring -pthread, which changes macros.
set(daybook_test_options -pthread $<$<CONFIG:Release>:-O0> $<$<CONFIG:Release>:-g0>)
target_compile_options(daybook_test_headers PRIVATE ${daybook_test_options})

# daybook_test(NAME SOURCES … [DEPS …] [LABELS …] [TIMEOUT seconds] [PREFIX before the tests' names])
#
# One test executable; each of its tests is a ctest test of its own, so that a failure is named by its sentence.
function(daybook_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;PREFIX" "SOURCES;DEPS;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE daybook_warnings ${arg_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${daybook_test_options})
  target_precompile_headers(${name} REUSE_FROM daybook_test_headers)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${arg_PREFIX}"
                       PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()
