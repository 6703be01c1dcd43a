"""What RUN costs, on the small image: a step, and the emulation of owners. Builds find the base in their store, which the
first of them pulled, and for gbuild the first with a step extracted. Times of commands are taken in the step itself, by the
shell that runs them, so that they are theirs alone."""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from measuring import Target, layer_of, layout_of, made_once, note, print_verdicts, timed, timed_output, verdicts_as_json

from harness.process import is_root
from harness.registry import Registry
from harness.users import builders

STEPS = 10
PACKAGES = ["openssh-server", "man-db", "dbus", "postgresql", "sudo", "exim4"]  # testdata/run/apt
TOOK = re.compile(r"took ([a-z-]+) ([0-9.]+)$", re.M)

# `took NAME COMMAND...` in the step's shell. Nobody pays for what the one before left to be written.
TIMING = r"""took() { name=$1; shift; sync; start=$EPOCHREALTIME; "$@" > /log 2>&1 || { cat /log; exit 1; }; end=$EPOCHREALTIME
awk -v name=$name -v start=$start -v end=$end 'BEGIN { printf "took %s %.3f\n", name, end - start }'; }"""
TREE_COMMANDS = """took warm-up tar cf /dev/null /usr
for turn in 1 2 3; do
took tar tar cf /dev/null /usr
took find find /usr
took cp cp -a /usr /copy
rm -rf /copy
done
rm /log"""
APT_COMMANDS = f"""took update apt-get update
took apt env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {' '.join(PACKAGES)}
rm /log"""


@dataclass
class Found:
    """Seconds by name: "gbuild-single step", "single tar"."""
    runs: int
    seconds: dict = field(default_factory=dict)

    def add(self, name, seconds):
        self.seconds.setdefault(name, []).append(seconds)

    def median(self, name):
        return statistics.median(self.seconds[name])

    def ratio(self, name, to):
        return self.median(name) / self.median(to)


def ratio(name, to):
    return lambda found: found.ratio(name, to)


def step_target(isolation):
    return Target(f"a trivial step, isolation {isolation}, against buildah's: ≤ 0.2",
                  ratio(f"gbuild-{isolation} step", "buildah step"), lambda x: x <= 0.2, "{:.2f}")


TARGETS = [*map(step_target, ["root", "subid", "single"]),
           Target("apt install, single against root: ≤ 1.25", ratio("single apt", "root apt"), lambda x: x <= 1.25, "{:.2f}")]


# The routes: context folder → (seconds, peak memory, what was said); what they build is overwritten.


def gbuild_route(builder, mirror):
    def run(context):
        return timed_output(builder.command("build", "--progress", "plain", "--isolation", builder.isolation,
                                            "--registry-mirror", mirror, "-o", builder.home / "image.gvmi", context))
    return run


def buildah_route(folder, mirror):
    common = ["buildah", "--root", folder / "root", "--runroot", folder / "run"]

    def run(context):
        # buildah knows no mirror on its command line.
        file = context / "Dockerfile.buildah"
        file.write_text((context / "Dockerfile").read_text().replace("FROM small", f"FROM {mirror}/library/small"))
        return timed_output([*common, "bud", "--isolation", "chroot", "--tls-verify=false", "--layers", "-q", "-f", file,
                             context])

    def clean():
        timed([*common, "rmi", "--all", "--force"])

    return run, clean


def context_with(folder, dockerfile):
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text("FROM small\n" + dockerfile)
    return folder


def trivial(number, count):
    """Steps that no cache has seen."""
    return "".join(f"RUN echo {number}.{step} > /step\n" for step in range(count))


def heredoc(number, *commands):
    """One step with commands for bash, unlike that of any other run."""
    lines = "\n".join(commands)
    return f'SHELL ["/bin/bash", "-c"]\nRUN <<EOF\n# run {number}\n{TIMING}\n{lines}\nEOF\n'


def measure_steps(found, number, name, route, folder):
    """(ten steps − none) / 10, and what each further one takes: (ten − one) / 9."""
    seconds = {}
    for count in [0, 1, STEPS]:
        context = context_with(folder / "steps", trivial(f"{number}.{count}", count))
        os.sync()
        seconds[count], _, _ = route(context)
    found.add(f"{name} none", seconds[0])
    found.add(f"{name} ten", seconds[STEPS])
    found.add(f"{name} step", (seconds[STEPS] - seconds[0]) / STEPS)
    found.add(f"{name} further", (seconds[STEPS] - seconds[1]) / (STEPS - 1))
    note(f"run {number + 1}: {name} {seconds[0]:.2f} s without steps, {seconds[STEPS]:.2f} s with {STEPS}")


