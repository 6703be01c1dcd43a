"""What takes how much, and how it was built: gbuild history, du and report (U-13)."""
import json
import re

from harness import gvmi
from harness.browser import Browser
from harness.case import Case
from harness.isolation import RunCase

HOSTILE = "</script><img src=x onerror=alert(1)>"
FILES = {"big": "x" * 300_000, "sub/a": "one file\n" * 5000, "sub/b": "one file\n" * 5000, HOSTILE.replace("/", "_"): "y" * 90_000,
         ".dockerignore": "Dockerfile\n"}
DOCKERFILE = ("FROM tiny AS other\nCOPY sub/a /made\n"
              "FROM tiny\nCOPY . /files/\nCOPY big /files/sub/a\nCOPY --from=other /made /made\nLABEL l=\"<b>&amp;</b></script>\"\nENV A=1\n")


class Shares(Case):
    def setUp(self):
        super().setUp()
        self.build(DOCKERFILE, FILES, ["--label", "hostile=" + HOSTILE])

    def json(self, *arguments):
        return json.loads(self.gbuild(*arguments, "--format", "json").out)

    def test_history_tells_what_each_step_wrote_and_what_is_left_of_it(self):
        history = self.json("history", "image")
        steps = {step["text"]: step for step in history["steps"]}
        self.assertEqual([step["number"] for step in history["steps"]], list(range(1, len(steps) + 1)))
        copy = steps["COPY . /files/"]
        self.assertEqual(copy["written"]["bytes"] - copy["kept"]["bytes"], 45_000)
        self.assertEqual(steps["COPY big /files/sub/a"]["kept"], {"files": 1, "bytes": 300_000})
        self.assertEqual(steps["COPY --from=other /made /made"]["kept"], {"files": 1, "bytes": 45_000})
        self.assertNotIn("kept", steps["COPY sub/a /made"])
        self.assertEqual(steps["ENV A=1"]["kept"] if "kept" in steps["ENV A=1"] else {"files": 0, "bytes": 0}, {"files": 0, "bytes": 0})
        text = self.gbuild("history", self.image()).out
        self.assertRegex(text, r"COPY \. /files/")
        self.assertIn("300.0 kB", text)

    def test_a_cached_build_says_so_and_keeps_the_sizes(self):
        before = self.json("history", "image")
        self.build(DOCKERFILE, FILES, ["--label", "hostile=" + HOSTILE])
        after = self.json("history", "image")
        self.assertEqual([step.get("kept") for step in after["steps"]], [step.get("kept") for step in before["steps"]])
        self.assertTrue(next(step for step in after["steps"] if step["text"] == "COPY . /files/")["cached"])

    def test_du_adds_up_and_equals_history(self):
        root = self.json("du", "image")
        self.assertEqual(root["size"], sum(entry["size"] for entry in root["entries"]))
        self.assertEqual(root["files"], sum(entry["files"] for entry in root["entries"]))
        entries = [entry for entry in self.tree(self.image()).values()]
        self.assertGreater(len(entries), root["files"])
        kept = sum(step.get("kept", {"bytes": 0})["bytes"] for step in self.json("history", "image")["steps"])
        self.assertEqual(root["size"], kept)
        self.assertEqual(sum(step["bytes"] for step in root["steps"]), kept)
        self.assertLess(root["stored"], self.image().stat().st_size)
        below = self.json("du", "image", "/files")
        self.assertEqual(below["size"], next(entry for entry in root["entries"] if entry["path"] == "/files")["size"])
        self.assertEqual(self.json("du", "image", "/files/big")["size"], 300_000)

    def test_du_tells_what_is_there_twice_and_what_is_lost(self):
        root = self.json("du", "image")
        pairs = [one["paths"] for one in root["duplicates"]]
        self.assertIn(["/files/big", "/files/sub/a"], pairs)
        self.assertIn(["/files/sub/b", "/made"], pairs)
        self.assertEqual([(one["path"], one["size"]) for one in root["lost"]], [("/files/sub/a", 45_000)])
        text = self.gbuild("du", "image").out
        self.assertIn("In the image more than once", text)
        self.assertIn("replaced or removed by a later one", text)

    def test_of_an_image_that_the_store_does_not_know(self):
        elsewhere = self.folder("elsewhere")
        result = self.gbuild("history", "--root", elsewhere, self.image(), code=4)
        self.assertIn("does not know how", result.err)
        self.assertEqual(json.loads(self.gbuild("du", "--root", elsewhere, "--format", "json", self.image()).out)["size"],
                         self.json("du", "image")["size"])
        self.assertIn("</html>", self.gbuild("report", "--root", elsewhere, "-o", "-", self.image()).out)

    def test_the_image_is_the_same_without_a_report(self):
        with_report = self.dir / "with.html"
        before = self.image().read_bytes()
        self.build(DOCKERFILE, FILES, ["--label", "hostile=" + HOSTILE, "--report", with_report, "--no-cache"])
        self.assertEqual(self.image().read_bytes(), before)
        self.assertIn("</html>", with_report.read_text())

    def test_nothing_in_the_page_is_markup_of_the_image_s(self):
        page = self.gbuild("report", "-o", "-", "image").out
        self.assertEqual(page.count("<script"), 2)
        self.assertEqual(page.count("</script"), 2)
        self.assertNotIn("<img", page)
        self.assertNotRegex(page, r"(?:src|href)=[\"']?(?:https?:)?//")


