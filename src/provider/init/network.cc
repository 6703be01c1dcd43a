#include "network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "descriptor.h"
#include "report.h"

namespace gbuild::guest {

namespace {

sockaddr address_of(const std::string& text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) fail("there is no address " + text);
    sockaddr result{};
    std::memcpy(&result, &address, sizeof address);
    return result;
}

void set(const Descriptor& socket, const char* card, unsigned long what, ifreq request) {
    std::strncpy(request.ifr_name, card, IFNAMSIZ - 1);
    if (::ioctl(socket.get(), what, &request) != 0) fail(std::string("cannot set up the network card ") + card, errno);
}

void bring_up(const Descriptor& socket, const char* card) {
    ifreq request{};
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    set(socket, card, SIOCSIFFLAGS, request);
}

}  // namespace

void bring_up_network(const Settings& settings) {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bring_up(socket, "lo");
    if (settings.address.empty()) return;
    ifreq request{};
    request.ifr_addr = address_of(settings.address);
    set(socket, "eth0", SIOCSIFADDR, request);
    request = {};
    request.ifr_netmask = address_of("255.255.255.0");
    set(socket, "eth0", SIOCSIFNETMASK, request);
    bring_up(socket, "eth0");
    rtentry route{};
    route.rt_dst = address_of("0.0.0.0");
    route.rt_genmask = address_of("0.0.0.0");
    route.rt_gateway = address_of(settings.gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    if (::ioctl(socket.get(), SIOCADDRT, &route) != 0) fail("cannot set up the network's gateway", errno);
}

}  // namespace gbuild::guest
