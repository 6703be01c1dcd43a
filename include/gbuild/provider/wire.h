// The numbers of the protocol that a provider's VM speaks with the init inside it, over a serial port. Everything is
// little endian.
//
// Request: u64 id, u8 type, fields, 0. A field is u8 number and value; bytes are u64 length and so many bytes, an array
// is u64 count and so many bytes values. Answer: u64 id, u8 type and value. What is told unasked has the id 0.
//
// What is marked as ours is understood by gbuild's own init alone.
#pragma once

#include <cstdint>

namespace gbuild::provider::wire {

enum class Request : uint8_t {
    quit = 1,        // ok
    start = 2,       // number: of the process
    kill = 3,        // ok; fields: process, and ours: signal
    mount = 4,       // ok
    output = 6,      // bytes
    input = 7,       // ok, once the process has taken it; no bytes at all are the end
    add_hosts = 10,  // ok
    // Ours.
    failure = 0x40,  // number: why the last start failed, as failure_… below
    space = 0x41,    // number: bytes left in the root
    resize = 0x42,   // ok; fields: process, size of its terminal
};

namespace start_field {
inline constexpr uint8_t program = 1, argument = 2, environment = 3, uid = 4, gid = 5, redirect = 6, directory = 7,
                         entrypoint = 8;
}
namespace kill_field {
inline constexpr uint8_t process = 1, signal = 0x40;
}
namespace mount_field {
inline constexpr uint8_t tag = 1, path = 2;
}
namespace output_field {
inline constexpr uint8_t process = 1, descriptor = 2, offset = 3, length = 4;
}
namespace input_field {
inline constexpr uint8_t process = 1, data = 2;
}
namespace hosts_field {
inline constexpr uint8_t entry = 1;  // address, name
}
namespace resize_field {
inline constexpr uint8_t process = 1, size = 2;  // u32: rows << 16 | columns
}

// Field `redirect`: u32 descriptor, u8 kind, and u64 size or, of a file, its path.
enum class Redirect : uint8_t {
    file = 0,
    blocking = 1,  // a buffer; who writes to a full one waits
    ring = 2,      // a buffer; a full one loses its oldest bytes
    // Ours, for descriptor 0.
    terminal = 0x40,  // all three descriptors; the size is that of the terminal; what it writes is that of descriptor 1
    input = 0x41,     // what comes with requests
};

enum class Answer : uint8_t {
    ok = 0,
    number = 1,  // u64
    bytes = 2,   // u64 length, bytes
    error = 3,   // u32 errno
    output = 4,  // unasked: u64 process, u32 descriptor that has some
    ended = 5,   // unasked: u64 process, u8 status, u8 how
};

enum class End : uint8_t { exited = 0, killed = 1, dumped = 2 };

// Why a start failed: the stage in the low byte, and whether the program is there all the same.
inline constexpr uint64_t failure_directory = 0, failure_identity = 1, failure_program = 2, failure_stage = 0xff,
                          failure_program_exists = 0x100;

inline constexpr uint64_t most_bytes = uint64_t{64} << 20;  // of a value
inline constexpr uint64_t most_values = 1 << 16;            // of an array

}  // namespace gbuild::provider::wire
