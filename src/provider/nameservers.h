// Who answers this machine's questions for names.
#pragma once

#include <string>
#include <vector>

namespace gbuild::provider {

// The addresses in /etc/resolv.conf, or those behind systemd-resolved's stub.
std::vector<std::string> nameservers();

}  // namespace gbuild::provider
