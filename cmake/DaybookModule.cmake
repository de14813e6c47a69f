# daybook_module(NAME [HEADERS …] [SOURCES …] [HOT …] [PUBLIC …] [PRIVATE …])
#
# Declares one framework module: library daybook_NAME with alias daybook::NAME, its public headers as an installed
# file set rooted at framework/, and its dependencies. A module without SOURCES is header-only. Every header is also
# compiled alone by the target all_verify_interface_header_sets. DaybookInstall.cmake installs and exports it.
# HOT names those of its SOURCES that every event passes and that gain by -O3, measured: all else is -O2.
function(daybook_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;HOT;PUBLIC;PRIVATE")
  set(target daybook_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    set_source_files_properties(${arg_HOT} PROPERTIES
      COMPILE_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O3> SKIP_UNITY_BUILD_INCLUSION ON)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:daybook_warnings> ${arg_PRIVATE})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(daybook::${name} ALIAS ${target})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} ${arg_PUBLIC})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/framework FILES ${arg_HEADERS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  set_property(GLOBAL APPEND PROPERTY DAYBOOK_MODULES ${name})
  set_property(GLOBAL PROPERTY DAYBOOK_MODULE_${name}_LINKS ${arg_PUBLIC} ${arg_PRIVATE})
endfunction()
