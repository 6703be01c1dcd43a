"""Chromium without a window, driven through a pipe by the DevTools protocol."""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

from .process import missing_part

NAMES = ["chromium", "chromium-browser", "google-chrome"]
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowRight": 39, "ArrowDown": 40, "ArrowLeft": 37}


class Browser:
    """One page. `complaints` has what the page put on its console as an error, and every exception."""

    def __init__(self, folder):
        program = next((found for name in NAMES if (found := shutil.which(name))), None)
        if program is None:
            missing_part("chromium is not installed")
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out)]
        os.close(theirs_in)
        os.close(theirs_out)

        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._child = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={folder}/browser",
             "about:blank"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(3, 4, *high),
            preexec_fn=place, env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"})
        for fd in high:
            os.close(fd)
        self._in, self._out = ours_in, ours_out
        self._text, self._number, self._session = b"", 0, None
        self.complaints = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self._call(f"{domain}.enable")
        self.requests = []

    def _receive(self, limit=120):
        deadline = time.monotonic() + limit
        while b"\0" not in self._text:
            if not select.select([self._in], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError("the browser does not answer")
            more = os.read(self._in, 1 << 20)
            if not more:
                raise AssertionError("the browser has ended")
            self._text += more
        message, self._text = self._text.split(b"\0", 1)
        return json.loads(message)

    def _note(self, message):
        method, values = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(values["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "assert", "warning"):
            self.complaints.append(values["args"])
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.complaints.append(values["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        return method

    def _call(self, method, **values):
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def show(self, path):
        self.requests = []
        self._call("Page.navigate", url=f"file://{path}")
        while self._note(self._receive()) != "Page.loadEventFired":
            pass

    def value(self, expression):
        """Of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key):
        for kind in ["rawKeyDown", "keyUp"]:
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])

    def type(self, text):
        self._call("Input.insertText", text=text)

    def click(self, selector):
        """In the middle of the first element, as a mouse does."""
        place = self.value(f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView({{block: 'center'}}); "
                           "const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()")
        for kind in ["mousePressed", "mouseReleased"]:
            self._call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def look(self, width, height, scheme):
        """As a window of that size with a light or dark scheme."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        data = base64.b64decode(self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"])
        path.write_bytes(data)
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._out)
        os.close(self._in)
        self._child.terminate()
        self._child.wait(30)
