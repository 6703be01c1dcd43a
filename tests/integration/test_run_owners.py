"""Owners, modes and device nodes that steps make: what they see of them, and what the image gets."""
import json
import stat

from harness.case import debian_registry
from harness.isolation import every_way, owner

STEP_FAILED = 11


@every_way
class Owners:
    def owners(self, tree, *paths):
        return {path: owner(tree[path.encode()]) for path in paths}

    def test_every_kind_of_file(self):
        tree = self.built("FROM box\nRUN cd /srv && touch f && mkdir d && ln -s f l && mkfifo p && mknod c c 1 3 && mknod b b 7 9 && "
                          "chown -h 1:2 f d l p c b\n")
        self.assertEqual({owner(tree[b"srv/" + name]) for name in [b"f", b"d", b"l", b"p", b"c", b"b"]}, {(1, 2)})

    def test_are_seen_at_once(self):
        self.assertEqual(self.lines("cd /srv; touch f; ln -s f l; mkfifo p; chown -h 1000:50 f l p; chown 12 /srv; "
                                    "stat -c '%u:%g %U:%G' . f l p; ls -ln f | cut -c 1-10; find . -user app | sort | tr '\\n' ' '"),
                         ["12:0 UNKNOWN:root", *["1000:50 app:staff"] * 3, "-rw-r--r--", "./f ./l ./p "])

    def test_are_seen_in_later_steps(self):
        lines = self.lines("stat -c '%n %u:%g' d d/f d/l d/p d/c", "WORKDIR /srv\nRUN mkdir d && cd d && touch f && ln -s f l && "
                           "mkfifo p && mknod c c 1 3 && chown -hR 20:30 .\nRUN echo more >d/f\n")
        self.assertEqual(lines, [f"{name} 20:30" for name in ["d", "d/f", "d/l", "d/p", "d/c"]])

    def test_of_the_base_are_seen(self):
        lines = self.lines("cd /old; stat -c '%n %u:%g %a' . a b deep again link pipe; stat -c %u:%g /etc/shadow /home/app")
        self.assertEqual(lines, [". 7:8 750", "a 7:8 644", "b 9:10 400", "deep 0:0 755", "again 7:8 644", "link 11:12 777",
                                 "pipe 13:14 644", "0:42", "1000:1001"])

    def test_of_copied_files_are_seen(self):
        self.assertEqual(self.lines("stat -c '%u:%g %a' /f /w", "COPY --chown=app:staff --chmod=640 f /f\nUSER app\nWORKDIR /w\n",
                                    files={"f": "x"}), ["1000:50 640", "1000:1001 755"])

    def test_of_the_base_survive_a_step(self):
        tree = self.built("FROM box\nRUN echo x >>/old/deep/er/c\n")
        self.assertEqual(self.owners(tree, "old", "old/a", "old/b", "old/again", "old/link", "old/pipe"),
                         {"old": (7, 8), "old/a": (7, 8), "old/b": (9, 10), "old/again": (7, 8), "old/link": (11, 12),
                          "old/pipe": (13, 14)})

    def test_of_the_base_survive_being_written_to(self):
        tree = self.built("FROM box\nRUN echo x >>/old/a; chmod 604 /old/b; touch /old/new; chmod 600 /old/pipe\n")
        self.assertEqual(self.owners(tree, "old", "old/a", "old/b", "old/again", "old/new", "old/pipe"),
                         {"old": (7, 8), "old/a": (7, 8), "old/b": (9, 10), "old/again": (7, 8), "old/new": (0, 0),
                          "old/pipe": (13, 14)})

    def test_of_the_base_can_be_changed(self):
        before = self.built("FROM box\n", name="plain")
        tree = self.built("FROM box\nRUN chown 77:88 /old /old/b && chown -h 99:99 /old/link /old/pipe && chgrp 5 /etc/shadow\n")
        self.assertEqual(self.owners(tree, "old", "old/b", "old/link", "old/pipe", "etc/shadow", "old/a"),
                         {"old": (77, 88), "old/b": (77, 88), "old/link": (99, 99), "old/pipe": (99, 99), "etc/shadow": (0, 5),
                          "old/a": (7, 8)})
        for path in [b"old/b", b"etc/shadow"]:
            self.assertEqual((tree[path].sha256, tree[path].mode, tree[path].mtime),
                             (before[path].sha256, before[path].mode, before[path].mtime))

    def test_one_half_of_an_owner_alone(self):
        self.assertEqual(self.lines("touch f; chown 5:6 f; chown 7 f; chown :8 f; stat -c %u:%g f"), ["7:8"])

    def test_large_ids(self):
        if self.way.isolation == "subid":
            self.skipTest("the range has 65536 ids")
        tree = self.built("FROM box\nRUN touch /f /g && chown 4000000000:65534 /f && chown 65535:100000 /g && stat -c %u:%g /f >/seen\n")
        self.assertEqual((owner(tree[b"f"]), owner(tree[b"g"])), ((4000000000, 65534), (65535, 100000)))
        self.assertEqual(self.read("/seen"), b"4000000000:65534\n")

    def test_renaming_keeps_them(self):
        tree = self.built("FROM box\nRUN cd /srv; touch f; ln -s x l; mkdir d; chown -h 5:6 f l d; mv f g; mv l m; mv d e\n"
                          "RUN cd /srv; mv g h; mv m n; mv e i\n")
        self.assertEqual({owner(tree[path]) for path in [b"srv/h", b"srv/n", b"srv/i"]}, {(5, 6)})

    def test_renaming_over_another_file(self):
        tree = self.built("FROM box\nRUN cd /srv; touch a b; chown 5:6 a; chown 7:8 b; mv a b; ln -s x c; ln -s x d; chown -h 1:1 c; "
                          "mv c d\n")
        self.assertEqual((owner(tree[b"srv/b"]), owner(tree[b"srv/d"])), ((5, 6), (1, 1)))

    def test_hard_links_share_them(self):
        tree = self.built("FROM box\nRUN cd /srv; touch a; ln a b; chown 5:6 b; mkfifo p; ln p q; chown 8:9 q; stat -c %u:%g a p >/seen\n")
        self.assertEqual(self.read("/seen"), b"5:6\n8:9\n")
        for names, expected in [((b"srv/a", b"srv/b"), (5, 6)), ((b"srv/p", b"srv/q"), (8, 9))]:
            self.assertEqual([(tree[name].links, owner(tree[name])) for name in names], [(names, expected)] * 2)

    def test_hard_link_made_in_a_later_step(self):
        tree = self.built("FROM box\nRUN cd /srv; touch a; chown 5:6 a; mkfifo p; chown 8:9 p\nRUN cd /srv; ln a c; ln p r\nRUN cd /srv; chown 6:7 c\n")
        self.assertEqual((owner(tree[b"srv/c"]), owner(tree[b"srv/r"])), ((6, 7), (8, 9)))
        self.assertEqual(tree[b"srv/p"].links, (b"srv/p", b"srv/r"))

    def test_removed_files_leave_none_to_new_ones(self):
        tree = self.built("FROM box\nRUN cd /srv; for n in $(seq 40); do ln -s x l$n; mkfifo p$n; touch f$n; chown -h 5:6 l$n p$n f$n; "
                          "rm l$n p$n f$n; ln -s x m$n; mkfifo q$n; touch g$n; done; stat -c %u:%g * | sort -u >/seen\n"
                          "RUN cd /srv; rm *; for n in $(seq 40); do ln -s x l$n; mkfifo p$n; done\n")
        self.assertEqual(self.read("/seen"), b"0:0\n")
        self.assertEqual({owner(entry) for path, entry in tree.items() if path.startswith(b"srv/")}, {(0, 0)})

    def test_file_that_takes_another_s_name(self):
        tree = self.built("FROM box\nRUN cd /old; rm a link pipe; echo new >a; ln -s y link; mkfifo pipe\n")
        self.assertEqual(self.owners(tree, "old/a", "old/link", "old/pipe", "old/again"),
                         {"old/a": (0, 0), "old/link": (0, 0), "old/pipe": (0, 0), "old/again": (7, 8)})

    def test_copies(self):
        tree = self.built("FROM box\nRUN cp -a /old /kept && cp -r /old/a /old/deep /srv/ && cp -p /old/b /srv/b\n")
        plain = self.built("FROM box\n", name="plain")
        for path, entry in plain.items():
            if path == b"old" or path.startswith(b"old/"):
                copy = tree[path.replace(b"old", b"kept", 1)]
                self.assertEqual((copy.kind, copy.mode, owner(copy), copy.mtime), (entry.kind, entry.mode, owner(entry), entry.mtime),
                                 path)
        self.assertEqual(self.owners(tree, "srv/a", "srv/b", "srv/deep/er/c"),
                         {"srv/a": (0, 0), "srv/b": (9, 10), "srv/deep/er/c": (0, 0)})

    def test_moved_directory_of_the_base(self):
        tree = self.built("FROM box\nRUN mv /old /srv/moved\n")
        self.assertEqual(self.owners(tree, "srv/moved", "srv/moved/a", "srv/moved/b", "srv/moved/link", "srv/moved/pipe"),
                         {"srv/moved": (7, 8), "srv/moved/a": (7, 8), "srv/moved/b": (9, 10), "srv/moved/link": (11, 12),
                          "srv/moved/pipe": (13, 14)})
        self.assertNotIn(b"old", tree)
        self.assertNotIn(b"old/a", tree)

    def test_archives(self):
        tree = self.built("FROM box\nRUN tar cf /a.tar -C / old && mkdir /un && tar xf /a.tar -C /un && rm /a.tar\n")
        self.assertEqual(self.owners(tree, "un/old", "un/old/a", "un/old/b"),
                         {"un/old": (7, 8), "un/old/a": (7, 8), "un/old/b": (9, 10)})

    def test_changing_the_owner_takes_set_id_bits_from_files(self):
        tree = self.built("FROM box\nRUN cd /srv; touch f d; mkdir dir; chmod 6755 f dir; chown 5 f; chown 5 dir; echo x >g; chmod 4755 g; "
                          "chown 0:0 g\n")
        self.assertEqual([tree[path].mode for path in [b"srv/f", b"srv/dir", b"srv/g"]], [0o755, 0o6755, 0o755])

    def test_set_id_bits_after_the_owner_stay(self):
        tree = self.built("FROM box\nRUN cp /bin/busybox /b && chown 5:6 /b && chmod 6711 /b\nRUN mv /b /c\nRUN true\n")
        self.assertEqual((tree[b"c"].mode, owner(tree[b"c"])), (0o6711, (5, 6)))

    def test_set_gid_directory_hands_its_group_down(self):
        tree = self.built("FROM box\nRUN mkdir /g && chown 0:50 /g && chmod 2775 /g && touch /g/f && mkdir /g/d && ln -s x /g/l && "
                          "mkfifo /g/p && stat -c '%g %a' /g/f /g/d >/seen\nRUN touch /g/d/deep\n")
        self.assertEqual([tree[b"g/" + name].gid for name in [b"f", b"d", b"l", b"p", b"d/deep"]], [50] * 5)
        self.assertEqual(tree[b"g/d"].mode, 0o2755)
        self.assertEqual(self.read("/seen"), b"50 644\n50 2755\n")

    def test_missing_file_and_loop_are_errors(self):
        self.assertEqual(self.lines("chown 5 /no/such 2>/dev/null || echo 1; ln -s loop loop; chown 5 loop 2>/dev/null || echo 2; "
                                    "chown 5 /etc/passwd/x 2>/dev/null || echo 3; chown -h 5 loop && echo 4"), list("1234"))

    def test_through_a_symbolic_link(self):
        tree = self.built("FROM box\nRUN ln -s /old/b /l && chown 1:1 /l && chown -h 2:2 /l\n")
        self.assertEqual(self.owners(tree, "l", "old/b"), {"l": (2, 2), "old/b": (1, 1)})

    def test_inside_a_chroot(self):
        tree = self.built("FROM box\nRUN mkdir -p /j/bin && cp /bin/busybox /j/bin/ && "
                          "chroot /j /bin/busybox sh -c 'busybox touch /f; busybox chown 5:6 /f'\n")
        self.assertEqual(owner(tree[b"j/f"]), (5, 6))
        self.assertNotIn(b"f", tree)

    def test_thousands_at_once(self):
        tree = self.built("FROM box\nRUN cd /srv; for p in 1 2 3 4 5 6 7 8; do (mkdir $p; cd $p; for n in $(seq 200); do echo >$n; done; "
                          "chown -R $p:$((p + 100)) .) & done; wait\n")
        for path, entry in tree.items():
            if path.startswith(b"srv/"):
                number = int(path.split(b"/")[1])
                self.assertEqual(owner(entry), (number, number + 100), path)
        self.assertEqual(len([path for path in tree if path.startswith(b"srv/")]), 8 * 201)

    def test_no_record_of_them_is_left_in_extended_attributes(self):
        tree = self.built("FROM box\nRUN mkdir /d; touch /d/f; chown -R 5:6 /d; mknod /c c 1 3; mv /old /new; rm -r /home/app; mkdir /home/app\n")
        self.assertEqual({path: entry.xattrs for path, entry in tree.items() if entry.xattrs}, {})