def measure_commands(found, number, isolation, route, folder, packages):
    told = route(context_with(folder / "tree", heredoc(number, TREE_COMMANDS)))[2]
    context = folder / "apt"
    if not context.exists():
        shutil.copytree(packages, context / "packages")
    told += route(context_with(context, "COPY packages /packages\n" + heredoc(
        number, "echo 'deb [trusted=yes] file:/packages ./' > /etc/apt/sources.list.d/packages.list", APT_COMMANDS)))[2]
    for name, seconds in TOOK.findall(told):
        found.add(f"{isolation} {name}", float(seconds))
    note(f"run {number + 1}: {isolation}, " + ", ".join(f"{name} {seconds} s" for name, seconds in TOOK.findall(told)))


def measure(options, folder):
    layout = layout_of("small")
    packages = package_folder(layout)
    found = Found(options.runs)
    folder = folder / "run"
    folder.mkdir()
    registry = Registry(folder / "registry")
    clean = None
    try:
        registry.push(layout, "latest", "library/small:latest")
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        users = builders(folder, options.program, environment, absent=note)
        routes = {f"gbuild-{user.isolation}": gbuild_route(user, registry.host) for user in users}
        if options.peers is None or "buildah" in options.peers:
            if shutil.which("buildah") is None or not is_root():
                note("buildah: not measured, it is not installed or this is not root")
            else:
                routes["buildah"], clean = buildah_route(folder, registry.host)
        for name, route in routes.items():
            note(f"{name}: pulling the base")
            route(context_with(folder / "steps", ""))
        for number in range(options.runs):
            for name, route in routes.items():
                measure_steps(found, number, name, route, folder)
            for user in users:
                measure_commands(found, number, user.isolation, routes[f"gbuild-{user.isolation}"], folder, packages)
    finally:
        if clean:
            clean()
        registry.stop()
    return found


def package_folder(layout):
    """PACKAGES and all that the small image lacks for them, as an archive in a directory."""

    def make(folder):
        (folder / "partial").mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            with tarfile.open(layer_of(layout)) as tar:
                status = next(member for member in tar if member.name.removeprefix("./") == "var/lib/dpkg/status")
                (Path(scratch) / "status").write_bytes(tar.extractfile(status).read())
            subprocess.run(
                ["apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends",
                 "-o", f"Dir::State::status={scratch}/status", "-o", "Dir::State::extended_states=/dev/null",
                 "-o", f"Dir::Cache::archives={folder}/", "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=root",
                 *PACKAGES], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        shutil.rmtree(folder / "partial")
        index = subprocess.run(["dpkg-scanpackages", "."], cwd=folder, check=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
        (folder / "Packages").write_bytes(index.stdout)

    return made_once("services", f"fetching {', '.join(PACKAGES)}", make)


# What is printed.


def rows(found, names, columns):
    return [name for name in names if all(f"{name} {column}" in found.seconds for column in columns)]


def print_table(found):
    print(f"\nRUN on the small image, medians of {found.runs} alternating runs")
    print(f"{'route':22}{'no step s':>11}{'ten steps s':>13}{'a step s':>10}{'spread':>15}{'a further one s':>17}")
    names = ["gbuild-root", "gbuild-subid", "gbuild-single", "buildah"]
    for name in rows(found, names, ["step"]):
        steps = found.seconds[f"{name} step"]
        spread = f"{min(steps):.3f}–{max(steps):.3f}"
        print(f"{name:22}{found.median(f'{name} none'):11.2f}{found.median(f'{name} ten'):13.2f}"
              f"{found.median(f'{name} step'):10.3f}{spread:>15}{found.median(f'{name} further'):17.3f}")
    columns = ["tar", "find", "cp", "apt"]
    isolations = rows(found, ["root", "subid", "single"], columns)
    first = isolations[0]
    print(f"\n{'command, s (× ' + first + ')':22}{'tar /usr':>16}{'find /usr':>16}{'cp -a /usr':>16}{'apt install':>16}")
    for name in isolations:
        cells = [f"{found.median(f'{name} {column}'):.3f} ({found.ratio(f'{name} {column}', f'{first} {column}'):.2f})"
                 for column in columns]
        print(f"{name:22}" + "".join(f"{cell:>16}" for cell in cells))
    print_verdicts(TARGETS, found)


def as_json(found):
    return {"seconds": found.seconds, "targets": verdicts_as_json(TARGETS, found)}
