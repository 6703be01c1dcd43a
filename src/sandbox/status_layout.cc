#include "status_layout.h"

#include <sys/sysmacros.h>

#include <cstring>

namespace gbuild::sandbox {

namespace {

// arch/x86/include/uapi/asm/stat.h, which for this architecture does not have them.
struct [[gnu::packed]] Stat64I386 {
    uint64_t dev;
    uint8_t pad0[4];
    uint32_t low_ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev;
    uint8_t pad3[4];
    int64_t size;
    uint32_t blksize;
    int64_t blocks;
    uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    uint64_t ino;
};
static_assert(sizeof(Stat64I386) == 96);

struct StatI386 {
    uint32_t dev, ino;
    uint16_t mode, nlink, uid, gid;
    uint32_t rdev, size, blksize, blocks;
    uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    uint32_t unused4, unused5;
};
static_assert(sizeof(StatI386) == 64);

struct OldStatI386 {
    uint16_t dev, ino, mode, nlink, uid, gid, rdev;
    uint32_t size, atime, mtime, ctime;
};
static_assert(sizeof(OldStatI386) == 32);

// What the formats of both sizes have, by the same names.
template <class Layout>
Layout common(const struct stat& st) {
    Layout out{};
    auto put = [](auto& field, auto value) { field = static_cast<std::remove_reference_t<decltype(field)>>(value); };
    put(out.dev, st.st_dev);
    put(out.ino, st.st_ino);
    put(out.mode, st.st_mode);
    put(out.nlink, st.st_nlink);
    put(out.rdev, st.st_rdev);
    put(out.size, st.st_size);
    put(out.atime, st.st_atim.tv_sec);
    put(out.mtime, st.st_mtim.tv_sec);
    put(out.ctime, st.st_ctim.tv_sec);
    return out;
}

template <class Layout>
void add_details(Layout& out, const struct stat& st) {
    out.blksize = static_cast<uint32_t>(st.st_blksize);
    out.blocks = static_cast<decltype(Layout::blocks)>(st.st_blocks);
    out.atime_nsec = static_cast<uint32_t>(st.st_atim.tv_nsec);
    out.mtime_nsec = static_cast<uint32_t>(st.st_mtim.tv_nsec);
    out.ctime_nsec = static_cast<uint32_t>(st.st_ctim.tv_nsec);
}

template <class Layout>
std::vector<std::byte> bytes_of(const Layout& layout) {
    std::vector<std::byte> bytes(sizeof layout);
    std::memcpy(bytes.data(), &layout, sizeof layout);
    return bytes;
}

std::vector<std::byte> encode_stat64(const struct stat& st) {
    // Packed fields cannot be bound to references.
    Stat64I386 out{};
    out.dev = st.st_dev;
    out.low_ino = static_cast<uint32_t>(st.st_ino);
    out.mode = st.st_mode;
    out.nlink = static_cast<uint32_t>(st.st_nlink);
    out.uid = st.st_uid;
    out.gid = st.st_gid;
    out.rdev = st.st_rdev;
    out.size = st.st_size;
    out.atime = static_cast<uint32_t>(st.st_atim.tv_sec);
    out.mtime = static_cast<uint32_t>(st.st_mtim.tv_sec);
    out.ctime = static_cast<uint32_t>(st.st_ctim.tv_sec);
    out.ino = st.st_ino;
    add_details(out, st);
    return bytes_of(out);
}

template <class Layout>
Layout narrow(const struct stat& st) {
    Layout out = common<Layout>(st);
    out.uid = narrow_id(st.st_uid);
    out.gid = narrow_id(st.st_gid);
    return out;
}

std::vector<std::byte> encode_i386(const struct stat& st) {
    auto out = narrow<StatI386>(st);
    add_details(out, st);
    return bytes_of(out);
}

std::vector<std::byte> encode_old(const struct stat& st) {
    auto out = narrow<OldStatI386>(st);
    out.dev = static_cast<uint16_t>(major(st.st_dev) << 8 | minor(st.st_dev));
    out.rdev = static_cast<uint16_t>(major(st.st_rdev) << 8 | minor(st.st_rdev));
    return bytes_of(out);
}

}  // namespace

uint16_t narrow_id(uint32_t id) {
    constexpr uint16_t overflow = 65534;
    return id > UINT16_MAX ? overflow : static_cast<uint16_t>(id);
}

std::vector<std::byte> encode_status(const struct stat& st, StatusLayout layout) {
    switch (layout) {
    case StatusLayout::i386_64: return encode_stat64(st);
    case StatusLayout::i386: return encode_i386(st);
    case StatusLayout::i386_old: return encode_old(st);
    case StatusLayout::native: break;
    }
    return bytes_of(st);
}

}  // namespace gbuild::sandbox
