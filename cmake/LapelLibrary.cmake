# The library: the objects of all folders in one archive, with the public headers.
list(TRANSFORM LAPEL_FOLDERS REPLACE "(.+)" "$<TARGET_OBJECTS:lapel_\\1>" OUTPUT_VARIABLE lapel_objects)
add_library(lapel ${lapel_objects})
add_library(lapel::lapel ALIAS lapel)
set_target_properties(lapel PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(lapel PUBLIC cxx_std_20)
target_include_directories(lapel PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(lapel PRIVATE fmt::fmt OpenMP::OpenMP_CXX OneDNN::OneDNN hwy::hwy
                                    Deflate::Deflate ZLIB::ZLIB PNG::PNG JPEG::JPEG WebP::WebP GIF::GIF TIFF::TIFF
                                    LCMS2::LCMS2 Utf8proc::Utf8proc LibArchive::LibArchive)
