"""Whether a page fits where it is shown: nothing cut off at its right edge, and no control over another."""

from __future__ import annotations

from playwright.sync_api import Page

# A control is what is left of it by the boxes that scroll around it; inline links may share the ends of a line.
MEASURE = """() => {
  const width = document.documentElement.clientWidth;
  const name = (one) => (one.ariaLabel || one.textContent || one.name || one.id).trim().slice(0, 40);
  const seen = (one) => {
    let { left, top, right, bottom } = one.getBoundingClientRect();
    for (let around = one.parentElement; around; around = around.parentElement) {
      const style = getComputedStyle(around);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      if (around === document.body || around === document.documentElement) continue;
      const box = around.getBoundingClientRect();
      [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
      [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return { one, left, top, right, bottom };
  };
  const controls = [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((one) => !one.closest(".skip, .visually-hidden, svg, dialog:not([open]), [inert]"))
    .map(seen)
    .filter((box) => box.right - box.left > 2 && box.bottom - box.top > 2);
  const faults = controls.filter((box) => box.right > width + 1 || box.left < -1)
    .map((box) => `${name(box.one)} is cut off`);
  controls.forEach((a, place) => {
    for (const b of controls.slice(place + 1)) {
      if (a.one.contains(b.one) || b.one.contains(a.one)) continue;
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const wrapped = [a, b].some((box) => getComputedStyle(box.one).display === "inline");
      if (x > 3 && y > 3 && !wrapped) faults.push(`${name(a.one)} lies over ${name(b.one)}`);
    }
  });
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll("main *")].find((one) => {
      const box = one.getBoundingClientRect();
      return box.right > width + 1 && box.width > 0 && !one.closest(".scroll-x, .visually-hidden, svg");
    });
    faults.push(`the page is wider than its window: ${(wide ?? document.body).outerHTML.slice(0, 160)}`);
  }
  return faults.slice(0, 5);
}"""


def misfits(page: Page) -> list[str]:
    """What does not fit the window as it is now."""
    found: list[str] = page.evaluate(MEASURE)
    return found
