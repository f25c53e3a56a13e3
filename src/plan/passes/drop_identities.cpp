#include "plan/passes/drop_identities.h"

#include "plan/operator_facts.h"

namespace lapel::plan {

void drop_identities(Program& program) {
  for (std::size_t i = 0; i < program.instructions.size();) {
    if (is_identity(program.instructions[i].op, program.training)) {
      program.bypass(i);
    } else {
      ++i;
    }
  }
}

}  // namespace lapel::plan
