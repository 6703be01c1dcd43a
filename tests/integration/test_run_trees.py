"""What steps make of the image's files, how other instructions and stages go on from it, and that nothing else is left."""
import hashlib
import stat

from harness import gvmi
from harness.bases import CAPABILITY, box_layers
from harness.case import debian_registry
from harness.isolation import every_way, owner
from harness.oci import CREATED_SECONDS, Image, Layout
from harness.tars import Tar, archive

STEP_FAILED = 11
EPOCH = 1_900_000_000


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@every_way
class Changes:
    def test_nothing_changed_nothing_lost(self):
        self.assert_same_tree(self.built("FROM edge-in-range\nCOPY --from=box /bin/busybox /bin/sh\n", name="plain"),
                              self.built('FROM edge-in-range\nCOPY --from=box /bin/busybox /bin/sh\nRUN true\nRUN ["/bin/sh", "-c", "true"]\n'))

    def test_removed(self):
        tree = self.built("FROM box\nCOPY f /f\nRUN rm -r /old/deep /old/a /f /usr/share/numbers\n", {"f": "x"})
        self.assertFalse({b"old/deep", b"old/deep/er", b"old/deep/er/c", b"old/a", b"f", b"usr/share/numbers"} & tree.keys())
        self.assertEqual(tree[b"old/again"].sha256, digest("a\n"))
        self.assertEqual(tree[b"old/again"].links, ())

    def test_directory_replaced_by_a_new_one(self):
        tree = self.built("FROM box\nRUN rm -r /old && mkdir /old && echo new >/old/b\nRUN echo x >/old/later\n")
        self.assertEqual({path for path in tree if path.startswith(b"old/")}, {b"old/b", b"old/later"})
        self.assertEqual((tree[b"old"].mode, owner(tree[b"old"])), (0o755, (0, 0)))

    def test_deep_directory_replaced(self):
        tree = self.built("FROM box\nRUN rm -r /old/deep && mkdir -p /old/deep/er && echo new >/old/deep/er/d\n")
        self.assertEqual({path for path in tree if path.startswith(b"old/deep/er/")}, {b"old/deep/er/d"})

    def test_directory_becomes_a_file_and_back(self):
        tree = self.built("FROM box\nRUN rm -r /old && echo file >/old\nRUN rm /old && mkdir /old && rm /etc/issue && mkdir -p /etc/issue/x\n")
        self.assertEqual((tree[b"old"].kind, tree[b"etc/issue"].kind), (stat.S_IFDIR, stat.S_IFDIR))
        self.assertFalse(any(path.startswith(b"old/") for path in tree))

    def test_directory_becomes_a_symbolic_link(self):
        tree = self.built("FROM box\nRUN mv /old /srv/old && ln -s srv/old /old && cat /old/a >/seen\nRUN echo x >/old/new\n")
        self.assertEqual((tree[b"old"].kind, tree[b"old"].target), (stat.S_IFLNK, b"srv/old"))
        self.assertIn(b"srv/old/new", tree)

    def test_removed_and_made_again_over_steps(self):
        tree = self.built("FROM box\nRUN rm /old/a\nRUN echo again >/old/a\nRUN rm /old/a\nRUN echo last >/old/a\nRUN rm -r /old/deep\n"
                          "RUN mkdir /old/deep\n")
        self.assertEqual(tree[b"old/a"].sha256, digest("last\n"))
        self.assertNotIn(b"old/deep/er", tree)

    def test_written_to(self):
        tree = self.built("FROM box\nRUN echo more >>/old/b\n")
        self.assertEqual((tree[b"old/b"].sha256, tree[b"old/b"].mode), (digest("b\nmore\n"), 0o400))

    def test_written_to_one_of_several_names(self):
        """overlayfs gives the name that is written to a file of its own, as it does for docker; without it they stay together."""
        tree = self.built("FROM box\nRUN echo more >>/old/a\n")
        self.assertEqual(tree[b"old/a"].sha256, digest("a\nmore\n"))
        if self.has_namespaces:
            self.assertEqual((tree[b"old/again"].sha256, tree[b"old/again"].links), (digest("a\n"), ()))
        else:
            self.assertEqual(tree[b"old/again"].links, (b"old/a", b"old/again"))

    def test_hard_links(self):
        tree = self.built("FROM box\nRUN cd /srv && echo x >a && ln a b && ln /old/b c && ln -s y l && ln l m && mkfifo p && ln p q\n"
                          "RUN echo later >/srv/later\n")
        for one, other in [(b"srv/a", b"srv/b"), (b"old/b", b"srv/c"), (b"srv/l", b"srv/m"), (b"srv/p", b"srv/q"), (b"old/a", b"old/again")]:
            self.assertEqual(tree[one].links, (one, other))
            self.assertEqual(tree[other].links, (one, other))

    def test_hard_link_to_one_of_several_names(self):
        tree = self.built("FROM box\nRUN cd /srv && echo x >a && ln a b\nRUN ln /srv/a /srv/d; ln /srv/d /srv/e; rm /srv/a\n")
        together = {(b"srv/d", b"srv/e")} if self.has_namespaces else {(b"srv/b", b"srv/d", b"srv/e")}
        self.assertEqual({tree[name].links for name in [b"srv/d", b"srv/e"]}, together)
        self.assertEqual({tree[name].sha256 for name in [b"srv/b", b"srv/d"]}, {digest("x\n")})

    def test_hard_links_of_the_base_that_are_all_changed_alike(self):
        tree = self.built("FROM box\nRUN chown -R 3:4 /old && chmod -R 700 /old\n")
        self.assertEqual(tree[b"old/a"].links, (b"old/a", b"old/again"))

    def test_hard_link_of_the_base_broken_by_replacing_it(self):
        tree = self.built("FROM box\nRUN echo new >/old/t && mv /old/t /old/a\n")
        self.assertEqual((tree[b"old/a"].sha256, tree[b"old/again"].sha256), (digest("new\n"), digest("a\n")))
        self.assertEqual(tree[b"old/a"].links, ())

    def test_modes(self):
        modes = [0, 0o444, 0o111, 0o777, 0o1777, 0o4755, 0o2755, 0o6000, 0o7777]
        makes = "; ".join(f"echo {mode:04o} >f{mode:04o}; mkdir d{mode:04o}; chmod {mode:04o} f{mode:04o} d{mode:04o}" for mode in modes)
        tree = self.built(f"FROM box\nWORKDIR /m\nRUN {makes}\nRUN touch /m/d0000/inside; echo more >>/m/f0000\n")
        for mode in modes:
            self.assertEqual((tree[f"m/f{mode:04o}".encode()].mode, tree[f"m/d{mode:04o}".encode()].mode), (mode, mode))
        self.assertEqual(tree[b"m/f0000"].sha256, digest("0000\nmore\n"))
        self.assertIn(b"m/d0000/inside", tree)

    def test_unreadable_directories_of_the_base(self):
        tree = self.built("FROM box\nRUN mkdir -p /c/d && echo x >/c/d/f && chmod 0 /c/d/f /c/d /c\nRUN true\nCOPY f /c/d/g\n"
                          "RUN cat /c/d/f && rm /c/d/f\n", {"f": "x"})
        self.assertEqual((tree[b"c"].mode, tree[b"c/d"].mode), (0, 0))
        self.assertIn(b"c/d/g", tree)
        self.assertNotIn(b"c/d/f", tree)

    def test_root_directory_s_own_attributes(self):
        tree = self.built("FROM box\nRUN chmod 711 / && stat -c %a / >/seen\nRUN stat -c %a / >>/seen; chown 0:50 /\n")
        self.assertEqual(self.read("/seen"), b"711\n711\n")
        self.assertEqual(tree[b"."].gid, 50)

    def test_old_times_stay_and_new_ones_are_the_epoch(self):
        tree = self.built("FROM box\nRUN cd /srv; touch f; touch -d @1000 old; mkdir d; touch -d @2000 d; ln -s x l; touch -d @99999999999 far\n",
                          options=["--timestamp", str(EPOCH - 1_000_000_000)])
        now = EPOCH - 1_000_000_000
        self.assertEqual({name: tree[b"srv/" + name].mtime for name in [b"f", b"old", b"d", b"l", b"far"]},
                         {b"f": now, b"old": 1000, b"d": 2000, b"l": now, b"far": now})
        self.assertEqual(tree[b"srv"].mtime, now)

    def test_times_of_untouched_directories_stay(self):
        tree = self.built("FROM box\nRUN echo x >/srv/f; cat /old/a; ls -R /etc >/dev/null\n", options=["--timestamp", str(EPOCH)])
        for path in [b"etc", b"old", b"old/deep/er", b"usr", b"tmp", b"root"]:
            self.assertEqual(tree[path].mtime, CREATED_SECONDS, path)

    def test_steps_see_the_times_that_the_image_has(self):
        self.assertEqual(self.lines("stat -c %Y /old/a /old /etc /f; test /new -nt /f; echo $?", "COPY f /f\nRUN touch /new\n",
                                    files={"f": "x"}, options=["--timestamp", "1600000000"])[:4],
                         [str(CREATED_SECONDS)] * 3 + ["1600000000"])

    def test_names(self):
        names = ["with space", "ünïcödé-名", "-rf", "*", "back\\slash", "n" * 255, ".wh.not-a-whiteout", ".wh..wh..opq", "a:b,c"]
        quoted = " ".join(f"'{name}'" for name in names)
        tree = self.built(f"FROM box\nWORKDIR /n\nRUN touch -- {quoted} \"$(printf 'new\\nline')\"\nRUN true\n")
        self.assertEqual({path for path in tree if path.startswith(b"n/")}, {b"n/" + name.encode() for name in [*names, "new\nline"]})

    def test_contents(self):
        tree = self.built("FROM box\nRUN cd /srv; seq 1 300000 >big; dd if=/dev/zero of=zeros bs=1M count=3 2>/dev/null; "
                          "truncate -s 5M hole; printf x | dd of=hole bs=1 seek=1M conv=notrunc 2>/dev/null; : >empty; cp big same\n")
        self.assertEqual(tree[b"srv/big"].sha256, digest("".join(f"{n}\n" for n in range(1, 300001))))
        self.assertEqual(tree[b"srv/zeros"].sha256, hashlib.sha256(bytes(3 << 20)).hexdigest())
        self.assertEqual(tree[b"srv/hole"].sha256, hashlib.sha256(bytes(1 << 20) + b"x" + bytes((4 << 20) - 1)).hexdigest())
        self.assertEqual((tree[b"srv/empty"].size, tree[b"srv/same"].sha256), (0, tree[b"srv/big"].sha256))

    def test_written_through_a_memory_map_or_in_place(self):
        tree = self.built("FROM box\nRUN printf XX | dd of=/usr/share/numbers bs=1 seek=100 conv=notrunc 2>/dev/null\n")
        expected = bytearray("".join(f"{n}\n" for n in range(40000)).encode())
        expected[100:102] = b"XX"
        self.assertEqual(tree[b"usr/share/numbers"].sha256, hashlib.sha256(expected).hexdigest())

    def test_extended_attributes_of_the_base_stay(self):
        tree = self.built("FROM edge-in-range\nCOPY --from=box /bin/busybox /bin/sh\nRUN echo >>/trusted; echo >/lower/x || true\n")
        self.assertEqual(tree[b"ping"].xattrs, {"security.capability": CAPABILITY})
        self.assertEqual(tree[b"xdir"].xattrs, {"user.on-directory": b"1"})
        self.assertEqual(tree[b"trusted"].xattrs["user.note"], b"hello")

    def test_many_steps(self):
        steps = "".join(f"RUN echo {number} >/srv/{number % 7}; echo {number} >>/srv/all; mkdir -p /srv/d/{number}\n" for number in range(130))
        tree = self.built("FROM box\n" + steps)
        self.assertEqual(tree[b"srv/all"].sha256, digest("".join(f"{number}\n" for number in range(130))))
        self.assertEqual(len([path for path in tree if path.startswith(b"srv/d/")]), 130)
        self.assertEqual(tree[b"srv/4"].sha256, digest("123\n"))

    def test_many_base_layers(self):
        layout = Layout(self.folder("layers"))
        layers = [Tar().file(f"many/{number}", str(number)).file("many/last", str(number)).bytes() for number in range(130)]
        busybox = Tar().file("bin/busybox", self.busybox(), mode=0o755).symlink("bin/sh", "busybox").bytes()
        layout.add_image(Image([*layers, busybox]), "many")
        self.built("FROM many\nRUN busybox cat /many/0 /many/64 /many/last >/seen; busybox rm /many/5\n",
                   options=["--build-context", f"many=oci-layout://{layout.path}:many"])
        self.assertEqual(self.read("/seen"), b"064129")

    def busybox(self):
        self.build("FROM box\n", name="plain")
        return self.read("/bin/busybox", "plain")

    def test_files_of_a_later_instruction_s_group(self):
        tree = self.built("FROM box\nRUN echo 'new:x:4321:8765::/:/bin/sh' >>/etc/passwd && echo 'newgroup:x:9999:new' >>/etc/group\n"
                          "COPY --chown=new:newgroup f /f\nUSER new\nRUN id -u >/tmp/u; id -G >/tmp/g\n", {"f": "x"}, ["--vm-user", "image"])
        self.assertEqual(owner(tree[b"f"]), (4321, 9999))
        self.assertEqual((self.read("/tmp/u"), self.read("/tmp/g")), (b"4321\n", b"8765 9999\n"))
        self.assertEqual(gvmi.read_trailer(self.image()).config["User"], "4321:8765")


