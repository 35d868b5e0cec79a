"""What a person can read of a page as it stands on the screen, without scrolling: nothing cuts it off or lies on it."""

import json
from typing import Any

from tests.support.browser import Page
from tests.support.waiting import wait_for

DESK = (1400, 1000)
"""The screen for which pages are made, in pixels."""
QUIET_LOOKS = 5
"""A page stands when it has looked the same so often, with all that it asked for answered."""
UNREAD = r"""
(texts => {
  const letters = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, owner = node.parentElement;
    if (owner.closest("script, style, title") || !owner.checkVisibility({ visibilityProperty: true })) continue;
    [...node.data].reduce((at, letter) => {
      if (letter.trim()) letters.push({ letter, node, at });
      return at + letter.length;
    }, 0);
  }
  const all = letters.map(one => one.letter).join(""), starts = [];
  letters.forEach((one, number) => { for (const _ of one.letter) starts.push(number); });
  const without = (box, frame) => box.left < frame.left - 1.5 || box.right > frame.right + 1.5
    || box.top < frame.top - 1.5 || box.bottom > frame.bottom + 1.5;
  const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  const wrong = (box, owner) => {
    if (without(box, screen)) return `beyond the screen, at ${Math.round(box.left)}, ${Math.round(box.top)}`;
    for (let frame = owner; frame; frame = frame.parentElement) {
      const style = getComputedStyle(frame);
      const cuts = frame !== document.body && frame !== document.documentElement && style.display !== "inline"
        && !(style.overflowX === "visible" && style.overflowY === "visible");
      if (cuts && without(box, frame.getBoundingClientRect())) return `cut off by ${frame.tagName} ${frame.className}`;
    }
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!top || !top.contains(owner)) return `covered by ${top && top.outerHTML.slice(0, 80)}`;
    return "";
  };
  const reason = (first, last) => {
    for (let number = first; number <= last; number += 1) {
      const { node, at, letter } = letters[number], range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + letter.length);
      const boxes = [...range.getClientRects()].filter(box => box.width && box.height);
      const found = boxes.map(box => wrong(box, node.parentElement)).find(Boolean);
      if (found) return found;
    }
    return "";
  };
  const unread = {};
  for (const text of texts) {
    const wanted = text.replace(/\s/g, "");
    const found = [];
    for (let at = all.indexOf(wanted); at >= 0 && !found.includes(""); at = all.indexOf(wanted, at + 1))
      found.push(reason(starts[at], starts[at + wanted.length - 1]));
    if (!found.length) unread[text] = "not on the page";
    else if (!found.includes("")) unread[text] = found[0];
  }
  return unread;
})
"""


def unread(page: Page, *texts: str) -> dict[str, str]:
    """Return which of these texts a person cannot read on the screen as it is, each with the reason; spaces differ."""
    found: dict[str, str] = page.run(f"{UNREAD}({json.dumps(texts)})")
    return found


def rest(page: Page) -> None:
    """Wait until a page that fetches what it shows stands still."""
    looks: list[Any] = []

    def is_still() -> bool:
        looks.append((page.run("document.body.innerText"), page.unanswered))
        last = looks[-QUIET_LOOKS:]
        return len(last) == QUIET_LOOKS and all(look == last[0] for look in last) and not page.unanswered

    wait_for(is_still, "the page stood still", progress=lambda: looks[-1] if looks else None)


def links_of(page: Page) -> dict[str, str]:
    """Return where the page's links lead, by what they say."""
    found: dict[str, str] = page.run(
        "Object.fromEntries([...document.querySelectorAll('a[href]')].map(one => [one.innerText.trim(), one.href]))"
    )
    return found
