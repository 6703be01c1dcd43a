# gbuild_part(NAME USES part... LIBS library...)
#
# One part: include/gbuild/NAME, src/NAME/*.cc, and its unit tests in tests/unit/NAME/*_test.cc. A part's target links
# exactly the parts it may use. Sources are globbed because a part *is* its folder; CONFIGURE_DEPENDS keeps it true.
set_property(GLOBAL PROPERTY gbuild_parts "")

function(gbuild_part name)
  cmake_parse_arguments(PART "" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  if(sources)
    add_library(gbuild_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(gbuild_${name} PRIVATE gbuild::settings)
  else()
    add_library(gbuild_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(gbuild::${name} ALIAS gbuild_${name})
  target_include_directories(gbuild_${name} ${scope} ${PROJECT_SOURCE_DIR}/include)
  list(TRANSFORM PART_USES PREPEND gbuild::)
  target_link_libraries(gbuild_${name} ${scope} ${PART_USES} ${PART_LIBS})
  set_property(GLOBAL APPEND PROPERTY gbuild_parts ${name})
endfunction()
