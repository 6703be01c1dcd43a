"""What a step can reach of the machine that builds: a program inside one tries everything, and says what it reached."""
import functools
import subprocess
import tempfile
from pathlib import Path

from harness.case import scratch_root
from harness.isolation import RunCase, all_ways
from harness.process import need_program

SOURCE = Path(__file__).with_name("probe") / "reach.c"


@functools.cache
def probe():
    """The program, compiled for an image that has nothing else."""
    need_program("gcc")
    target = Path(tempfile.mkdtemp(dir=scratch_root(), prefix="probe-")) / "reach"
    subprocess.run(["gcc", "-static", "-O1", "-w", "-o", target, SOURCE], check=True)
    return target.read_bytes()


class Reach:
    def reached(self, before, *options):
        """What the program printed: nothing that it reached."""
        secret = self.home / "secret"
        secret.write_text("secret")
        self.way.hand_over(secret)
        dockerfile = f"FROM box\nCOPY --chmod=755 reach /reach\n{before}RUN [\"/reach\", \"{secret}\"]\n"
        result = self.build(dockerfile, {"reach": probe()}, options=["--progress", "plain", *options])
        self.assertEqual((secret.read_text(), sorted(path.name for path in secret.parent.glob("reached*"))), ("secret", []))
        lines = [line.split("#", 1)[1].split(" ", 1)[1] for line in result.err.splitlines() if " reached: " in line or " tried: " in line]
        self.assertGreater(int(lines.pop().split(" ")[1]), 2000)
        return lines

    def test_root_reaches_nothing(self):
        self.assertEqual(self.reached(""), [])

    def test_user_reaches_nothing(self):
        self.assertEqual(self.reached("USER app\n"), [])

    def test_nor_without_network(self):
        self.assertEqual(self.reached("", "--network", "none"), [])

    def test_gbuild_itself_is_not_executed(self):
        """Its file would be the step's to change, by way of /proc/PID/exe."""
        before = "FROM box\nRUN ln -s /proc/self/exe /link; printf '#!/proc/self/exe\\n' > /script; chmod 755 /script\n"
        for command in ["/proc/self/exe", "/link", "/script", "/proc/thread-self/exe"]:
            for user in ["", "USER app\n"]:
                with self.subTest(command=command, user=user):
                    result = self.build(f'{before}{user}RUN ["{command}", "version"]\n', code=11)
                    self.assertIn(": Permission denied", result.err)


# Chroot is warned about; all others have namespaces that make a step's world. Also root as the one id of its own.
for _way in all_ways():
    if _way.isolation != "chroot":
        _name = f"Reach{_way.isolation.capitalize()}{'OfSomebody' if _way.user else ''}"
        globals()[_name] = type(_name, (Reach, RunCase), {"way": _way, "__module__": __name__})
