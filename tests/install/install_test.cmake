# cmake -D LAPEL_BINARY_DIR=... -D LAPEL_CXX=... -D LAPEL_GENERATOR=... -D LAPEL_WORK_DIR=... -P install_test.cmake

# run(OUTPUT WORD...): runs a command that must succeed, and keeps what it printed.
function(run output)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "${command}: ended with ${code}\n${out}${err}")
  endif()
  set(${output} "${out}" PARENT_SCOPE)
endfunction()

function(expect text pattern)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "no match for ${pattern} in\n${text}")
  endif()
endfunction()

set(prefix ${LAPEL_WORK_DIR}/prefix)
set(build ${LAPEL_WORK_DIR}/build)
file(REMOVE_RECURSE ${LAPEL_WORK_DIR})

run(ignored ${CMAKE_COMMAND} --install ${LAPEL_BINARY_DIR} --prefix ${prefix})

# The folder of recipes is found beside the installed program, not beside the sources.
file(GLOB recipes ${prefix}/share/lapel/recipes/*.toml)
if(NOT recipes)
  message(FATAL_ERROR "no recipes in ${prefix}/share/lapel/recipes")
endif()
run(listed ${prefix}/bin/lapel recipes)
expect("${listed}" "mlp-512")

run(ignored ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${build} -G ${LAPEL_GENERATOR} -D CMAKE_BUILD_TYPE=Release
    -D CMAKE_CXX_COMPILER=${LAPEL_CXX} -D CMAKE_PREFIX_PATH=${prefix})
run(ignored ${CMAKE_COMMAND} --build ${build})
run(printed ${build}/consumer)
expect("${printed}" "^[A-Z][A-Za-z/ -]+\n$")