@every_way
class Devices:
    MADE = ("RUN cd /srv; mknod c c 1 5; mknod -m 640 b b 259 70000; mknod p p; mkfifo -m 622 f; chown 0:6 b\n")

    def test_are_in_the_image(self):
        tree = self.built(f"FROM box\n{self.MADE}")
        self.assertEqual((tree[b"srv/c"].kind, tree[b"srv/c"].device, tree[b"srv/c"].mode), (stat.S_IFCHR, (1, 5), 0o644))
        self.assertEqual((tree[b"srv/b"].kind, tree[b"srv/b"].device, tree[b"srv/b"].mode), (stat.S_IFBLK, (259, 70000), 0o640))
        self.assertEqual(owner(tree[b"srv/b"]), (0, 6))
        self.assertEqual((tree[b"srv/p"].kind, tree[b"srv/f"].kind, tree[b"srv/f"].mode), (stat.S_IFIFO, stat.S_IFIFO, 0o622))

    def test_are_seen_as_such(self):
        command = "cd /srv; stat -c '%F %t:%T %a' c b p; test -c c && test -b b && test -p p && echo all; ls -l c | cut -c 1"
        expected = ["character special file 1:5 644", "block special file 103:11170 640", "fifo 0:0 644", "all", "c"]
        self.assertEqual(self.lines(command, self.MADE), expected)
        self.assertEqual(self.lines(self.MADE.strip().removeprefix("RUN ") + "; " + command), expected)

    def test_of_the_base_are_seen_and_stay(self):
        tree = self.built("FROM edge-in-range\nCOPY --from=box /bin /bin\nRUN mkdir /made\n")
        plain = self.built("FROM edge-in-range\n", name="plain")
        for path in [b"dev/zero", b"dev/loop9", b"dev/big", b"pipe"]:
            self.assertEqual(tree[path], plain[path], path)

    def test_can_be_changed_moved_and_removed(self):
        tree = self.built(f"FROM box\n{self.MADE}RUN cd /srv; chmod 600 c; chown 3:4 c; mv c d; ln b e; rm p f; touch -d @5 d\n")
        self.assertEqual((tree[b"srv/d"].device, tree[b"srv/d"].mode, owner(tree[b"srv/d"]), tree[b"srv/d"].mtime),
                         ((1, 5), 0o600, (3, 4), 5))
        self.assertEqual((tree[b"srv/e"].device, tree[b"srv/e"].links), ((259, 70000), (b"srv/b", b"srv/e")))
        self.assertFalse({b"srv/c", b"srv/p", b"srv/f"} & tree.keys())

    def test_copied_with_their_numbers(self):
        tree = self.built(f"FROM box\n{self.MADE}RUN cp -a /srv /copy\n")
        self.assertEqual((tree[b"copy/b"].device, tree[b"copy/c"].device), ((259, 70000), (1, 5)))

    def test_null_device_that_is_no_overlay_s_whiteout(self):
        tree = self.built("FROM box\nRUN mknod /srv/w c 0 0; ls /srv >/seen\nRUN touch /srv/x\n")
        # overlayfs itself hides such a file; whatever is done, nothing else may be lost by it.
        self.assertIn(b"srv/x", tree)
        self.assertIn(b"srv", tree)

    def test_users_may_not_make_any(self):
        self.assertEqual(self.lines("mknod c c 1 3 2>/dev/null || echo refused; mkfifo p && echo made", "USER app\nWORKDIR /home/app\n"),
                         ["refused", "made"])


