#include "gbuild/base/stop_event.h"

#include <sys/eventfd.h>

#include "gbuild/base/error.h"

namespace gbuild {

StopEvent::StopEvent(const std::stop_token& stop) :
    event_(::eventfd(0, EFD_CLOEXEC)), callback_(stop, Raise{event_.get()}) {
    if (!event_) throw_errno("cannot create an eventfd");
}

void StopEvent::Raise::operator()() const { ::eventfd_write(fd, 1); }

}  // namespace gbuild
