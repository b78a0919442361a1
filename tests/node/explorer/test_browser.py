"""The explorer in headless Chromium: liveness, buttons, policy, width, with and without scripts."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from contextlib import contextmanager

import pytest

from node.rpc.listener import Listener, listen

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="needs chromium and chromedriver (Debian: chromium, chromium-driver)",
    ),
]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1280,900",
)  # fmt: skip
WAIT_S = 30


@contextmanager
def listening(node):
    """The node's application behind a socket; blocks are made by who tests. Yields the URL."""
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    started = threading.Event()
    handles = []

    async def serve() -> None:
        node._loop = asyncio.get_running_loop()
        listener = Listener(node.server().app)
        handles.append((node._loop, listener))
        serving = asyncio.create_task(listener.serve(sockets=[sock]))
        await listener.ready()
        started.set()
        await serving

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(WAIT_S)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop, listener = handles[0]
        node._loop = None
        loop.call_soon_threadsafe(lambda: setattr(listener, "should_exit", True))
        loop.call_soon_threadsafe(lambda: setattr(listener, "force_exit", True))
        thread.join(WAIT_S)
        sock.close()
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def url(story):
    with listening(story.node) as found:
        yield found


@pytest.fixture(scope="module")
def chrome(tmp_path_factory):
    """One browser; it logs its console and its requests."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(WAIT_S)
    yield driver
    driver.quit()


@pytest.fixture
def page(chrome, url):
    """A wide, light window with scripts, its logs empty."""
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    look(chrome, "light")
    chrome.get("about:blank")
    chrome.get_log("browser")
    chrome.get_log("performance")
    return chrome


def look(chrome, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def find(chrome, css: str):
    from selenium.webdriver.common.by import By

    return chrome.find_element(By.CSS_SELECTOR, css)


def until(chrome, condition):
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.wait import WebDriverWait

    waits = WebDriverWait(chrome, WAIT_S, 0.05, ignored_exceptions=[StaleElementReferenceException])
    return waits.until(lambda _: condition())


def places(story) -> list[str]:
    return [
        "", "/blocks", "/blocks/3", "/mempool", f"/tx/{story.clear}", f"/tx/{story.shielded}",
        f"/tx/{story.sealed}", f"/tx/{story.shielded}/proof/0", "/batches", "/batches/0",
        "/batches/0/0", "/supply", "/validators", "/faults", "/da", f"/da/{story.blob}",
        f"/account/{story.account}", "/rule/RPC-58", "/search", "/nowhere",
    ]  # fmt: skip


def test_blocks_come_without_a_reload(page, url, story) -> None:
    page.get(url + "/explorer")
    until(page, lambda: find(page, "[data-state]").text == "live")
    page.execute_script("window.mark = 1")
    height = story.node.produce_block().block.header.height
    until(page, lambda: find(page, "#tip h1").text.endswith(f"{height:,}"))
    until(page, lambda: find(page, f'#blocks tr[data-key="{height}"].fresh'))
    assert page.execute_script("return window.mark") == 1
    page.execute_script("document.querySelector('#tip time').dataset.ms = Date.now()")
    until(page, lambda: find(page, "#tip time").text.endswith(" s ago"))


def test_what_has_the_focus_keeps_it(page, url, story) -> None:
    page.get(url + "/explorer")
    until(page, lambda: find(page, "[data-state]").text == "live")
    link = find(page, "#blocks tbody tr a")
    where = link.get_attribute("href")
    page.execute_script("arguments[0].focus()", link)
    height = story.node.produce_block().block.header.height
    until(page, lambda: find(page, f'#blocks tr[data-key="{height}"]'))
    assert page.execute_script("return document.activeElement.href") == where


def test_a_proof_is_verified_again(page, url, story) -> None:
    page.get(f"{url}/explorer/tx/{story.shielded}/proof/0")
    find(page, "form.again button").click()
    verdict = until(page, lambda: find(page, ".verdict.good"))
    assert "Valid" in verdict.text
    assert "on this node" in verdict.text


def test_a_blob_is_reconstructed(page, url, story) -> None:
    page.get(f"{url}/explorer/da/{story.blob}")
    find(page, "form.again button").click()
    assert "6 sealed intents" in until(page, lambda: find(page, ".verdict.good")).text


def test_the_search_leads_to_a_transaction(page, url, story) -> None:
    page.get(url + "/explorer")
    field = find(page, "#q")
    field.send_keys(story.shielded)
    field.submit()
    until(page, lambda: page.current_url == f"{url}/explorer/tx/{story.shielded}")


def test_rpc58_no_page_complains_or_asks_another_origin(page, url, story) -> None:
    for place in places(story):
        page.get(f"{url}/explorer{place}")
    complaints = [
        entry
        for entry in page.get_log("browser")
        if not (entry["level"] == "SEVERE" and "/nowhere" in entry["message"])
    ]
    assert complaints == []
    asked = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in page.get_log("performance")
        if json.loads(entry["message"])["message"]["method"] == "Network.requestWillBeSent"
    ]
    assert len(asked) > len(places(story))
    assert {address for address in asked if not address.startswith(url + "/")} == set()


def test_rpc58_the_browser_keeps_to_the_policy(page, url) -> None:
    page.get(url + "/explorer/supply")
    page.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "document.body.append(s);"
        "document.body.insertAdjacentHTML('beforeend', '<p id=p style=\"color:red\">x</p>')"
    )
    assert page.execute_script("return window.ran") is None
    color = "return getComputedStyle(document.getElementById('p')).color"
    assert page.execute_script(color) != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in x["message"] for x in page.get_log("browser"))


def test_dark_and_light(page, url) -> None:
    def paper() -> int:
        page.get(url + "/explorer/supply")
        color = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        return sum(page.execute_script(color))

    assert paper() > 600
    look(page, "dark")
    assert paper() < 150


@pytest.mark.parametrize("width", [390, 820])
def test_nothing_is_wider_than_the_window(page, url, story, width) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wide = {}
    for place in places(story):
        page.get(f"{url}/explorer{place}")
        found = page.execute_script("return document.documentElement.scrollWidth")
        if found > width:
            wide[place] = found
    assert wide == {}


def test_without_scripts_all_but_liveness_works(page, url, story) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.get(url + "/explorer")
    assert find(page, "#tip h1").text.endswith(f"{story.node.chain.height:,}")
    assert find(page, "[data-state]").text == "as of this page"
    page.get(f"{url}/explorer/tx/{story.shielded}/proof/0")
    find(page, "form.again button").click()
    until(page, lambda: find(page, ".verdict.good"))


def test_the_keyboard_begins_at_the_content(page, url) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.get(url + "/explorer/supply")
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert page.execute_script("return document.activeElement.className") == "skip"
    ActionChains(page).send_keys(Keys.ENTER).perform()
    until(page, lambda: page.execute_script("return document.activeElement.id") == "main")
