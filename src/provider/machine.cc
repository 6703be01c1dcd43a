#include "gbuild/provider/machine.h"

namespace gbuild::provider {

uint64_t root_size(const MachineSettings& settings) {
    constexpr uint64_t fixed = 128u << 20;
    return settings.runtime == Runtime::v0_4 ? fixed : settings.memory / 2;
}

}  // namespace gbuild::provider
