"""A headless Chromium that opens pages, driven by its own protocol."""

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from websockets.sync.client import connect

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")


class Browser:
    """One window. Use as a context; `events` are what the page reported since it was opened."""

    def __enter__(self):
        self._held = ExitStack()
        folder = self._held.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([CHROMIUM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"], **quiet)
        self._held.callback(_end, process)
        port = Path(folder) / "DevToolsActivePort"
        ends = time.monotonic() + 60
        while not (port.exists() and "\n" in (text := port.read_text())):
            if time.monotonic() > ends:
                raise RuntimeError("Chromium did not start")
            time.sleep(0.05)
        number, path = text.split()
        self._count, self.events = 0, []
        self._socket = self._held.enter_context(connect(f"ws://127.0.0.1:{number}{path}", max_size=None))
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *failure):
        self._held.close()

    def call(self, method, **arguments):
        """Ask the browser, and return its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            said = json.loads(self._socket.recv(timeout=60))
            if said.get("id") == self._count:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                return said["result"]
            self.events.append(said)

    def open(self, path, width=1400, height=900, dark=False):
        """Open a file, and wait until it is drawn."""
        phone = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.js("0")
        self.settle()

    def js(self, code):
        """Return what a piece of JavaScript says; what it throws is an error."""
        found = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def settle(self):
        """Wait until two frames were drawn."""
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))")

    def key(self, name):
        """Press and release a key."""
        text = {"text": name} if len(name) == 1 else {"text": "\r"} if name == "Enter" else {}
        code = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        shared = {"key": name, "windowsVirtualKeyCode": code.get(name, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", **shared, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shared)
        self.settle()

    def mouse(self, *places):
        """Press at the first place (x, y), go through the others, and release at the last."""
        for i, (x, y) in enumerate(places):
            what = "mousePressed" if i == 0 else "mouseMoved"
            self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", buttons=1, clickCount=1)
        x, y = places[-1]
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)
        self.settle()

    def hover(self, x, y):
        """Move the pointer."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def complaints(self):
        """What the console said, and what threw."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in kinds]

    def requests(self):
        """The addresses that were asked for, but for what the page itself holds."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        addresses = [event["params"]["request"]["url"] for event in sent]
        return [address for address in addresses if not address.startswith("data:")]


def _end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
