# What is installed, and the Debian package of it (tools/package deb).
include(GNUInstallDirs)

# Whoever installs has built before: a package is made of what was tested.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# The commit that `gbuild version` names, looked up at each build.
set(commit_header ${PROJECT_BINARY_DIR}/generated/gbuild/commit.h)
add_custom_target(gbuild_commit BYPRODUCTS ${commit_header} VERBATIM
                  COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D OUTPUT=${commit_header}
                          -P ${PROJECT_SOURCE_DIR}/cmake/commit.cmake)
add_dependencies(gbuild_cli gbuild_commit)
set_source_files_properties(src/cli/command_version.cc PROPERTIES INCLUDE_DIRECTORIES ${PROJECT_BINARY_DIR}/generated
                                                                   SKIP_UNITY_BUILD_INCLUSION ON)

find_program(gzip gzip REQUIRED)
set(manual ${PROJECT_BINARY_DIR}/gbuild.1.gz)
add_custom_command(OUTPUT ${manual} DEPENDS ${PROJECT_SOURCE_DIR}/docs/gbuild.1 VERBATIM
                   COMMAND ${gzip} --best --no-name --stdout ${PROJECT_SOURCE_DIR}/docs/gbuild.1 > ${manual})
add_custom_target(gbuild_manual ALL DEPENDS ${manual})

# Under the names by which the three shells look for them.
set(completions ${PROJECT_BINARY_DIR}/completions)
file(MAKE_DIRECTORY ${completions})
add_custom_command(OUTPUT ${completions}/gbuild ${completions}/_gbuild ${completions}/gbuild.fish DEPENDS gbuild VERBATIM
                   COMMAND gbuild completion bash > ${completions}/gbuild
                   COMMAND gbuild completion zsh > ${completions}/_gbuild
                   COMMAND gbuild completion fish > ${completions}/gbuild.fish)
add_custom_target(gbuild_completions ALL DEPENDS ${completions}/gbuild ${completions}/_gbuild ${completions}/gbuild.fish)

# All that a package takes and nothing else, for those who do not build the tests.
add_custom_target(package_files)
add_dependencies(package_files gbuild gbuild_manual gbuild_completions)

set(docdir ${CMAKE_INSTALL_DATAROOTDIR}/doc/gbuild)
install(TARGETS gbuild RUNTIME)
install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/man/man1)
install(FILES ${completions}/gbuild DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)
install(FILES ${completions}/_gbuild DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/zsh/vendor-completions)
install(FILES ${completions}/gbuild.fish DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md DESTINATION ${docdir})
install(FILES LICENSE DESTINATION ${docdir} RENAME copyright)
install(DIRECTORY docs/ DESTINATION ${docdir} FILES_MATCHING PATTERN "*.md")
install(FILES packaging/apparmor/gbuild DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/gbuild/apparmor)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gbuild)
set(CPACK_PACKAGE_CONTACT "the gbuild developers <gbuild@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "uidmap, qemu-system-x86")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/deb/postinst
                                       ${PROJECT_SOURCE_DIR}/packaging/deb/postrm)
include(CPack)
