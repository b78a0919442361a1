"""Make the pictures of docs/explorer.md anew, from a chain with real traffic.

    python docs/explorer/shoot.py [HOME]

Needs Debian's chromium, chromium-driver, pngquant; fonts-urw-base35 and fonts-roboto for the type.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from story import Story

MOST_BYTES = 150 * 1024
HERE = Path(__file__).resolve().parent
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip


@contextmanager
def browser(width: int, height: int, *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """A window of its own."""
    with tempfile.TemporaryDirectory() as profile:
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
            )
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield driver
        finally:
            driver.quit()


def pages(url: str) -> dict[str, str]:
    """What is worth a picture, by name: found in the chain itself."""
    found = {"overview": "", "blocks": "/blocks", "supply": "/supply", "validators": "/validators"}
    with httpx.Client(base_url=f"{url}/v1", trust_env=False) as http:
        tip = http.get("/status").json()["height"]
        for height in range(1, tip + 1):
            for item in http.get(f"/blocks/{height}").json()["receipts"]:
                names = {event["name"] for event in item["events"]}
                what = "crossing" if names & {"debit", "credit"} else "transfer"
                name = {"shielded": what}.get(item["environment"])
                name = "sealed" if "sealed" in names else "end" if "end" in names else name
                if item["code"] == "ok" and name is not None:
                    found[name] = f"/tx/{item['tx_id'][2:]}"
                if "end" in names:
                    data = next(e["data"] for e in item["events"] if e["name"] == "end")
                    found["batch"] = f"/batches/{data['domain']}/{data['batch']}"
    found["batches"] = "/batches"
    found["proof"] = found["transfer"] + "/proof/0"
    return found


def shoot(url: str, names: tuple[str, ...] = ()) -> None:
    """All of them, or those named."""
    found = pages(url)
    for name, where, width, height, dark in (
        ("overview", "overview", 1280, 900, False),
        ("overview-dark", "overview", 1280, 900, True),
        ("transfer", "transfer", 1280, 1000, False),
        ("sealed", "sealed", 1280, 900, True),
        ("batch", "batch", 1280, 860, False),
        ("proof", "proof", 1280, 900, False),
        ("supply", "supply", 1280, 900, False),
        ("narrow", "transfer", 390, 1500, False),
    ):
        if names and name not in names:
            continue
        with browser(width, height, dark=dark) as driver:
            driver.get(f"{url}/explorer{found[where]}")
            if name == "proof":
                driver.find_element(By.CSS_SELECTOR, "form.again button").click()
                driver.find_element(By.CSS_SELECTOR, ".verdict")
            if where == "overview":
                WebDriverWait(driver, 5).until(
                    lambda page: page.find_element(By.CSS_SELECTOR, "[data-state]").text == "live"
                )
            (HERE / f"{name}.png").write_bytes(_small(driver.get_screenshot_as_png()))


def _small(picture: bytes) -> bytes:
    """With fewer colours where it would be large: gradients are."""
    if len(picture) <= MOST_BYTES:
        return picture
    done = subprocess.run(
        ("pngquant", "--speed", "1", "--quality", "40-95", "-"),
        input=picture, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="chiaro-") as folder:
        story = Story(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder))
        try:
            shoot(story.begin(), tuple(sys.argv[2:]))
        finally:
            if len(sys.argv) < 2:
                story.end()
