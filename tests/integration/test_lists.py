"""Lists, ids and templates, as docker's users and scripts have them (U-11), and what is kept (U-12)."""
import json
import os
import pwd
import re

from harness import gvmi
from harness.case import Case


class Lists(Case):
    def setUp(self):
        super().setUp()
        here = self.context({"Dockerfile": "FROM scratch\nARG N=0\nLABEL n=$N\nCOPY f /etc/f\nCOPY f /opt/.g\nVOLUME /v\n", "f": "x\n"})
        for name, tags in [("one", ["team/app:1", "app:stable"]), ("two", ["api:2"])]:
            options = [word for tag in tags for word in ("-t", tag)]
            self.gbuild("build", "-q", "--build-arg", f"N={name}", *options, "-o", self.image(name), here)

    def id_of(self, name):
        return self.gbuild("images", "--no-trunc", "--format", "{{.ID}}", name).out.splitlines()[0].removeprefix("sha256:")

    def test_ids_and_their_beginnings_go_wherever_a_tag_goes(self):
        one, two = self.id_of("app:stable"), self.id_of("api")
        length = next(n for n in range(2, 64) if one[:n] != two[:n])
        sha3 = gvmi.sha3_224(self.image("one"))
        facts = self.gbuild("inspect", "app:stable").out
        for text in [one, one[:12], one[:max(2, length)], one.upper(), "sha256:" + one, sha3, sha3[:10], "sha3:" + sha3, "hash:sha3:" + sha3]:
            with self.subTest(text):
                self.assertEqual(self.gbuild("inspect", text).out, facts)
        short = one[:12]
        self.assertIn("/etc", self.gbuild("ls", short).out)
        self.assertEqual(self.gbuild("cat", short, "/etc/f").out, "x\n")
        self.gbuild("extract", short, "-o", self.dir / "tree")
        self.assertTrue((self.dir / "tree" / "etc" / "f").exists())
        self.assertIn("Labels.n", self.gbuild("diff", short, two[:12], code=1).out)
        self.gbuild("tag", short, "again:1", "again:2")
        self.assertEqual(self.gbuild("images", "-q", "again").out, short + "\n")
        gone = self.gbuild("rmi", short).out
        self.assertEqual(sorted(gone.split()[1::2]), ["again:1", "again:2", "app:stable", "team/app:1"])
        self.assertTrue(self.image("one").exists())
        self.assertIn("name or id", self.gbuild("inspect", short, code=4).err)
        self.assertIn("name or id", self.gbuild("rmi", short, "api:2", code=4).err)
        self.assertEqual(self.gbuild("images", "-q").out, "")

    def test_an_ambiguous_beginning_is_a_conflict(self):
        here = self.context({"Dockerfile": "FROM scratch\nARG N\nLABEL n=$N\nVOLUME /v\n"}, "many")
        begins = {}
        for n in range(40):
            self.gbuild("build", "-q", "--build-arg", f"N={n}", "-t", f"many:{n}", "-o", self.image(f"m{n}"), here)
            found = self.id_of(f"many:{n}")
            if found[:2] in begins and begins[found[:2]] != found:
                break
            begins[found[:2]] = found
        else:
            self.skipTest("no two ids begin with the same two digits")
        self.assertIn("begin with", self.gbuild("inspect", found[:2], code=10).err)

    def test_images_by_name_filter_and_form(self):
        def names(*words):
            return self.gbuild("images", "--format", "{{.Repository}}:{{.Tag}}", *words).out.split()

        self.assertEqual(set(names()), {"team/app:1", "app:stable", "api:2"})
        self.assertEqual(names("app"), ["app:stable"])
        self.assertEqual(set(names("*app")), {"team/app:1", "app:stable"})
        self.assertEqual(names("nosuch"), [])
        self.assertEqual(names("--filter", "reference=a*:2"), ["api:2"])
        self.assertEqual(set(names("--filter", "until=0s")) | set(names("--filter", "dangling=false")), set(names()))
        self.image("two").unlink()
        self.assertEqual(names("--filter", "dangling=true"), ["api:2"])
        self.assertIn("(missing)", self.gbuild("images", "api").out)
        table = self.gbuild("images", "--format", "table {{.Repository}}\\t{{.Hash}}", "app").out.splitlines()
        self.assertEqual(table[0].split(), ["REPOSITORY", "HASH"])
        self.assertEqual(table[1].split(), ["app", gvmi.sha3_224(self.image("one"))])
        self.assertEqual(json.loads(self.gbuild("images", "--format", "{{json .}}", "app").out)["Tag"], "stable")
        self.assertEqual(json.loads(self.gbuild("images", "--format", "json", "app").out)[0]["tag"], "stable")
        header, row = self.gbuild("images", "app").out.splitlines()
        self.assertIn("HASH", header)
        self.assertIn(gvmi.sha3_224(self.image("one"))[:12], row)
        self.assertEqual(len(self.gbuild("images", "-aq").out.split()), 2)
        self.assertIn(gvmi.sha3_224(self.image("one")), self.gbuild("images", "--no-trunc", "app").out)

    def test_what_is_no_plain_field_is_refused(self):
        for template, answer in [("{{.Nosuch}}", "the fields are"), ("{{range .}}{{end}}", "jq"), ("yaml", "template"), ("{{.ID", "not closed")]:
            for command in [["images"], ["inspect", "app:stable"]]:
                with self.subTest((template, command)):
                    self.assertIn(answer, self.gbuild(*command, "--format", template, code=2).err)
        self.assertIn("there is no filter", self.gbuild("images", "--filter", "size=1", code=2).err)

    def test_inspect_takes_several_and_docker_s_fields(self):
        text = self.gbuild("inspect", "-f", "{{.Config.Labels.n}}", "app:stable", "api:2").out
        self.assertEqual(text, "one\ntwo\n")
        self.assertEqual(len(json.loads(self.gbuild("inspect", "--format", "json", "app:stable", "api:2").out)), 2)
        self.assertEqual(self.gbuild("inspect", "app:stable", "api:2").out.count("Image id:"), 2)
        self.assertRegex(self.gbuild("inspect", "--type", "image", "--format", "{{.Id}}", "api:2").out, r"^sha256:[0-9a-f]{64}\n$")

    def test_ls_and_cat_as_typed(self):
        plain = self.gbuild("ls", "app:stable").out
        for words in [["-la"], ["-l", "-a"], ["-A"], ["--all"], ["--color=auto"]]:
            result = self.gbuild("ls", *words, "app:stable")
            self.assertEqual((result.out, result.err), (plain, ""))
        self.assertIn("/opt/.g", self.gbuild("ls", "-lR", "app:stable", "/etc", "/opt").out)
        self.assertEqual(self.gbuild("cat", "app:stable", "/etc/f", "/opt/.g").out, "x\nx\n")
        self.assertIn("did you mean team/app:1", self.gbuild("ls", "team/app", code=4).err)
        self.assertIn("a directory", self.gbuild("cat", "app:stable", "/etc/f", "/etc", code=2).err)

    def test_cache_ls_sums_records_up(self):
        text = self.gbuild("cache", "ls").out
        self.assertNotRegex(text, r"(?m)^record ")
        self.assertRegex(text, r"(?m)^\d+ records: ")
        self.assertRegex(self.gbuild("cache", "ls", "--kind", "record").out, r"(?m)^record ")

    def test_doctor_tells_what_the_machine_is(self):
        found = json.loads(self.gbuild("doctor", "--format", "json", env={"GITLAB_CI": "true", "GITHUB_ACTIONS": None}, code=None).out)["machine"]
        facts = {fact["name"]: fact for fact in found}
        self.assertEqual(list(facts), ["container", "ci", "apparmor", "cgroups", "kvm", "qemu", "fuse", "disk", "memory"])
        self.assertEqual(facts["ci"]["value"], "GitLab CI")
        for fact in found:
            self.assertTrue(fact["fine"] or (fact["matter"] and fact["remedy"]), fact)
        bare = json.loads(self.gbuild("doctor", "--format", "json", env={"PATH": "/nonexistent"}, code=None).out)["machine"]
        qemu = next(fact for fact in bare if fact["name"] == "qemu")
        self.assertIn("apt-get install", qemu["remedy"])
        self.assertIn("type: ", self.gbuild("doctor", env={"PATH": "/nonexistent"}, code=None).out)


class Places(Case):
    def test_the_store_without_home_and_in_odd_places(self):
        here = self.context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\nVOLUME /v\n"})
        base = {"GBUILD_ROOT": None, "XDG_CACHE_HOME": None}
        self.assertIn("not an absolute path", self.gbuild("images", env={**base, "HOME": "here"}, cwd=here, code=2).err)
        self.assertFalse((here / "here").exists())
        # The list makes no store, least of all in the home directory of whoever runs the tests.
        result = self.gbuild("images", env={**base, "HOME": None}, code=None)
        if any(entry.pw_uid == os.geteuid() for entry in pwd.getpwall()):
            self.assertEqual(result.code, 0, result.err)
        else:
            self.assertEqual((result.code, "has no home directory" in result.err), (2, True), result.err)
        odd = self.gbuild("build", here, env={"GBUILD_ROOT": "/proc/x"}, code=None)
        self.assertNotEqual(odd.code, 0)
        self.assertRegex(odd.err, r"hint: choose .*(--root|GBUILD_ROOT)")
        self.assertEqual(re.findall(r"internal", odd.err), [])