@every_way
class NoTraces:
    def test_image_without_any_mount_point_has_none_afterwards(self):
        dockerfile = "FROM scratch\nCOPY --from=box /bin/busybox /opt/busybox\nVOLUME /v\n"
        plain = self.built(dockerfile, name="plain")
        tree = self.built(dockerfile + 'RUN ["/opt/busybox", "true"]\nRUN ["/opt/busybox", "cat", "/etc/hosts"]\n')
        self.assert_same_tree(plain, tree)

    def test_mount_points_that_are_there_stay_as_they_are(self):
        layout = Layout(self.folder("points"))
        tar = Tar(mtime=1_500_000_000)
        for name in ["proc", "sys", "dev", "dev/pts", "dev/shm", "etc", "opt", "tmp"]:
            tar.directory(name, mode=0o711)
        tar.file("etc/hosts", "1.2.3.4 mine\n", mode=0o600).file("etc/resolv.conf", "nameserver 9.9.9.9\n").file("etc/hostname", "mine\n")
        tar.character("dev/null", 1, 3, mode=0o600).file("dev/file", "x").file("proc/file", "x").file("sys/file", "x")
        tar.file("opt/busybox", Changes.busybox(self), mode=0o755).symlink("etc/mtab", "/proc/mounts")
        layout.add_image(Image([tar.bytes()]), "points")
        context = ["--build-context", f"points=oci-layout://{layout.path}:points"]
        plain = self.built("FROM points\n", options=context, name="plain")
        tree = self.built('FROM points\nRUN ["/opt/busybox", "true"]\nRUN ["/opt/busybox", "cat", "/etc/hosts"]\n', options=context)
        self.assert_same_tree(plain, tree)

    def test_resolver_configuration_that_is_a_link_to_nowhere(self):
        layout = Layout(self.folder("linked"))
        tar = Tar().symlink("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf").directory("run", mode=0o711)
        layout.add_image(Image([*box_layers(), tar.bytes()]), "linked")
        context = ["--build-context", f"linked=oci-layout://{layout.path}:linked"]
        plain = self.built("FROM linked\nWORKDIR /seen\n", options=context, name="plain")
        tree = self.built("FROM linked\nWORKDIR /seen\nRUN cat /etc/resolv.conf >/dev/null\n", options=context)
        self.assert_same_tree(plain, tree)

    def test_what_is_written_to_the_mounts_is_not_in_the_image(self):
        self.only_with_namespaces()
        tree = self.built("FROM box\nRUN touch /dev/x /dev/shm/y; mkdir /dev/z; echo more >>/etc/hosts; echo more >>/etc/resolv.conf; touch /srv/f\n")
        self.assertEqual({path for path in self.added(tree)}, {b"srv/f"})

    def test_link_in_the_place_of_a_mount_point(self):
        tree = self.built("FROM box\nRUN mkdir -p /var/dev /etc2 && ln -s /etc2/hosts /etc/hosts; true\nRUN cat /etc/hosts >/seen; true\n")
        self.assertNotIn(b"var/dev/null", tree)

    def test_rmdir_of_mount_points_does_no_harm(self):
        tree = self.built("FROM box\nRUN rmdir /proc /sys /dev 2>/dev/null; rm -rf /dev/shm/* ; true\nRUN echo fine >/seen\n")
        self.assertEqual(tree[b"seen"].sha256, digest("fine\n"))

    def test_temporary_files_of_the_image_stay(self):
        self.assertIn(b"tmp/kept", self.built("FROM box\nRUN echo >/tmp/kept\n"))

    def test_store_holds_no_steps_afterwards(self):
        self.build("FROM box\nRUN mkdir -m 0 /closed; touch /f\nFROM box\nRUN true\n")
        self.assert_nothing_staged()

    def test_program_needs_no_proc_of_its_own(self):
        self.only_with_namespaces()
        tree = self.built("FROM box\nRUN mkdir /proc /sys /dev /etc/x 2>/dev/null; true\nRUN true\n")
        self.assertIn(b"etc/x", tree)