@every_way
class Dropped:
    """Commands that go on as somebody else."""

    def su(self, command, before=""):
        return self.lines(f"su app -c '{command}'", before)

    def test_ids(self):
        self.assertEqual(self.su("id -u; id -g; id -G"), ["1000", "1001", "1001 50"])

    def test_files_are_theirs(self):
        tree = self.built("FROM box\nRUN su app -c 'cd /home/app; touch f; mkdir d; ln -s f l; mkfifo p; touch d/g; ln f h; cp /etc/passwd c; "
                          "stat -c %U f' >/seen\n")
        self.assertEqual({owner(tree[b"home/app/" + name]) for name in [b"f", b"d", b"l", b"p", b"d/g", b"h", b"c"]}, {(1000, 1001)})
        self.assertEqual(self.read("/seen"), b"app\n")

    def test_may_not_become_root_again(self):
        self.assertEqual(self.su("su -c true 2>/dev/null || echo refused"), ["refused"])

    def test_may_not_write_elsewhere(self):
        self.assertEqual(self.su("for f in /etc/passwd /etc/new /new /root/x /bin/busybox; do (echo >>$f) 2>/dev/null || echo no; done; "
                                 "rm -f /etc/passwd 2>/dev/null || echo no; mv /etc /x 2>/dev/null || echo no; "
                                 "chmod 777 /etc 2>/dev/null || echo no; touch -d @1 /etc/passwd 2>/dev/null || echo no"), ["no"] * 9)

    def test_may_not_read_what_is_closed(self):
        self.assertEqual(self.su("cat /etc/shadow 2>/dev/null || echo no; ls /old 2>/dev/null || echo no; cat /old/a 2>/dev/null || echo no"),
                         ["no"] * 3)

    def test_groups_open_what_they_should(self):
        self.assertEqual(self.su("cat /g/f && echo >/g/new && echo yes",
                                 "RUN mkdir /g && echo text >/g/f && chown -R 0:50 /g && chmod 770 /g && chmod 640 /g/f\n"), ["text", "yes"])

    def test_what_test_says_of_rights_is_true(self):
        self.assertEqual(self.su("test -r /etc/shadow || echo 1; test -w /etc || echo 2; test -x /old || echo 3; test -w /tmp && echo 4; "
                                 "test -r /etc/passwd && echo 5; test -w /home/app && echo 6"), list("123456"))

    def test_own_file_with_mode_000(self):
        self.assertEqual(self.su("cd; echo x >f; chmod 0 f; cat f 2>/dev/null || echo no; (echo >f) 2>/dev/null || echo no; chmod 600 f; cat f"),
                         ["no", "no", "x"])

    def test_root_overrides_modes(self):
        self.assertEqual(self.lines("cd /srv; echo x >f; chmod 0 f; cat f; mkdir d; chmod 0 d; touch d/g; ls d; chown 5 f; cat f"),
                         ["x", "g", "x"])

    def test_sticky_directory_protects(self):
        self.assertEqual(self.lines("touch /tmp/mine; su app -c 'rm -f /tmp/mine 2>/dev/null || echo no; mv /tmp/mine /tmp/m 2>/dev/null || "
                                    "echo no; touch /tmp/own && rm /tmp/own && echo yes'"), ["no", "no", "yes"])

    def test_chown_by_its_owner(self):
        self.assertEqual(self.su("cd; touch f; chgrp 50 f && echo 1; chgrp 0 f 2>/dev/null || echo 2; chown 0 f 2>/dev/null || echo 3; "
                                 "chown 1000 f && echo 4; stat -c %u:%g f; chown 1000 /etc/passwd 2>/dev/null || echo 5"),
                         ["1", "2", "3", "4", "1000:50", "5"])

    def test_kill_of_others_processes(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("sleep 1000 & su app -c \"kill $! 2>/dev/null || echo no\"; kill $! && echo yes"), ["no", "yes"])