class Page(Case):
    """The page in a browser."""

    def setUp(self):
        super().setUp()
        self.build(DOCKERFILE, FILES, ["--label", "hostile=" + HOSTILE, "--report", self.dir / "report.html"])
        self.browser = Browser(self.dir)
        self.addCleanup(self.browser.__exit__)
        self.browser.look(1200, 900, "light")
        self.browser.show(self.dir / "report.html")

    def names(self, selector):
        return self.browser.value(f"[...document.querySelectorAll('{selector}')].map(one => one.getAttribute('aria-label') || one.textContent)")

    def test_it_shows_everything_without_a_complaint_or_a_request(self):
        self.assertEqual(self.browser.complaints, [])
        self.assertEqual([url for url in self.browser.requests if not url.startswith("file:")], [])
        self.assertIn(gvmi.sha3_224(self.image()), self.browser.value("document.body.innerText"))
        timeline = self.names("#timeline [role=img]")
        self.assertTrue(any("COPY . /files/" in name for name in timeline), timeline)
        self.assertTrue(any("[no-volume]" in name for name in self.names("#warning-list li")))
        self.assertIn(HOSTILE, self.browser.value("document.querySelector('#config-text').textContent"))
        self.assertEqual(self.browser.value("document.querySelectorAll('img').length"), 0)

    def test_its_figures_are_those_of_du_and_history(self):
        shown = dict(self.browser.value("[...document.querySelectorAll('#entries tbody tr')].map(row => [row.cells[0].textContent, row.cells[1].textContent])"))
        text = self.gbuild("du", "image").out
        for name, size in shown.items():
            if not name.startswith("…"):
                self.assertRegex(text, rf"(?m)^{re.escape(size)} .* /{re.escape(name)}$")
        history = self.gbuild("history", "--no-trunc", "image").out
        for cells in self.browser.value("[...document.querySelectorAll('#steps tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"):
            line = next(line for line in history.splitlines() if line.endswith(cells[5]))
            if cells[3] != "–":
                self.assertIn(cells[3], line)
                self.assertIn(cells[4], line)

    def test_mouse_and_keyboard(self):
        browser = self.browser
        self.assertTrue(all(self.names("#map g")))
        browser.click('#map g[aria-label^="files,"]')
        opened = browser.value("document.querySelector('#crumbs [aria-current]').textContent")
        self.assertEqual(opened, "files")
        browser.press("Escape")
        self.assertEqual(browser.value("document.querySelector('#crumbs [aria-current]').textContent"), "/")
        self.assertIn("files,", browser.value("document.activeElement.getAttribute('aria-label')"))
        browser.press("Enter")
        first = browser.value("document.activeElement.getAttribute('aria-label')")
        browser.press("ArrowRight")
        self.assertNotEqual(browser.value("document.activeElement.getAttribute('aria-label')"), first)
        browser.press("ArrowLeft")
        self.assertEqual(browser.value("document.activeElement.getAttribute('aria-label')"), first)
        browser.value("(document.querySelector('#mode').value = 'step', document.querySelector('#mode').dispatchEvent(new Event('change')))")
        self.assertTrue(any("COPY . /files/" in name for name in self.names("#map g")), self.names("#map g"))
        self.assertEqual(browser.complaints, [])

    def test_search(self):
        browser = self.browser
        browser.click("#search")
        browser.type("onerror")
        hits = self.names("#hits button")
        self.assertEqual(hits, ["/files/" + HOSTILE.replace("/", "_")])
        self.assertIn("1 found", browser.value("document.querySelector('#found').textContent"))
        browser.click("#hits button")
        self.assertEqual(browser.value("document.querySelector('#crumbs [aria-current]').textContent"), "files")
        browser.click("#search")
        browser.type("no such file")
        self.assertEqual(self.names("#hits button"), [])
        self.assertEqual(browser.complaints, [])

    def test_everything_that_can_be_used_has_a_name(self):
        nameless = self.browser.value("[...document.querySelectorAll('button, input, select, a, svg, [tabindex], [role=img], table')].filter(one => "
                                      "!(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label') || one.caption)).length")
        self.assertEqual(nameless, 0)

    def test_light_and_dark_wide_and_on_a_phone(self):
        pictures = {}
        for scheme in ["light", "dark"]:
            for name, width, height in [("wide", 1200, 900), ("phone", 390, 844)]:
                self.browser.look(width, height, scheme)
                self.browser.show(self.dir / "report.html")
                self.assertLessEqual(self.browser.value("document.documentElement.scrollWidth"), width)
                pictures[scheme, name] = self.browser.screenshot(self.dir / f"report-{scheme}-{name}.png")
        self.assertEqual(len(set(pictures.values())), 4)
        for picture in pictures.values():
            self.assertTrue(picture.startswith(b"\x89PNG") and len(picture) > 10_000)
        self.assertEqual(self.browser.complaints, [])


class Steps(RunCase):
    cached = True

    def test_what_a_run_hides_of_the_base_and_of_other_steps(self):
        self.build("FROM box\nRUN head -c 200000 /dev/zero | tr '\\0' x >/scratch; mkdir /kept; head -c 50000 /dev/zero | tr '\\0' y >/kept/f\n"
                   "RUN rm /scratch; echo changed >/etc/passwd\nRUN rm -r /kept\n")
        lost = {(one["path"], one["step"], one["lostTo"]): one["size"]
                for one in json.loads(self.gbuild("du", "image", "--format", "json").out)["lost"]}
        self.assertEqual(lost["/scratch", 2, 3], 200_000)
        self.assertEqual(lost["/kept/f", 2, 4], 50_000)
        self.assertIn(("/etc/passwd", 1, 3), lost)
        steps = json.loads(self.gbuild("history", "image", "--format", "json").out)["steps"]
        self.assertEqual(steps[1]["written"]["bytes"], 250_000)
        self.assertEqual(steps[1]["kept"]["bytes"], 0)
