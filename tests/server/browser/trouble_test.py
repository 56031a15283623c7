# SPDX-License-Identifier: Apache-2.0
"""What the page does with refusals, broken streams and hostile text: the mock says what we like."""
import json
import tempfile
import unittest

from browser import PageTest

EVIL = ('<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> '
        '[click](javascript:window.hacked=1) [data](data:text/html,x) <b>bold</b> '
        '[good](https://example.org/a) `<i>` **<u>strong</u>**')

# 200,000 characters on which something quadratic takes minutes, or recursion without bound its
# stack.
HARD = [(piece * 200_000)[:200_000] for piece in (
    "`", "*", "**a", "_a *b ", "[", "[a](", "> ", "- ", "#", "\\", "\n", " ", "a\n", "__a ",
    "``a ")]
HARD += [" " * 200_000 + "-", "-" + " -" * 100_000 + "x", "* a\n" * 5_000, "1. a\n\n" * 5_000,
         "\n".join("  " * deep + "- a" for deep in range(600)), "```\n" * 5_000]


class TroubleTest(PageTest):
    def assert_harmless(self):
        self.assertIsNone(self.js("return window.hacked ?? null"))
        self.assertEqual(self.all("#messages :is(img, script, iframe, style)"), [])
        links = [link.get_attribute("href") for link in self.all("#messages a")]
        self.assertTrue(all(link.startswith("https://example.org/") for link in links), links)

    def test_a_models_html_is_text(self):
        self.open()
        answer = self.ask("say " + EVIL)
        self.assertIn('<img src=x onerror="window.hacked=1">', answer)
        self.assertIn("[click](javascript:window.hacked=1)", answer)
        self.assert_harmless()
        link = self.css("#messages a")
        self.assertIn("noopener", link.get_attribute("rel"))
        self.assertEqual(self.css("#messages strong").text, "<u>strong</u>")
        self.css("[title='Raw text']").click()
        self.assertEqual(self.answer(), EVIL)
        self.assert_harmless()

    def test_a_hostile_file_is_text_or_refused(self):
        self.open()
        hostile = {"conversations": [
            {"title": EVIL, "system": 7, "messages": [
                {"role": "user", "content": EVIL}, {"role": "assistant", "content": EVIL,
                 "state": "__proto__", "error": {"a": 1}, "stats": {"tokens": "x", "rate": None}},
                {"role": "tool", "content": "x"}, {"role": "user", "content": ["x"]}, None, 5],
             "id": "../x", "__proto__": {"polluted": 1}, "updated": -1, "used": "9"},
            {"messages": "no"}, None, []]}
        self.import_text(json.dumps(hostile))
        self.until(lambda: len(self.texts()) == 2)
        self.assert_harmless()
        self.driver.refresh()
        self.until(lambda: len(self.texts()) == 2)
        self.assert_harmless()
        self.assertIsNone(self.js("return ({}).polluted ?? null"))
        for bad in ("{", "[]", "null", '"x"', '{"messages": 5}', ""):
            self.import_text(bad)
            self.until(lambda: "expected" in self.by_id("toast").text)
            self.js("document.getElementById('toast').replaceChildren()")

    def import_text(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            file.write(text)
        self.by_id("import-file").send_keys(file.name)

    def test_what_is_exported_can_be_imported(self):
        self.open()
        self.js("window.blobs = []; URL.revokeObjectURL = () => {};"
                "URL.createObjectURL = (blob) => { blobs.push(blob); return 'blob:none'; };"
                "HTMLAnchorElement.prototype.click = function() {};")
        self.ask("say one **two**")
        self.in_menu("export-markdown")
        self.in_menu("export-json")
        markdown, exported = self.driver.execute_async_script(
            "Promise.all(window.blobs.map(b => b.text())).then(arguments[0])")
        self.assertEqual(markdown, "# say one **two**\n\n## You\n\nsay one **two**\n\n"
                                   "## Gemma\n\none **two**\n")
        before = self.texts()
        self.in_menu("delete")
        self.until(lambda: self.texts() == [])
        self.import_text(exported)
        self.until(lambda: self.texts() == before)

    def test_conversations_are_renamed_deleted_and_had_back(self):
        self.open()
        self.ask("say one")
        self.by_id("new").click()
        self.ask("say two")
        self.assertEqual(self.texts("#conversations button"), ["say two", "say one"])
        self.in_menu("rename")
        self.by_id("naming-value").clear()
        self.by_id("naming-value").send_keys("Second\n")
        self.until(lambda: self.texts("#conversations button")[0] == "Second")
        self.in_menu("delete")
        self.assertEqual(self.texts("#conversations button"), ["say one"])
        self.css("#toast button").click()
        self.assertEqual(self.texts(), ["say two", "two"])
        self.driver.refresh()
        self.until(lambda: self.texts("#conversations button") == ["Second", "say one"])

    def test_an_error_within_the_stream(self):
        self.open()
        self.ask("fail")
        self.assertEqual(self.error(), "the model lost its thread")
        self.assertEqual(self.answer(), "Once")

    def test_a_broken_stream(self):
        self.expected_complaints = ("ERR_INCOMPLETE_CHUNKED_ENCODING",)
        self.open()
        self.ask("cut")
        self.assertIn("broke before the answer was complete", self.error())
        self.assertEqual(self.answer(), "Once")
        self.driver.refresh()
        self.until(lambda: self.answer() == "Once")

    def test_a_stream_that_does_not_say_that_it_ends(self):
        self.open()
        self.ask("end")
        self.assertIn("broke before the answer was complete", self.error())
        self.assertEqual(self.answer(), "Once")

    def test_a_busy_server_says_when(self):
        self.expected_complaints = ("429",)
        self.open()
        self.ask("busy")
        self.assertIn("Try again in 7 s", self.error())
        self.assertIn("the queue is full", self.error())

    def test_a_refusal_names_its_reason(self):
        self.expected_complaints = ("400",)
        self.open()
        self.ask("refuse")
        self.assertEqual(self.error(), "messages[0].content: expected something else")

    def test_the_reading_of_a_long_prompt_is_told(self):
        self.open()
        self.js("window.seen = []; const status = document.getElementById('status');"
                "new MutationObserver(() => seen.push(status.textContent))"
                ".observe(status, {childList: true})")
        self.ask("say yes")
        self.assertIn("Reading: 2 of 4 tokens", self.js("return window.seen"))

    def test_settings_are_sent_and_blank_ones_are_not(self):
        self.open()
        always = {"model", "stream", "stream_options", "return_progress"}
        self.assertEqual(set(json.loads(self.ask("echo"))), always)
        self.by_id("open-settings").click()
        self.assertEqual(self.css("[name=temperature]").get_attribute("placeholder"), "0.7")
        self.assertEqual(self.css("[name=seed]").get_attribute("placeholder"), "default")
        fields = {"temperature": 0.25, "top_p": 0.5, "top_k": 7, "min_p": 0.125, "seed": 3,
                  "repeat_penalty": 1.5, "max_tokens": 99}
        for name, value in fields.items():
            self.set_field(name, str(value))
        self.js("document.querySelector('[name=stop]').value = 'a\\\\nb\\nc'")
        self.picture("settings")
        self.css("#settings header button").click()
        self.js("document.querySelector('[name=stop]').dispatchEvent(new Event('change'))")
        for _ in range(2):  # the second time they come from storage
            sent = json.loads(self.ask("echo"))
            self.assertEqual(sent, {**sent, **fields, "stop": ["a\nb", "c"]})
            self.driver.refresh()

    def test_the_system_prompt_belongs_to_the_conversation(self):
        self.open()
        self.by_id("open-settings").click()
        self.by_id("system").send_keys("Be brief.")
        self.css("#settings header button").click()
        self.ask("say one")
        self.driver.refresh()
        self.until(lambda: self.texts())
        self.assertEqual(self.by_id("system").get_attribute("value"), "Be brief.")

    def test_markdown(self):
        self.open()
        text = ("# Head\n\nA *b* __c__ `d`\nsecond line snake_case_name 2 * 3 * 4\n\n"
                "- one\n  - nested\n- two\n\n3. three\n4. four\n\n"
                "```py\nif a < b:\n    pass\n```\n\n> quoted\n\n---\nend \\*star\\*")
        self.js("const {renderMarkdown} = await import('./markdown.js');"
                "const body = document.createElement('div'); body.className = 'body markdown';"
                "document.getElementById('messages').append(body);"
                "renderMarkdown(body, arguments[0]);",
                text)
        kinds = self.js("return [...document.querySelector('.body').children].map(e => e.tagName)")
        self.assertEqual(kinds, ["H3", "P", "UL", "OL", "DIV", "BLOCKQUOTE", "HR", "P"])
        self.assertEqual(self.texts(".body pre"), ["if a < b:\n    pass"])
        self.assertEqual(self.texts(".body em, .body strong, .body p code"), ["b", "c", "d"])
        self.assertEqual(self.texts(".body > ul > li"), ["onenested", "two"])
        self.assertEqual(self.css(".body ol").get_attribute("start"), "3")
        self.assertEqual(self.texts(".body > p"), [
            "A b c d\nsecond line snake_case_name 2 * 3 * 4", "end *star*"])

    def test_no_text_takes_long(self):
        self.open()
        slow = self.driver.execute_async_script(
            "const [texts, done] = arguments;"
            "import('./markdown.js').then(({renderMarkdown}) => done(texts.map((text) => {"
            "  const start = performance.now();"
            "  renderMarkdown(document.createElement('div'), text);"
            "  return performance.now() - start; })))",
            HARD)
        for text, milliseconds in zip(HARD, slow):
            self.assertLess(milliseconds, 5_000, text[:20])


class KeyTest(PageTest):
    more_arguments = ("--api-key", "sesame")

    def test_a_key_is_asked_for_and_kept_in_this_tab_alone(self):
        self.expected_complaints = ("401",)
        self.open()
        self.until(lambda: self.by_id("key-value").is_displayed())
        self.picture("key")
        self.by_id("key-value").send_keys("wrong\n")
        self.until(lambda: self.by_id("key-value").get_attribute("value") == "")
        self.by_id("key-value").send_keys("sesame\n")
        self.until(lambda: "mock-model" in self.by_id("about").get_attribute("textContent"))
        self.assertEqual(self.ask("say hello"), "hello")
        self.driver.refresh()
        self.assertEqual(self.ask("say again"), "again")
        self.assertNotIn("sesame", self.js("return JSON.stringify(localStorage)"))

    def test_a_question_waits_for_its_key(self):
        self.expected_complaints = ("401",)
        self.open()
        self.until(lambda: self.by_id("key-value").is_displayed())
        self.css("#key .cancel").click()
        self.send("say hello")
        self.until(lambda: self.by_id("key-value").is_displayed())
        self.by_id("key-value").send_keys("sesame\n")
        self.until(lambda: self.answer() == "hello")
        self.assertEqual(self.all(".error"), [])


class PrefixTest(PageTest):
    more_arguments = ("--prefix", "/models/gemma")

    def test_the_page_works_behind_a_path_prefix(self):
        self.path = "/models/gemma/"
        self.open()
        self.assertEqual(self.ask("say hello"), "hello")


if __name__ == "__main__":
    unittest.main(verbosity=2)
