# Functions that keep the folders' CMakeLists short.

add_library(lapel_flags INTERFACE)
target_compile_features(lapel_flags INTERFACE cxx_std_20)
target_compile_options(lapel_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                                             -Wunused -Woverloaded-virtual)
# GCC 12 takes the branches of std::visit that cannot be reached for real and warns of them; the sanitizer build sees
# what these two would.
target_compile_options(lapel_flags INTERFACE -Wno-array-bounds -Wno-maybe-uninitialized)
if(LAPEL_WERROR)
  target_compile_options(lapel_flags INTERFACE -Werror)
endif()
if(LAPEL_FUZZ)
  target_compile_options(lapel_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                                               -fno-omit-frame-pointer)
  target_link_options(lapel_flags INTERFACE -fsanitize=address,undefined)
endif()
if(LAPEL_SANITIZE)
  target_compile_options(lapel_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                               -fno-omit-frame-pointer)
  target_link_options(lapel_flags INTERFACE -fsanitize=address,undefined)
endif()
if(LAPEL_SANITIZE_THREADS)
  target_compile_options(lapel_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  target_link_options(lapel_flags INTERFACE -fsanitize=thread)
endif()

# What Highway's files are compiled for: AVX2, AVX-512 and plain C++. Each further set costs as long to compile as these,
# and a CPU that has SSE4 but not AVX2 is older than ten years. The sanitizers' build is for this CPU alone: AVX2 takes the
# place of plain C++ (without fused sums in plain code, which would change their bits), and AVX-512 is left out where the
# CPU lacks it. There it costs ten times as much to compile as elsewhere; checks by calls in large functions make it three.
add_library(lapel_instruction_sets INTERFACE)
set(lapel_left_out "HWY_SSSE3|HWY_SSE4")
if(LAPEL_SANITIZE)
  target_compile_options(lapel_instruction_sets INTERFACE -march=haswell -maes -mpclmul -ffp-contract=off
                                                          --param=asan-instrumentation-with-call-threshold=500)
  file(STRINGS /proc/cpuinfo lapel_cpu_flags REGEX "^flags" LIMIT_COUNT 1)
  if(NOT lapel_cpu_flags MATCHES " avx512bw")
    string(APPEND lapel_left_out "|HWY_AVX3")
  endif()
endif()
if(LAPEL_SANITIZE_THREADS)
  target_compile_options(lapel_instruction_sets INTERFACE -march=haswell -maes -mpclmul -ffp-contract=off)
  string(APPEND lapel_left_out "|HWY_AVX3")
endif()
target_compile_definitions(lapel_instruction_sets INTERFACE "HWY_DISABLED_TARGETS=(${lapel_left_out})")

# lapel_folder(NAME [TOGETHER] SOURCES file... [LIBRARIES target...]): one folder of src/ as an object library. TOGETHER:
# its sources are compiled as one, which takes a fifth of the time where most of it goes to headers. Names in their unnamed
# namespaces then must differ. Kernels, whose code is what takes time, and layers and commands, which all have a struct
# Options, are compiled one by one.
function(lapel_folder name)
  cmake_parse_arguments(ARG "TOGETHER" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(lapel_${name} OBJECT ${ARG_SOURCES})
  if(ARG_TOGETHER AND LAPEL_TOGETHER)
    set_target_properties(lapel_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  endif()
  set_target_properties(lapel_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(lapel_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(lapel_${name} PRIVATE lapel_flags fmt::fmt OpenMP::OpenMP_CXX ${ARG_LIBRARIES})
endfunction()

# lapel_test(NAME [EACH_ISA] SOURCES file... [LIBRARIES target...] [LABELS label...]): one test program and one ctest entry.
# With EACH_ISA further entries, NAME_avx2, ..., run it held to one instruction set (LAPEL_ISA, docs/architecture.md), as
# far as a LAPEL_ISA around ctest allows; the sanitizers see the narrowest kernels only.
function(lapel_test name)
  cmake_parse_arguments(ARG "EACH_ISA" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  set(isas "")
  if(ARG_EACH_ISA)
    list(APPEND ARG_SOURCES ${PROJECT_SOURCE_DIR}/tests/support/isa_main.cpp)
    if(NOT LAPEL_SANITIZE AND NOT LAPEL_SANITIZE_THREADS)
      set(isas avx2 avx512 avx512_bf16 amx)
    elseif(name STREQUAL kernels)
      set(isas avx2)
    endif()
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include
                                                  ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE lapel_flags lapel fmt::fmt OpenMP::OpenMP_CXX GTest::gtest
                                             GTest::gtest_main lapel_test_support ${ARG_LIBRARIES})
  if(LAPEL_SANITIZE_THREADS)
    target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/trust/tsan_gomp.cpp)
    target_link_libraries(test_${name} PRIVATE ${CMAKE_DL_LIBS})
  endif()
  # The code under test is optimized, the tests themselves need not be.
  target_compile_options(test_${name} PRIVATE -O1)
  add_test(NAME ${name} COMMAND test_${name})
  # Property tests try the same cases each time. Threads that wait give their core away soon, so that tests run on a
  # machine that is busy with something else.
  set(environment "RC_PARAMS=seed=1;GOMP_SPINCOUNT=1000")
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600 ENVIRONMENT "${environment}")
  foreach(isa IN LISTS isas)
    add_test(NAME ${name}_${isa} COMMAND test_${name})
    set_tests_properties(
      ${name}_${isa} PROPERTIES LABELS "${ARG_LABELS};isa" TIMEOUT 600 ENVIRONMENT "${environment};LAPEL_TEST_ISA=${isa}"
                                SKIP_RETURN_CODE 77)
  endforeach()
endfunction()
