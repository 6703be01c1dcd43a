"""What a process may use at all: descriptors and threads."""
import resource
import shutil
import subprocess

from harness.case import Case, shared_registry
from harness.process import need_program, run

FAILING_THREADS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int created;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    const char *last = getenv("THREADS_TO_COME");
    if (last && atomic_fetch_add(&created, 1) >= atoi(last)) return EAGAIN;
    return real(thread, attributes, start, argument);
}
"""


class Descriptors(Case):
    def steps(self, count, limit):
        """Builds that many COPY steps with that limit, soft and hard."""
        lines = [f"COPY f{i} /f{i}\n" for i in range(count)]
        context = self.context({"Dockerfile": "FROM scratch\n" + "".join(lines), **{f"f{i}": str(i) for i in range(count)}})
        command = self.command("build", "-q", "-t", "image", "-o", self.image(), context)
        for _ in range(2):  # and once more from the store
            done = subprocess.run(command, cwd=self.dir, env=self.environment(), capture_output=True, check=False,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
            self.assertEqual(done.returncode, 0, done.stderr.decode())
        return self.tree(self.image())

    def test_more_steps_than_descriptors(self):
        """E-4."""
        tree = self.steps(600, (128, 128))
        self.assertEqual(self.read("/f599"), b"599")
        self.assertIn(b"f0", tree)

    def test_run_has_the_limit_that_gbuild_was_started_with(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        limit = (200, hard)
        context = self.context({"Dockerfile": "FROM box\nRUN ulimit -n > /limit\n"})
        command = self.command("build", "-q", "--registry-mirror", shared_registry().host, "-t", "image", "-o", self.image(), context)
        done = subprocess.run(command, cwd=self.dir, env=self.environment(), capture_output=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(self.read("/limit").strip(), b"200")


class Threads(Case):
    def test_every_thread_that_cannot_be_started_is_a_clean_error(self):
        """E-3."""
        need_program("cc")
        library = self.dir / "failing_threads.so"
        self.dir.joinpath("failing_threads.c").write_text(FAILING_THREADS)
        run("cc", "-shared", "-fPIC", "-o", library, self.dir / "failing_threads.c", "-ldl")
        context = self.context({"Dockerfile": "FROM box AS one\nRUN echo 1 > /1\nFROM box\nRUN echo 2 > /2\nCOPY --from=one /1 /1\n"})
        for threads in range(200):
            shutil.rmtree(self.store, ignore_errors=True)
            result = self.gbuild("build", "-j", "2", "--registry-mirror", shared_registry().host, "-t", "image", "-o", self.image(),
                                 context, code=None, env={"LD_PRELOAD": library, "THREADS_TO_COME": threads})
            if result.code == 0:
                break
            self.assertEqual(result.code, 9, result)
            self.assertIn("thread", result.err)
            self.assertIn("ulimit -u", result.err)
            self.assert_no_output()
        self.assertGreater(threads, 3)
