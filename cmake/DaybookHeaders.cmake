# What most sources of libraries include, compiled once: a good third of the time that they take is these headers.
# With GCC only. Clang shows what a source has forgotten to include.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/library_headers.cc
     CONTENT "// The libraries' precompiled headers need a source.\n")
add_library(daybook_library_headers OBJECT ${PROJECT_BINARY_DIR}/library_headers.cc)
# What changes a macro must be the same in all sources that use them.
target_compile_options(daybook_library_headers PRIVATE -pthread)
target_link_libraries(daybook_library_headers PRIVATE daybook_warnings absl::status absl::statusor absl::strings
                      absl::synchronization absl::time)
target_precompile_headers(daybook_library_headers PRIVATE
  <algorithm> <functional> <map> <memory> <optional> <string> <string_view> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/synchronization/mutex.h>
  <absl/time/time.h>)

# Lets every static library of `directory` and below use them, but those of generated code.
function(daybook_use_library_headers directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "STATIC_LIBRARY" AND NOT target MATCHES "_proto$")
      target_precompile_headers(${target} REUSE_FROM daybook_library_headers)
      # Through a precompiled header GCC 12 takes what it inlines of libraries for ours: its flow analysis warns of it.
      target_compile_options(${target} PRIVATE -pthread -Wno-array-bounds -Wno-maybe-uninitialized
                             -Wno-stringop-overflow -Wno-stringop-overread)
    endif()
  endforeach()
  get_property(below DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(one IN LISTS below)
    daybook_use_library_headers(${one})
  endforeach()
endfunction()
