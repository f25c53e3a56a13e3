#pragma once

namespace lapel::app {

/// Makes OpenMP's threads give their core away soon after they begin to wait (docs/architecture.md, "OpenMP is the
/// thread pool"). OpenMP reads its settings before `main`, so the program starts itself again, once, with
/// GOMP_SPINCOUNT set: the same process, arguments and streams. Does nothing where the environment already decides how
/// threads wait, and where the program cannot be started again. Call it first of all.
void start_with_patient_threads(char** argv);

}  // namespace lapel::app
