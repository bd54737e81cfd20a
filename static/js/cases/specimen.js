// Shows what is to be known of the chosen kind of specimen; without this script all of it shows.

import { find, findAll } from "../common/elements.js";

const choice = find(document, "#specimen", HTMLSelectElement);
const strips = findAll(document, "[data-specimen]");

function show() {
  for (const strip of strips) strip.hidden = strip.dataset.specimen !== choice.value;
}

choice.addEventListener("change", show);
show();