@every_way
class Stages:
    def test_copy_after_run(self):
        tree = self.built("FROM box\nRUN mkdir -m 700 /made && echo run >/made/a && ln -s made /link\nCOPY f /made/b\nCOPY f /link/c\n"
                          "RUN cat /made/* >/seen\n", {"f": "copied\n"})
        self.assertEqual(self.read("/seen"), b"run\ncopied\ncopied\n")
        self.assertEqual(tree[b"made"].mode, 0o700)

    def test_copy_over_what_run_made(self):
        self.build("FROM box\nRUN echo run >/f; mkdir /d; echo x >/d/x\nCOPY f /f\nCOPY d /d\nRUN cat /f /d/x /d/y >/seen\n",
                   {"f": "copied\n", "d/y": "y\n"})
        self.assertEqual(self.read("/seen"), b"copied\nx\ny\n")

    def test_run_over_what_was_copied(self):
        tree = self.built("FROM box\nCOPY d /d\nCOPY f /old/a\nRUN cat /old/a >/seen; rm /d/gone; echo more >>/d/kept; chown 5 /old/a\n",
                          {"f": "copied\n", "d/gone": "x", "d/kept": "kept\n"})
        self.assertEqual(self.read("/seen"), b"copied\n")
        self.assertNotIn(b"d/gone", tree)
        self.assertEqual((tree[b"d/kept"].sha256, owner(tree[b"old/a"])), (digest("kept\nmore\n"), (5, 0)))

    def test_workdir_and_add_after_run(self):
        tree = self.built("FROM box\nRUN mkdir /made\nWORKDIR /made/here\nADD a.tar .\nRUN pwd >/seen; cat file >>/seen; stat -c %u:%g file >>/seen\n",
                          {"a.tar": archive({"file": b"in the archive\n"})})
        self.assertEqual(self.read("/seen"), b"/made/here\nin the archive\n7:8\n")
        self.assertIn(b"made/here/file", tree)

    def test_copy_from_a_stage_with_run(self):
        tree = self.built("FROM box AS builder\nRUN mkdir -p /out/d && echo made >/out/f && chown -R 5:6 /out && ln -s f /out/l && chmod 4755 /out/f && "
                          "mknod /out/c c 1 3 && mkfifo /out/p && ln /out/f /out/g\nFROM tiny\nCOPY --from=builder /out /out\n")
        self.assertEqual((tree[b"out/f"].mode, tree[b"out/f"].sha256), (0o4755, digest("made\n")))
        self.assertEqual((tree[b"out/l"].target, tree[b"out/c"].device), (b"f", (1, 3)))

    def test_copy_from_a_stage_into_one_that_runs(self):
        self.build("FROM box AS builder\nRUN echo made >/f\nFROM box\nRUN echo mine >/g\nCOPY --from=builder /f /from/\nRUN cat /from/f /g >/seen\n")
        self.assertEqual(self.read("/seen"), b"made\nmine\n")

    def test_two_children_of_one_stage(self):
        tree = self.built("FROM box AS parent\nRUN echo parent >/p; mkdir /d; echo x >/d/x; rm /old/a\n"
                          "FROM parent AS one\nRUN echo one >>/p; rm /d/x; echo one >/d/one\n"
                          "FROM parent AS two\nRUN echo two >>/p; chown 5 /d/x; ls /d >/seen; ls /old >>/seen\n"
                          "FROM two\nCOPY --from=one /p /from-one\nCOPY --from=one /d /d1\nCOPY --from=parent /p /from-parent\n")
        self.assertEqual((self.read("/p"), self.read("/from-one"), self.read("/from-parent")),
                         (b"parent\ntwo\n", b"parent\none\n", b"parent\n"))
        self.assertEqual(self.read("/seen"), b"x\nagain\nb\ndeep\nlink\npipe\n")
        self.assertEqual({path for path in tree if path.startswith((b"d/", b"d1/"))}, {b"d/x", b"d1/one"})

    def test_stage_from_a_stage_from_a_stage(self):
        dockerfile = "FROM box AS s0\nRUN echo 0 >>/all\n"
        for number in range(1, 12):
            dockerfile += f"FROM s{number - 1} AS s{number}\n" + ("" if number % 3 == 0 else f"RUN echo {number} >>/all; mkdir /d{number}\n")
        tree = self.built(dockerfile)
        self.assertEqual(self.read("/all").split(), [b"0", b"1", b"2", b"4", b"5", b"7", b"8", b"10", b"11"])
        self.assertIn(b"d1", tree)

    def test_more_stages_than_directories_are_stacked(self):
        stages = "".join(f"FROM s{number - 1} AS s{number}\nRUN echo {number} >/srv/{number}; rm -f /srv/{number - 3} /etc/issue; "
                         f"chown {number} /old/deep\n" for number in range(1, 48))
        tree = self.built("FROM box AS s0\nRUN chown 5:6 /old/a\n" + stages)
        self.assertEqual({path for path in tree if path.startswith(b"srv/")}, {b"srv/45", b"srv/46", b"srv/47"})
        self.assertEqual((owner(tree[b"old/a"]), owner(tree[b"old/deep"])), ((5, 6), (47, 0)))
        self.assertNotIn(b"etc/issue", tree)

    def test_stage_that_only_copies_between_two_that_run(self):
        self.build("FROM box AS a\nRUN echo a >/a\nFROM a AS b\nCOPY f /f\nFROM b\nRUN cat /a /f >/seen\n", {"f": "f\n"})
        self.assertEqual(self.read("/seen"), b"a\nf\n")

    def test_stage_that_nobody_needs_does_not_run(self):
        self.build("FROM box AS unused\nRUN false\nFROM box\nRUN true\n")

    def test_target_stops_before_a_failing_stage(self):
        self.build("FROM box AS good\nRUN true\nFROM box\nRUN false\n", options=["--target", "good"])

    def test_bases_side_by_side(self):
        self.build("FROM tiny AS t\nRUN echo t >/t\nFROM box\nCOPY --from=t /t /t\nRUN cat /t >/seen\n")
        self.assertEqual(self.read("/seen"), b"t\n")

    def test_run_without_a_base(self):
        tree = self.built('FROM scratch\nCOPY --from=box /bin/busybox /bin/sh\nRUN echo works >/seen\n')
        self.assertEqual(tree[b"seen"].sha256, digest("works\n"))

    def test_owners_pass_through_stages(self):
        tree = self.built("FROM box AS a\nRUN cd /srv; ln -s x l; mkfifo p; touch f; mkdir d; chown -h 5:6 l p f d\n"
                          "FROM a AS b\nRUN stat -c %u:%g /srv/* >/seen\nCOPY --from=a /srv /copy\nRUN mv /srv /moved\n")
        self.assertEqual(self.read("/seen"), b"5:6\n" * 4)
        self.assertEqual({owner(tree[b"moved/" + name]) for name in [b"l", b"p", b"f", b"d"]}, {(5, 6)})

    def test_second_build_gives_the_same(self):
        dockerfile = "FROM box\nRUN cd /srv; for n in $(seq 50); do mkdir $n; echo $n >$n/f; chown -R $n $n; done\nCOPY f /f\nRUN rm -r /srv/7\n"
        self.build(dockerfile, {"f": "x"}, name="image")
        before = gvmi.sha256(self.image())
        self.build(dockerfile, {"f": "x"}, name="image")
        self.assertEqual(gvmi.sha256(self.image()), before)


