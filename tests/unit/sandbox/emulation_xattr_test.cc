// Extended attributes: ours are not seen, and root has those that need real root.
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "emulated.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

std::string names(const char* path) {
    char buffer[1000];
    ssize_t size = ::listxattr(path, buffer, sizeof buffer);
    if (size < 0) return outcome(-1);
    std::set<std::string> sorted;
    for (const char* at = buffer; at < buffer + size; at += sorted.insert(at).first->size() + 1) {
    }
    std::string all;
    for (const auto& name : sorted) all += name + " ";
    return all;
}

std::string value(const char* path, const char* name) {
    char buffer[100];
    ssize_t size = ::getxattr(path, name, buffer, sizeof buffer);
    return size < 0 ? outcome(-1) : std::string(buffer, static_cast<size_t>(size));
}

}  // namespace

TEST_CASE("the attributes that record owners are hidden", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        EXPECT_CALL(::setxattr("f", "user.mine", "x", 1, 0), "0");
        EXPECT_TEXT(names("f"), "user.mine ");
        EXPECT_CALL(::chown("f", 5, 6), "0");
        EXPECT_TEXT(names("f"), "user.mine ");
        EXPECT_CALL(::listxattr("f", nullptr, 0), "10");
        char small[5];
        EXPECT_CALL(::listxattr("f", small, sizeof small), "ERANGE");
        UniqueFd fd = open_file("f", O_RDONLY);
        EXPECT_CALL(::flistxattr(fd.get(), nullptr, 0), "10");
        EXPECT_CALL(::llistxattr("f", nullptr, 0), "10");
        EXPECT_TEXT(value("f", "user.gbuild.owner"), "ENODATA");
        EXPECT_CALL(::setxattr("f", "user.gbuild.owner", "0:0", 3, 0), "EPERM");
        EXPECT_CALL(::fsetxattr(fd.get(), "user.gbuild.x", "", 0, 0), "EPERM");
        EXPECT_CALL(::removexattr("f", "user.gbuild.owner"), "EPERM");
        EXPECT_TEXT(owner("f"), "5:6");
        EXPECT_TEXT(value("f", "user.mine"), "x");
        EXPECT_CALL(::removexattr("f", "user.mine"), "0");
        EXPECT_TEXT(names("f"), "");
    });
}

TEST_CASE("root has trusted and security attributes", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        EXPECT_CALL(::setxattr("f", "trusted.foo", "bar", 3, 0), "0");
        EXPECT_CALL(::setxattr("f", "trusted.foo", "bar", 3, XATTR_CREATE), "EEXIST");
        EXPECT_CALL(::setxattr("f", "trusted.new", "bar", 3, XATTR_REPLACE), "ENODATA");
        EXPECT_CALL(::setxattr("f", "security.foo", "baz", 3, 0), "0");
        EXPECT_TEXT(names("f"), "security.foo trusted.foo ");
        EXPECT_TEXT(value("f", "trusted.foo"), "bar");
        EXPECT_TEXT(value("f", "security.foo"), "baz");
        EXPECT_CALL(::getxattr("f", "trusted.foo", nullptr, 0), "3");
        char small[1];
        EXPECT_CALL(::getxattr("f", "trusted.foo", small, 1), "ERANGE");
        EXPECT_TEXT(value("f", "trusted.nope"), "ENODATA");
        EXPECT_TEXT(value("nope", "trusted.foo"), "ENOENT");
        in_child([&] {
            become(1000, 100);
            EXPECT_TEXT(names("f"), "security.foo ");
            EXPECT_TEXT(value("f", "trusted.foo"), "ENODATA");
            EXPECT_TEXT(value("f", "security.foo"), "baz");
            EXPECT_CALL(::setxattr("f", "trusted.foo", "x", 1, 0), "EPERM");
            EXPECT_CALL(::setxattr("f", "user.foo", "x", 1, 0), "EACCES");
            EXPECT_CALL(::removexattr("f", "trusted.foo"), "EPERM");
            return true;
        });
        EXPECT_CALL(::removexattr("f", "trusted.foo"), "0");
        EXPECT_CALL(::removexattr("f", "trusted.foo"), "ENODATA");
        EXPECT_TEXT(names("f"), "security.foo ");
        EXPECT_CALL(::symlink("f", "link"), "0");
        EXPECT_CALL(::lsetxattr("link", "trusted.foo", "x", 1, 0), "EPERM");
        EXPECT_CALL(::setxattr("f", reinterpret_cast<const char*>(8), "x", 1, 0), "EFAULT");
        EXPECT_CALL(::setxattr("f", ("user." + std::string(300, 'x')).c_str(), "x", 1, 0), "ERANGE");
    });
}

TEST_CASE("file capabilities are the kernel's", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        const uint32_t capability[5] = {0x02000001, 1U << 13, 0, 0, 0};
        EXPECT_CALL(::setxattr("f", "security.capability", capability, sizeof capability, 0), "0");
        EXPECT_TEXT(names("f"), "security.capability ");
        EXPECT_CALL(::chown("f", 5, 6), "0");
        EXPECT_TEXT(names("f"), "");
    });
}
