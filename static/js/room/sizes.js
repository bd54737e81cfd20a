// How large the tiles are: the person's choice, remembered by the browser.

import { findAll } from "../common/elements.js";

const PLACE = "leukoscope.room.tiles";

/**
 * @param {HTMLElement} choice a group of radio buttons
 * @param {HTMLElement} gallery
 */
export function letChooseSize(choice, gallery) {
  const buttons = findAll(choice, "input", HTMLInputElement);
  const kept = remembered();
  for (const button of buttons) {
    button.checked = button.value === kept;
    button.addEventListener("change", () => {
      gallery.dataset.tiles = button.value;
      remember(button.value);
    });
  }
  if (!buttons.some((button) => button.checked)) buttons[1].checked = true;
  gallery.dataset.tiles = buttons.find((button) => button.checked)?.value;
}

function remembered() {
  try {
    return localStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

/** @param {string} size */
function remember(size) {
  try {
    localStorage.setItem(PLACE, size);
  } catch {
    // The browser keeps nothing: the choice lasts as long as the page.
  }
}
