#pragma once

namespace pare {

/// For programs that train: asks the C library to keep freed memory instead of handing it back to the system after every
/// step. A training step frees and asks again for the same activations; without this, clearing their pages anew takes a
/// tenth of the step on CPUs. Process-wide, so a library never calls it; does nothing where the C library has no such knob.
void keep_freed_memory();

}  // namespace pare
