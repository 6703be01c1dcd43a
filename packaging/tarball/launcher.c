// Starts gbuild with the libraries that stand beside it, on whatever Linux there is. Linked statically, so that it needs
// neither a shell nor a loader of the machine.
//
//     DIR/bin/gbuild                       this program
//     DIR/lib/gbuild/ld-linux-x86-64.so.2  the loader
//     DIR/lib/gbuild/gbuild                the program that it starts
//
// DIR is found through /proc/self/exe, so links to bin/gbuild work wherever they are.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char loader_name[] = "ld-linux-x86-64.so.2";

enum { local_system = 9 };  // gbuild's exit code for it

static int fail(const char *what, const char *path) {
    fprintf(stderr, "error: cannot %s %s: %s\n", what, path, strerror(errno));
    return local_system;
}

// Cuts the last `count` components off.
static int ascend(char *path, int count) {
    while (count-- > 0) {
        char *slash = strrchr(path, '/');
        if (!slash) return -1;
        *slash = '\0';
    }
    return 0;
}

static int join(char *to, const char *directory, const char *name) {
    const int length = snprintf(to, PATH_MAX, "%s/%s", directory, name);
    if (length < PATH_MAX) return 0;
    errno = ENAMETOOLONG;
    return -1;
}

// Where the machine keeps the certificates it trusts: Debian's libraries look in Debian's place only.
static void find_certificates(void) {
    static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                         "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
    struct stat status;
    if (getenv("SSL_CERT_FILE") || getenv("SSL_CERT_DIR")) return;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (stat(places[i], &status) == 0) {
            if (i > 0) setenv("SSL_CERT_FILE", places[i], 1);
            return;
        }
    }
}

int main(int argc, char **argv) {
    char own[PATH_MAX], libraries[PATH_MAX], loader[PATH_MAX], program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0) return fail("read", "/proc/self/exe (is /proc mounted?)");
    own[length] = '\0';
    if (ascend(own, 2) != 0) return fail("find what belongs to", own);
    if (join(libraries, own, "lib/gbuild") != 0 || join(loader, libraries, loader_name) != 0 ||
        join(program, libraries, "gbuild") != 0)
        return fail("start", own);
    find_certificates();

    const int own_arguments = 6;
    char **arguments = calloc((size_t)(argc + own_arguments), sizeof *arguments);
    if (!arguments) return fail("start", program);
    int count = 0;
    arguments[count++] = loader;
    arguments[count++] = "--library-path";
    arguments[count++] = libraries;
    arguments[count++] = "--inhibit-cache";
    arguments[count++] = program;
    for (int i = 1; i < argc; i++) arguments[count++] = argv[i];
    execv(loader, arguments);
    return fail("execute", loader);
}