@every_way
class Shapes:
    """What real Dockerfiles do."""

    def test_move_a_home_then_a_volume_in_its_place(self):
        tree = self.built("FROM box\nRUN echo x >/root/.profile && mv /root /root_copy\nVOLUME /root\n")
        self.assertIn(b"root_copy/.profile", tree)
        self.assertIn(b"root", tree)
        self.assertNotIn(b"root/.profile", tree)

    def test_localtime(self):
        tree = self.built("FROM box\nRUN mkdir -p /usr/share/zoneinfo && echo tz >/usr/share/zoneinfo/UTC && echo x >/etc/localtime\n"
                          "RUN ln -sf /usr/share/zoneinfo/UTC /etc/localtime\n")
        self.assertEqual(tree[b"etc/localtime"].target, b"/usr/share/zoneinfo/UTC")

    def test_modes_of_a_whole_tree(self):
        plain = self.built("FROM box\n", name="plain")
        tree = self.built("FROM box\nRUN chmod -R go-rwx /usr /old /bin\n")
        for path, entry in plain.items():
            if path.split(b"/")[0] in (b"usr", b"old", b"bin") and entry.kind != stat.S_IFLNK:
                self.assertEqual((tree[path].mode, owner(tree[path]), tree[path].sha256), (entry.mode & 0o7700, owner(entry), entry.sha256), path)

    def test_writing_to_a_volume_after_it_is_declared(self):
        self.assertIn(b"data/kept", self.built("FROM box\nVOLUME /data\nRUN mkdir -p /data && echo x >/data/kept\n"))

    def test_directory_of_a_volume_is_there(self):
        self.assertIn(b"data/kept", self.built("FROM box\nVOLUME /data\nRUN echo x >/data/kept\n"))

    def test_background_process_left_running(self):
        tree = self.built("FROM box\nRUN (sleep 100000 & ) ; sleep 100000 & echo done >/seen\nRUN setsid sleep 100000 >/dev/null 2>&1 & echo >/two\n")
        self.assertTrue({b"seen", b"two"} <= tree.keys())

    def test_account_then_user_then_run(self):
        lines = self.lines("id -u; id -g; pwd; touch mine && stat -c %u mine",
                           "RUN echo 'me:x:1500:1500::/home/me:/bin/sh' >>/etc/passwd && echo 'me:x:1500:' >>/etc/group && mkdir /home/me && "
                           "chown me:me /home/me\nUSER me\nWORKDIR /home/me\n")
        self.assertEqual(lines, ["1500", "1500", "/home/me", "1500"])

    def test_merged_directory(self):
        tree = self.built("FROM box\nRUN mkdir -p /usr/lib2 && cp -a /old/. /usr/lib2/ && rm -rf /old && ln -s usr/lib2 /old\nRUN ls /old/ >/seen\n")
        self.assertEqual(tree[b"old"].target, b"usr/lib2")


