# cmake --install: beside the program (apps/lapel), the library with its headers, the recipes, and the package for find_package(lapel).
include(CMakePackageConfigHelpers)
set(lapel_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lapel)

install(TARGETS lapel EXPORT lapelTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/lapel TYPE INCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/lapel FILES_MATCHING PATTERN "*.toml")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md TYPE DOC)

install(EXPORT lapelTargets NAMESPACE lapel:: DESTINATION ${lapel_package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/lapelConfig.cmake.in ${PROJECT_BINARY_DIR}/lapelConfig.cmake
                              INSTALL_DESTINATION ${lapel_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lapelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lapelConfig.cmake ${PROJECT_BINARY_DIR}/lapelConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindDeflate.cmake ${PROJECT_SOURCE_DIR}/cmake/FindLCMS2.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindOneDNN.cmake ${PROJECT_SOURCE_DIR}/cmake/FindUtf8proc.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindWebP.cmake
        DESTINATION ${lapel_package_dir})
