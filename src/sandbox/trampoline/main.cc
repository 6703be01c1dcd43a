// Executes a step's command: a program of its own, so that no link in /proc leads from the step to gbuild's file, and
// without a library, so that it starts in no time. Its arguments are the number of a socket and the command. It looks
// for the command as execvp(3) does; when it cannot execute it, it says so over the socket, as payload.cc reads it:
// 'P', errno, the command.
#include <asm/errno.h>
#include <asm/unistd.h>

namespace {

constexpr int f_setfd = 2, fd_cloexec = 1, msg_nosignal = 0x4000;
constexpr unsigned long longest_path = 4096;

char buffer[2 * longest_path];

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
    long result = number;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

long number_of(const void* pointer) { return reinterpret_cast<long>(pointer); }

unsigned long length_of(const char* text) {
    unsigned long length = 0;
    while (text[length] != '\0') length++;
    return length;
}

bool has_slash(const char* text) {
    for (; *text != '\0'; text++) {
        if (*text == '/') return true;
    }
    return false;
}

// -1: none.
int descriptor_of(const char* text) {
    int number = 0;
    for (const char* at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > 1'000'000) return -1;
        number = number * 10 + (*at - '0');
    }
    return *text == '\0' ? -1 : number;
}

[[noreturn]] void end(int code) {
    for (;;) call(__NR_exit_group, code);
}

void append(unsigned long& length, const char* text, unsigned long count) {
    for (unsigned long i = 0; i < count && length < sizeof buffer; i++) buffer[length++] = text[i];
}

// Of the step that executes this file once more.
[[noreturn]] void refuse(const char* name) {
    constexpr char text[] = ": Permission denied\n";
    unsigned long length = 0;
    append(length, name, length_of(name));
    append(length, text, sizeof text - 1);
    call(__NR_write, 2, number_of(buffer), static_cast<long>(length));
    end(126);
}

[[noreturn]] void fail(int channel, int error, const char* command) {
    constexpr unsigned long longest_name = 1024;
    const unsigned long name = length_of(command);
    unsigned long length = 0;
    append(length, "P", 1);
    append(length, reinterpret_cast<const char*>(&error), sizeof error);
    append(length, command, name < longest_name ? name : longest_name);
    call(__NR_sendto, channel, number_of(buffer), static_cast<long>(length), msg_nosignal);
    end(127);
}

// `arguments`: one that is free, then the command's. Returns the error.
int execute(const char* path, char** arguments, char** environment) {
    const long result = call(__NR_execve, number_of(path), number_of(arguments + 1), number_of(environment));
    if (result != -ENOEXEC) return static_cast<int>(-result);
    // What is neither a program nor says what it is for is the shell's.
    char* const free = arguments[0];
    char* const command = arguments[1];
    char shell[] = "/bin/sh";
    arguments[0] = shell;
    arguments[1] = const_cast<char*>(path);
    const long second = call(__NR_execve, number_of(shell), number_of(arguments), number_of(environment));
    arguments[0] = free;
    arguments[1] = command;
    return static_cast<int>(-second);
}

const char* search_path(char** environment) {
    for (; *environment != nullptr; environment++) {
        const char* one = *environment;
        if (one[0] == 'P' && one[1] == 'A' && one[2] == 'T' && one[3] == 'H' && one[4] == '=') return one + 5;
    }
    return "/bin:/usr/bin";
}

bool is_elsewhere(int error) {
    return error == ENOENT || error == ENOTDIR || error == ESTALE || error == ENODEV || error == ETIMEDOUT ||
           error == EACCES;
}

// In the directories of PATH, an empty one of which is the present one.
int execute_somewhere(char** arguments, char** environment) {
    const char* command = arguments[1];
    const unsigned long name = length_of(command);
    if (name == 0) return ENOENT;
    if (has_slash(command)) return execute(command, arguments, environment);
    if (name > 255) return ENAMETOOLONG;
    bool forbidden = false;
    for (const char* part = search_path(environment);;) {
        unsigned long end_of_part = 0, length = 0;
        while (part[end_of_part] != '\0' && part[end_of_part] != ':') end_of_part++;
        if (end_of_part < longest_path) {
            append(length, part, end_of_part);
            if (end_of_part > 0) append(length, "/", 1);
            append(length, command, name + 1);
            const int error = execute(buffer, arguments, environment);
            if (!is_elsewhere(error)) return error;
            forbidden = forbidden || error == EACCES;
        }
        if (part[end_of_part] == '\0') return forbidden ? EACCES : ENOENT;
        part += end_of_part + 1;
    }
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void begin(long* stack) {
    const long count = stack[0];
    char** arguments = reinterpret_cast<char**>(stack + 1);
    char** environment = arguments + count + 1;
    if (count < 2) refuse(count == 0 ? "" : arguments[0]);
    const int channel = descriptor_of(arguments[0]);
    if (channel < 0 || call(__NR_fcntl, channel, f_setfd, fd_cloexec) < 0) refuse(arguments[0]);
    fail(channel, execute_somewhere(arguments, environment), arguments[1]);
}

asm(".globl _start\n"
    "_start:\n"
    "    xor %ebp, %ebp\n"
    "    mov %rsp, %rdi\n"
    "    and $-16, %rsp\n"
    "    call begin\n");
