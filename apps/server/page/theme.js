// SPDX-License-Identifier: Apache-2.0
//
// Sets the chosen theme before anything is drawn: it is the one script that the page waits for. The
// colours of page.css are pairs that follow color-scheme.
"use strict";
function useTheme(theme) {
  document.documentElement.style.colorScheme = theme === "auto" ? "light dark" : theme;
}
function storedTheme() {
  try {
    const theme = localStorage.getItem("gemma2.theme");
    return ["light", "dark"].includes(theme) ? theme : "auto";
  } catch {
    return "auto";  // storage may be forbidden
  }
}
useTheme(storedTheme());
