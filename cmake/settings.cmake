# What every target of ours is compiled with, as one interface target.
add_library(gbuild_settings INTERFACE)
add_library(gbuild::settings ALIAS gbuild_settings)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

target_compile_features(gbuild_settings INTERFACE cxx_std_20)
target_compile_definitions(gbuild_settings INTERFACE _FILE_OFFSET_BITS=64 _GNU_SOURCE
                           GBUILD_VERSION="${PROJECT_VERSION}")
target_compile_options(gbuild_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                       -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -fstack-protector-strong)
# Many sources compiled as one share their unnamed namespaces, which the first two take for mistakes; GCC 12 sees overlaps in
# concatenations that it has inlined (its bug 105651).
if(CMAKE_UNITY_BUILD)
  target_compile_options(gbuild_settings INTERFACE -Wno-shadow -Wno-subobject-linkage
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endif()
if(GBUILD_WERROR)
  target_compile_options(gbuild_settings INTERFACE -Werror)
endif()
if(GBUILD_SANITIZE)
  target_compile_options(gbuild_settings INTERFACE -fsanitize=${GBUILD_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(gbuild_settings INTERFACE -fsanitize=${GBUILD_SANITIZE})
endif()