@every_way
class DebianShapes:
    left_out = ("chroot",)  # would copy and remove the whole distribution for each test; it has Shapes, and DroppedDebian

    def setUp(self):
        super().setUp()
        self.keep_store("debian")

    def debian(self, steps, **more):
        return self.built("FROM debian\n" + steps, registry=debian_registry(), **more)

    def test_sshd_set_up_with_sed_and_chpasswd(self):
        tree = self.debian("RUN mkdir -p /etc/ssh /run/sshd && echo '#PermitRootLogin no' >/etc/ssh/sshd_config\n"
                           "RUN echo 'root:x' | chpasswd\n"
                           "RUN sed -i 's/^#PermitRootLogin .*/PermitRootLogin yes/' /etc/ssh/sshd_config\n"
                           "RUN sed -i 's@session *required *pam_loginuid.so@session optional pam_loginuid.so@' /etc/pam.d/* && rm -f /etc/nologin\n")
        self.assertEqual(self.read("/etc/ssh/sshd_config"), b"PermitRootLogin yes\n")
        self.assertRegex(self.read("/etc/shadow").decode(), r"(?m)^root:\$")
        self.assertEqual((owner(tree[b"etc/shadow"]), tree[b"etc/shadow"].mode), ((0, 42), 0o640))

    def test_package_installed_and_lists_removed(self):
        script = ("#!/bin/sh\nset -e\nadduser --system --group --home /var/lib/thing --uid 777 thing 2>/dev/null || "
                  "{ groupadd -g 777 thing; useradd -r -u 777 -g 777 -d /var/lib/thing thing; }\n"
                  "mkdir -p /var/lib/thing\nchown thing:thing /var/lib/thing\n")
        tree = self.debian("COPY --chmod=755 postinst /p/DEBIAN/postinst\nCOPY control /p/DEBIAN/control\nCOPY f /p/usr/share/thing/f\n"
                           "RUN chmod 755 /p/DEBIAN && chown 0:50 /p/usr/share/thing/f && dpkg-deb -b /p /thing.deb && rm -r /p\n"
                           "RUN apt-get install -y --no-install-recommends ./thing.deb && rm -rf /var/lib/apt/lists/* /thing.deb\n"
                           "RUN dpkg -s thing | grep -q 'install ok installed' && dpkg -V thing\n",
                           files={"postinst": script, "f": "x\n", "control": "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\n"
                                  "Description: x\n"})
        self.assertEqual(owner(tree[b"var/lib/thing"]), (777, 777))
        self.assertEqual(owner(tree[b"usr/share/thing/f"]), (0, 50))

    def test_package_removed(self):
        tree = self.debian("RUN dpkg --purge --force-all e2fsprogs login 2>&1 | tail -1; rm -f /usr/bin/gpgv /usr/share/doc/*/copyright\n")
        self.assertNotIn(b"usr/bin/gpgv", tree)

    def test_bash_with_pipefail(self):
        self.build('FROM debian\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN false | true\n', code=STEP_FAILED, registry=debian_registry())
        self.build('FROM debian\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN true | true && [[ $BASH_VERSION ]]\n', registry=debian_registry())

    def test_useradd_then_user_then_id(self):
        lines = self.lines("id", "RUN useradd -m -u 1234 -G staff app\nUSER app\n", base="debian", registry=debian_registry())
        self.assertEqual(lines, ["uid=1234(app) gid=1234(app) groups=1234(app),50(staff)"])

    def test_directory_of_the_base_moved(self):
        plain = self.debian("", name="plain")
        tree = self.debian("RUN mv /var/lib /var/lib2 && mv /usr/share/doc /doc && chown -R 5:5 /doc\n")
        for path, entry in plain.items():
            if path.startswith(b"var/lib/"):
                self.assertEqual(owner(tree[b"var/lib2" + path[7:]]), owner(entry), path)
        self.assertEqual({owner(entry) for path, entry in tree.items() if path.startswith(b"doc/")}, {(5, 5)})