@every_way
class DroppedDebian:
    """With the programs of a distribution."""

    def setUp(self):
        super().setUp()
        self.keep_store("debian")

    def debian(self, command, before=""):
        return self.lines(command, before, base="debian", registry=debian_registry())

    def test_setpriv_runuser_and_su(self):
        lines = self.debian("useradd -m -u 1234 svc && cd /home/svc && setpriv --reuid 1234 --regid 1234 --clear-groups sh -c 'id -u; "
                            "touch by-setpriv' && runuser -u svc -- sh -c 'id -u; touch by-runuser' && su svc -c 'id -u; touch by-su' && "
                            "stat -c %u:%g by-*")
        self.assertEqual(lines, ["1234"] * 3 + ["1234:1234"] * 3)

    def test_regaining_root_is_refused(self):
        script = ("use POSIX; use Errno; POSIX::setgid(33); POSIX::setuid(33); print \"$< $>\\n\"; "
                  "print POSIX::setuid(0) ? \"root\\n\" : $!{EPERM} . \"\\n\"; print \"$< $>\\n\"; "
                  "print chown(0, 0, \"/etc/passwd\") ? \"root\\n\" : $!{EPERM} . \"\\n\";")
        lines = self.lines(f'["perl", "-e", {json.dumps(script)}]', base="debian", registry=debian_registry())
        self.assertEqual([line != "root" for line in lines], [True] * 4, lines)
        self.assertEqual((lines[0], lines[2]), ("33 33", "33 33"))

    def test_effective_id_alone_can_be_regained(self):
        script = "$> = 33; print \"$< $>\\n\"; open(F, '>', '/tmp/f'); close F; $> = 0; print \"$< $>\\n\"; print ((stat '/tmp/f')[4], \"\\n\");"
        self.assertEqual(self.lines(f'["perl", "-e", {json.dumps(script)}]', base="debian", registry=debian_registry()),
                         ["0 33", "0 0", "33"])

    def test_socket(self):
        script = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un('/srv/s')) or die; chown(5, 6, '/srv/s') or die"
        tree = self.built(f'FROM debian\nRUN ["perl", "-e", {json.dumps(script)}]\nRUN test -S /srv/s && stat -c %u:%g /srv/s >/seen\n',
                          registry=debian_registry())
        self.assertEqual(self.read("/seen"), b"5:6\n")
        self.assertEqual((tree[b"srv/s"].kind, owner(tree[b"srv/s"])), (stat.S_IFSOCK, (5, 6)))

    def test_set_uid_programs_take_their_owner_s_rights(self):
        lines = self.debian("setpriv --reuid 33 --regid 33 --clear-groups /idr -u; /idw -u; /idg -g; setpriv --reuid 33 --regid 33 "
                            "--clear-groups /idr -ru",
                            "RUN cp /usr/bin/id /idr && chmod 4755 /idr && cp /usr/bin/id /idw && chown 33 /idw && chmod 4755 /idw && "
                            "cp /usr/bin/id /idg && chgrp 33 /idg && chmod 2755 /idg\n")
        self.assertEqual(lines, ["0", "33", "33", "33"])

    def test_su_from_an_ordinary_user_with_a_password(self):
        lines = self.debian("echo root:secret | chpasswd; useradd -m svc; setpriv --reuid svc --regid svc --init-groups sh -c "
                            "'echo secret | su -c \"id -u\" 2>/dev/null; echo wrong | su -c \"id -u\" 2>/dev/null || echo refused'")
        self.assertEqual(lines, ["0", "refused"])

    def test_password_file_belongs_to_its_group(self):
        tree = self.built("FROM debian\nRUN useradd -m -u 1234 svc && passwd -l svc >/dev/null && stat -c %u:%g:%a /etc/shadow\n",
                          registry=debian_registry())
        self.assertEqual((owner(tree[b"etc/shadow"]), tree[b"etc/shadow"].mode), ((0, 42), 0o640))
        self.assertEqual((owner(tree[b"home/svc"]), owner(tree[b"home/svc/.bashrc"])), ((1234, 1234), (1234, 1234)))
