# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, and the chat page as a person meets it."""
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

sys.path.append(str(Path(__file__).resolve().parents[1]))
from running_server import MOCK, PAGE, RunningServer  # noqa: E402

PATIENCE = 30  # seconds: a busy machine is no failure


def start_chromium(folder):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    # Root has no sandbox to be in; the rest keeps the browser from asking its maker anything.
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage",
                 "no-first-run", "disable-background-networking", "disable-component-update",
                 "disable-sync",
                 "window-size=1200,800", f"user-data-dir={folder}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(PATIENCE)
    return driver


class PageTest(unittest.TestCase):
    """Each test has a server of its own: another port is another origin, with an empty storage."""
    driver = None
    command = [*MOCK, "--page", str(PAGE)]
    more_arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        cls.driver = start_chromium(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.driver.quit()
        cls.folder.cleanup()

    def setUp(self):
        self.server = RunningServer([*self.command, *self.more_arguments])
        self.addCleanup(lambda: self.server.__exit__())
        self.expected_complaints = ()
        self.path = "/"
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)

    def tearDown(self):
        self.assert_quiet_console()
        self.assert_nothing_from_outside()

    def assert_quiet_console(self):
        for entry in self.driver.get_log("browser"):
            is_expected = any(each in entry["message"] for each in self.expected_complaints)
            self.assertTrue(is_expected, f"the console says {entry}")

    def assert_nothing_from_outside(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                self.assertTrue(url.startswith((self.server.url, "blob:", "data:")), url)

    # What a person does

    def open(self):
        self.driver.get(self.server.url + self.path)
        self.until(lambda: self.js("return document.readyState") == "complete")

    def send(self, text):
        self.js("document.getElementById('question').value = arguments[0]", text)  # may have lines
        self.by_id("question").send_keys(Keys.ENTER)

    def ask(self, text):
        """Asks and waits for the whole answer."""
        self.send(text)
        self.finished()
        return self.answer()

    def finished(self):
        self.until(lambda: self.by_id("send").is_displayed())

    def press(self, *keys):
        actions = webdriver.ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def set_field(self, name, text):
        """Of the settings, which must be open."""
        field = self.css(f"#settings [name={name}]")
        if field.get_attribute("type") == "checkbox":
            field.click()
        else:
            field.clear()
            field.send_keys(text + Keys.TAB)

    def with_settings(self, **fields):
        self.by_id("open-settings").click()
        for name, text in fields.items():
            self.set_field(name, text)
        self.press(Keys.ESCAPE)

    def in_menu(self, button):
        self.css("#menu summary").click()
        self.by_id(button).click()

    # What a person sees

    def by_id(self, name):
        return self.driver.find_element(By.ID, name)

    def css(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def texts(self, selector=".message .body"):
        found = "[...document.querySelectorAll(arguments[0])]"
        return self.js(f"return {found}.map(e => e.textContent)", selector)

    def answer(self):
        return self.texts(".assistant .body")[-1]

    def error(self):
        return self.until(lambda: self.all(".error span"))[-1].text

    def until(self, condition):
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda _: condition())

    def phone(self):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})

    def picture(self, name):
        """For people to look at, where a folder for pictures was given."""
        folder = os.environ.get("GEMMA2_SCREENSHOTS")
        if folder:
            self.driver.save_screenshot(f"{folder}/{name}.png")
