# The program that executes a step's command, and its place in the sandbox. It has no library to start and none of what
# comes with one, whatever the rest is compiled with.
set(trampoline_folder ${PROJECT_BINARY_DIR}/trampoline)
add_executable(step_trampoline ${PROJECT_SOURCE_DIR}/src/sandbox/trampoline/main.cc)
target_compile_features(step_trampoline PRIVATE cxx_std_20)
target_compile_options(step_trampoline PRIVATE -Wall -Wextra -Os -g0 -ffreestanding -fno-builtin -fno-exceptions -fno-rtti
                       -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -U_FORTIFY_SOURCE)
target_link_options(step_trampoline PRIVATE -nostdlib -static -no-pie -s -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro)
set_target_properties(step_trampoline PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${trampoline_folder} INTERPROCEDURAL_OPTIMIZATION OFF)

add_dependencies(gbuild_sandbox step_trampoline)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/sandbox/trampoline_file.cc PROPERTIES
                            COMPILE_DEFINITIONS "GBUILD_TRAMPOLINE=\"${trampoline_folder}/step_trampoline\""
                            OBJECT_DEPENDS ${trampoline_folder}/step_trampoline)
