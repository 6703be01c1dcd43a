// The network of a virtual machine.
#pragma once

#include "settings.h"

namespace gbuild::guest {

// The loopback, and the first network card where it is to have an address.
void bring_up_network(const Settings& settings);

}  // namespace gbuild::guest
