# What stands for the init of a provider's VM: a program of its own, static and without sanitizers, that the part
# "provider" carries along.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/provider/init/*.cc)
add_executable(gbuild_init ${sources})
target_compile_features(gbuild_init PRIVATE cxx_std_20)
target_compile_definitions(gbuild_init PRIVATE _FILE_OFFSET_BITS=64 _GNU_SOURCE)
target_include_directories(gbuild_init PRIVATE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(gbuild_init PRIVATE
                       $<FILTER:$<TARGET_PROPERTY:gbuild_settings,INTERFACE_COMPILE_OPTIONS>,EXCLUDE,sanitize>
                       -Os -fno-exceptions -fno-rtti -ffunction-sections -fdata-sections)
target_link_options(gbuild_init PRIVATE -static -s -Wl,--gc-sections)
target_compile_definitions(gbuild_provider PRIVATE GBUILD_INIT_PROGRAM="$<TARGET_FILE:gbuild_init>")
add_dependencies(gbuild_provider gbuild_init)
set_source_files_properties(src/provider/init_program.cc PROPERTIES OBJECT_DEPENDS
                            ${PROJECT_BINARY_DIR}/gbuild_init)
