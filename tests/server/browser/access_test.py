# SPDX-License-Identifier: Apache-2.0
"""For everybody: by keyboard alone, on a phone, in the dark, by ear."""
import unittest

from browser import Keys, PageTest

ANSWER = ("say Here is a plan:\n\n1. **Find** the den\n2. Wait *quietly*\n\n```python\n"
          "def fox(name: str) -> str:\n"
          "    return f\"The quick brown {name} jumps over the lazy dog, twice.\"\n"
          "```\n\nRead [more](https://example.org/fox), or call `fox(\"Reynard\")`.")


class AccessTest(PageTest):
    def test_the_keyboard_is_enough(self):
        self.open()
        self.assertEqual(self.focused(), "question")
        self.press("slow 100", Keys.ENTER)
        self.until(lambda: self.by_id("stop").is_displayed())
        self.press(Keys.ESCAPE)
        self.finished()
        self.assertEqual(self.css(".assistant .note").text, "Stopped.")
        self.assertEqual(self.focused(), "question")
        self.reach("open-settings", Keys.SHIFT + Keys.TAB)
        self.press(Keys.ENTER)
        self.reach("system", Keys.TAB)
        self.press("Be brief.", Keys.ESCAPE)
        self.assertEqual(self.focused(), "open-settings")
        self.reach("question", Keys.TAB)
        self.press("say hello", Keys.ENTER)
        self.finished()
        self.assertEqual(self.answer(), "hello")
        self.reach("new", Keys.SHIFT + Keys.TAB)
        self.press(Keys.ENTER)
        self.assertEqual((self.focused(), self.texts()), ("question", []))

    def test_every_stop_of_tab_has_a_name_and_can_be_seen(self):
        self.open()
        self.ask(ANSWER)
        stops = []
        for _ in range(60):
            self.press(Keys.TAB)
            element = self.driver.switch_to.active_element
            if element in stops:
                break
            if element.tag_name == "body":  # between the page's last stop and its first
                continue
            stops.append(element)
            self.assertTrue(element.accessible_name.strip(), element.get_attribute("outerHTML"))
            outline = self.js("const e = arguments[0]; return e.closest('.box') !== null ||"
                              "getComputedStyle(e).outlineStyle !== 'none'", element)
            self.assertTrue(outline, element.get_attribute("outerHTML"))
        names = [element.accessible_name for element in stops]
        names = names[names.index("Skip to the question"):]
        order = ["Skip to the question", "New conversation", "Settings"]
        self.assertEqual([name for name in names if name in order], order, names)
        self.assertLess(names.index("Regenerate"), names.index("Your message"), names)

    def focused(self):
        return self.driver.switch_to.active_element.get_attribute("id")

    def reach(self, wanted, key):
        for _ in range(40):
            if self.focused() == wanted:
                return
            self.driver.switch_to.active_element.send_keys(key)
        self.fail(f"{wanted} can not be reached")

    def test_answers_are_announced_by_paragraphs(self):
        self.open()
        self.js("window.heard = []; const region = document.getElementById('announcer');"
                "new MutationObserver(() => heard.push(region.textContent))"
                ".observe(region, {childList: true})")
        self.ask("say one two\n\nthree")
        self.assertEqual("".join(self.js("return window.heard")), self.js(
            "return document.querySelector('.assistant .body').innerText"))

    def test_a_phone_shows_it_all_without_scrolling_sideways(self):
        self.phone()
        self.open()
        self.ask(ANSWER)
        self.picture("phone")
        self.ask("say " + "pneumonoultramicroscopic" * 20)
        self.assert_nothing_sticks_out()
        self.by_id("open-sidebar").click()
        self.until(lambda: self.by_id("new").is_displayed())
        self.assert_nothing_sticks_out()
        self.picture("phone-conversations")
        self.press(Keys.ESCAPE)
        self.until(lambda: not self.by_id("new").is_displayed())
        self.by_id("open-settings").click()
        self.assert_nothing_sticks_out()
        self.picture("phone-settings")

    def assert_nothing_sticks_out(self):
        widths = self.js("return [document.documentElement, document.body, messages, settings]"
                         ".map(e => e.scrollWidth - e.clientWidth)")
        self.assertEqual(widths, [0, 0, 0, 0])
        self.assertEqual(self.js("return innerWidth"), 360)

    def test_themes_change_and_are_remembered(self):
        self.open()
        self.ask(ANSWER)
        self.ask("say And then the fox slept.")
        self.picture("light")
        background = "return getComputedStyle(document.body).backgroundColor"
        light = self.js(background)
        self.by_id("theme").click()
        dark = self.js(background)
        self.assertNotEqual(light, dark)
        self.assertEqual(self.by_id("theme").accessible_name, "Theme: dark")
        self.picture("dark")
        self.driver.refresh()
        self.assertEqual(self.js(background), dark)
        self.by_id("theme").click()
        self.by_id("theme").click()
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setEmulatedMedia", {})
        self.assertEqual(self.js(background), dark)


if __name__ == "__main__":
    unittest.main(verbosity=2)
