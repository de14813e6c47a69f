include(GoogleTest)

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
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${arg_PREFIX}"
                       PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()
