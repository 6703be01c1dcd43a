// Extended attributes: emulation's own are hidden, and those that one id may not set are kept under other names.
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "emulator.h"
#include "gbuild/base/text.h"

namespace gbuild::sandbox {

namespace {

constexpr size_t largest_list = 65536, largest_value = 65536, longest_name = 255;  // xattr(7)

bool is_translated(const std::string& name) {
    return name.starts_with("trusted.") || (name.starts_with("security.") && name != "security.capability");
}

std::string name_on_disk(const std::string& name) { return std::string(recorded_attribute_prefix) + name; }

LastLink last_of(Call call) {
    const bool keep =
        call == Call::llistxattr || call == Call::lgetxattr || call == Call::lsetxattr || call == Call::lremovexattr;
    return keep ? LastLink::keep : LastLink::follow;
}

std::string attribute_name(const Request& request) {
    std::string name = request.tracee().read_path(request.argument(1));
    if (name.empty() || name.size() > longest_name) refuse(ERANGE);
    return name;
}

// Only these can carry the attributes that stand for others.
bool can_carry(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 && carries_attributes(status);
}

// What a call that gives `bytes` returns: their number, when there is room or none is asked to be filled.
Answer deliver(const Request& request, const std::string& bytes, int buffer, int size) {
    const uint64_t room = request.argument(size);
    if (room != 0) {
        if (room < bytes.size()) refuse(ERANGE);
        request.tracee().write(request.argument(buffer), as_bytes(bytes));
    }
    return Answer::result(static_cast<int64_t>(bytes.size()));
}

// Others do not see trusted attributes.
bool may_see(const Credentials& process, std::string_view name) {
    return !name.starts_with("trusted.") || process.unrestricted();
}

std::string visible_names(const std::string& list, const Credentials& process) {
    std::string shown;
    for (size_t at = 0; at < list.size();) {
        std::string name = list.c_str() + at;
        at += name.size() + 1;
        const bool kept = name.starts_with(recorded_attribute_prefix);
        if (kept) name.erase(0, recorded_attribute_prefix.size());
        if (kept ? may_see(process, name) : !name.starts_with(own_attributes)) shown += name + '\0';
    }
    return shown;
}

}  // namespace

Answer Emulator::list_attributes(const Request& request) {
    const Credentials& process = request.process();
    const UniqueFd file = target(request, process, last_of(request.call()), false);
    std::string list(largest_list, '\0');
    const ssize_t size = ::listxattr(descriptor_path(file.get()).c_str(), list.data(), list.size());
    if (size < 0) refuse(errno);
    list.resize(static_cast<size_t>(size));
    if (list.find(own_attributes) == std::string::npos && process.unrestricted()) return Answer::proceed();
    const std::string shown = visible_names(list, process);
    check_alive(request);
    return deliver(request, shown, 1, 2);
}

Answer Emulator::get_attribute(const Request& request) {
    const Credentials& process = request.process();
    const std::string name = attribute_name(request);
    const bool kept = is_translated(name), own = name.starts_with(own_attributes);
    if (!kept && !own && process.unrestricted()) return Answer::proceed();
    const UniqueFd file = target(request, process, last_of(request.call()), false);
    if (own || (kept && !may_see(process, name))) refuse(ENODATA);
    // The kernel knows one user; what others may not read is decided here.
    if (name.starts_with("user.")) require(process, file.get(), R_OK);
    if (kept && !can_carry(file.get())) return Answer::proceed();
    std::string value(largest_value, '\0');
    const std::string path = descriptor_path(file.get()), on_disk = kept ? name_on_disk(name) : name;
    const ssize_t size = ::getxattr(path.c_str(), on_disk.c_str(), value.data(), value.size());
    if (size < 0 && kept) return Answer::proceed();
    if (size < 0) refuse(errno);
    value.resize(static_cast<size_t>(size));
    check_alive(request);
    return deliver(request, value, 2, 3);
}

Answer Emulator::set_attribute(const Request& request) {
    const Credentials& process = request.process();
    const std::string name = attribute_name(request);
    if (name.starts_with(own_attributes)) refuse(EPERM);
    const bool kept = is_translated(name);
    if (process.unrestricted() && !kept) return Answer::proceed();
    const UniqueFd file = target(request, process, last_of(request.call()), false);
    if (!kept) require_attribute(process, file.get(), name);
    if (kept && !process.unrestricted()) refuse(EPERM);
    if (kept && !can_carry(file.get())) return Answer::proceed();
    const std::string path = descriptor_path(file.get()), on_disk = kept ? name_on_disk(name) : name;
    if (request.name().find("remove") != std::string_view::npos) {
        check_alive(request);
        if (::removexattr(path.c_str(), on_disk.c_str()) != 0) refuse(errno);
        return Answer::result(0);
    }
    if (request.argument(3) > largest_value) refuse(E2BIG);
    std::string value(request.argument(3), '\0');
    if (!value.empty()) request.tracee().read(request.argument(2), std::as_writable_bytes(std::span(value)));
    check_alive(request);
    if (::setxattr(path.c_str(), on_disk.c_str(), value.data(), value.size(), request.integer(4)) != 0) refuse(errno);
    return Answer::result(0);
}

// As the kernel does for what it sets itself.
void Emulator::require_attribute(const Credentials& process, int file, const std::string& name) const {
    if (name.starts_with("user.")) return require(process, file, W_OK);
    if (name.starts_with("system.")) return require_owner(process, file);
    if (!process.capable(CAP_SETFCAP)) refuse(EPERM);
}

}  // namespace gbuild::sandbox
